#include "client/connection.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "client/batch_check.h"
#include "client/connection_core.h"
#include "client/refusal.h"
#include "ipc/protocol.h"
#include "log/record.h"

namespace roost {
namespace {

BatchLimits LimitsOf(const RingReader* ring) {
  if (ring == nullptr) return {.batch_bytes_max = kRequestBytesMax};
  const RingLayout& layout = ring->layout();
  return {layout.event_data_bytes_max, layout.batch_events_max, layout.batch_bytes_max};
}

// Of a request with this batch: enough, where its events have no fields but the usual ones and names of the usual length.
size_t BytesExpected(const Batch& batch) {
  constexpr size_t kBesideData = 224;
  size_t bytes = kBesideData * (batch.events.size() + batch.conditions.size());
  for (const NewEvent& event : batch.events) bytes += event.data.size();
  return bytes;
}

Result<AppendResult> AppendResultOf(const wire::Reply& reply, Durability durability) {
  AppendResult result;
  result.durability = durability;
  if (const wire::Appended* appended = reply.body_as_Appended()) {
    result.appended = true;
    result.duplicate = appended->duplicate();
    result.first = appended->first();
    result.sequence = appended->sequence();
    result.revision = appended->revision();
    result.count = appended->count();
    result.head = appended->head();
    return result;
  }
  if (const wire::Conflict* conflict = reply.body_as_Conflict()) {
    result.head = conflict->head();
    result.conflict = {conflict->stream()->str(), conflict->expect(), conflict->revision(), {}};
    return result;
  }
  return {StatusCode::kCorruption, "the broker answered an append with something else"};
}

}  // namespace

Connection::Connection(ConnectionOptions options)
    : core_(std::make_unique<ConnectionCore>(std::move(options))) {}
Connection::~Connection() = default;

int Connection::fd() const { return core_->fd(); }
short Connection::events() const { return core_->events(); }
void Connection::OnReady() { core_->OnReady(); }
uint64_t Connection::NextTimerNs() const { return core_->NextTimerNs(); }
void Connection::OnTimer() { core_->OnTimer(); }

bool Connection::has_lane() const { return core_->has_lane(); }
bool Connection::TakeFromLane() { return core_->TakeFromLane(); }
bool Connection::LaneFallsAsleep() { return core_->LaneFallsAsleep(); }
void Connection::LaneWakesUp() { core_->LaneWakesUp(); }

void Connection::Attach(uint64_t deadline_ns, AttachDone done) {
  core_->Attach(deadline_ns, std::move(done));
}

bool Connection::attached() const { return core_->attached(); }
const RingReader* Connection::ring() const { return core_->attachment().ring(); }
uint64_t Connection::generation() const { return core_->attachment().generation(); }
const LogInfo& Connection::info() const { return core_->attachment().info(); }
bool Connection::CanSubmit() const { return core_->HasRoom(); }
size_t Connection::unanswered() const { return core_->unanswered(); }
SegmentCache& Connection::segments() { return core_->segments(); }
uint64_t Connection::oldest_told() const { return oldest_told_; }

void Connection::Append(const Batch& batch, uint64_t deadline_ns, AppendDone done) {
  ConnectionCore& core = *core_;
  Status status = CheckAgentLabel(core.options().agent);
  if (status.ok()) status = core.CheckRoom();
  const BatchLimits limits = LimitsOf(ring());
  if (status.ok()) status = CheckBatch(batch, limits);
  if (!status.ok()) return done(status);

  uint64_t bytes = 0;
  core.encoder().BeginAppend(BytesExpected(batch));
  for (const NewEvent& event : batch.events) {
    const bool is_first = &event == &batch.events.front();
    const bool is_json = event.content_type == "application/json";
    core.encoder().AddEvent({event.stream, event.type, core.options().agent,
                             is_first ? std::string_view(batch.id) : std::string_view(),
                             event.correlation_id, event.causation_id,
                             is_json ? std::string_view() : event.content_type, event.data});
    bytes += RecordSize(RecordKind::kEvent, core.encoder().last_body_bytes());
  }
  for (const Condition& condition : batch.conditions) {
    core.encoder().AddCondition(condition.stream, condition.expect);
  }
  const Bytes request = core.encoder().FinishAppend(core.next_number());
  if (bytes > limits.batch_bytes_max || request.size() > kRequestBytesMax) {
    core.encoder().Shrink();
    return done(Status(StatusCode::kTooLarge,
                       fmt::format("a batch has {} bytes, the limit is {}: split it", bytes,
                                   std::min<uint64_t>(limits.batch_bytes_max, kRequestBytesMax))));
  }
  core.Submit(request, {.deadline_ns = deadline_ns, .is_repeatable = !batch.id.empty()},
              [this, done = std::move(done)](const Status& answer, const wire::Reply* reply) {
                done(answer.ok() ? AppendResultOf(*reply, info().durability)
                                 : Result<AppendResult>(answer));
              });
}

uint64_t Connection::Wait(const Filter& filter, uint64_t after, WaitDone done) {
  return core_->Wait(filter, after, std::move(done));
}

void Connection::CancelWait(uint64_t registration) { core_->CancelWait(registration); }

void Connection::FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns,
                              SegmentDone done) {
  if (const Status room = core_->CheckRoom(); !room.ok()) return done(room);
  core_->Submit(
      core_->encoder().FindSegment(core_->next_number(), position != 0 ? 0 : sequence, position),
      {.deadline_ns = deadline_ns},
      [this, sequence, position, done = std::move(done)](const Status& status,
                                                         const wire::Reply* reply) {
        done(status.ok() ? TakeSegment(*reply, sequence, position) : status);
      });
}

Status Connection::TakeSegment(const wire::Reply& reply, uint64_t sequence, uint64_t position) {
  if (const wire::Gone* gone = reply.body_as_Gone()) {
    oldest_told_ = gone->oldest();
    return {StatusCode::kGone,
            position != 0
                ? fmt::format("the event at position {} is gone; event {} is the oldest", position,
                              oldest_told_)
                : fmt::format("event {} is gone; event {} is the oldest", sequence, oldest_told_)};
  }
  UniqueFd fd = core_->TakeReceivedFd();
  const wire::Segment* told = reply.body_as_Segment();
  if (told == nullptr || !fd.valid()) {
    return {StatusCode::kCorruption, "the broker handed out no segment"};
  }
  Result<SegmentReader> reader = SegmentReader::Open(
      std::move(fd),
      fmt::format("{}/{:020}.segment", info().data_directory, told->base_sequence()));
  if (!reader.ok()) return reader.status();
  if (reader->base_sequence() != told->base_sequence() ||
      reader->base_position() != told->base_position()) {
    return {StatusCode::kCorruption,
            fmt::format("{} is another segment than the broker says", reader->name())};
  }
  SegmentCache::Entry entry{std::move(*reader)};
  if (!entry.TakeFooter()) {
    entry.end_position = told->end_position();
    if (told->anchor_position() >= entry.reader.base_position() &&
        told->anchor_sequence() >= entry.reader.base_sequence()) {
      entry.anchor_sequence = told->anchor_sequence();
      entry.anchor_position = told->anchor_position();
    }
  }
  core_->segments().Add(std::move(entry));
  return {};
}

void Connection::ListSessions(uint64_t deadline_ns, SessionsDone done) {
  ListSessionsAfter(0, deadline_ns, std::make_shared<std::vector<SessionInfo>>(), std::move(done));
}

void Connection::ListSessionsAfter(uint64_t after, uint64_t deadline_ns,
                                   std::shared_ptr<std::vector<SessionInfo>> found,
                                   SessionsDone done) {
  if (const Status room = core_->CheckRoom(); !room.ok()) return done(room);
  core_->Submit(core_->encoder().ListSessions(core_->next_number(), after, kListSessionsMax),
                {.deadline_ns = deadline_ns},
                [this, deadline_ns, found, done](const Status& status, const wire::Reply* reply) {
                  if (!status.ok()) return done(status);
                  const wire::Sessions* sessions = reply->body_as_Sessions();
                  if (sessions == nullptr) {
                    return done(Status(StatusCode::kCorruption, "the broker listed no sessions"));
                  }
                  const uint64_t last = AddSessions(*sessions, found.get());
                  if (sessions->more() && last != 0) {
                    return ListSessionsAfter(last, deadline_ns, found, done);
                  }
                  done(std::move(*found));
                });
}

}  // namespace roost
