#include "tests/mcp/fake_log.h"

#include <flatbuffers/flatbuffers.h>
#include <unistd.h>

#include "base/check.h"
#include "log/record.h"
#include "schemas/event_generated.h"

namespace roost {
namespace {

// As a client would write it into its request.
flatbuffers::DetachedBuffer EventBody(const NewEvent& event, const std::string& agent,
                                      const std::string& id) {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = [&](const std::string& value) { return builder.CreateString(value); };
  const auto optional = [&](const std::string& value) {
    return value.empty() ? flatbuffers::Offset<flatbuffers::String>() : builder.CreateString(value);
  };
  const auto stream = text(event.stream);
  const auto type = text(event.type);
  const auto by = text(agent);
  const auto key = optional(id);
  const auto correlation = optional(event.correlation_id);
  const auto causation = optional(event.causation_id);
  const auto content_type = optional(event.content_type);
  const auto data =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(event.data.data()), event.data.size());
  builder.Finish(wire::CreateEvent(builder, stream, type, by, key, correlation, causation,
                                   content_type, data));
  return builder.Release();
}

}  // namespace

FakeLog::FakeLog() { Open(); }

void FakeLog::Open() {
  LogOptions options;
  options.durability = Durability::kMemory;
  options.ring_bytes = 16 << 20;
  options.streams_max = 4096;
  RecoveryReport report;
  ring_.reset();
  auto writer = LogWriter::Open(options, "/nowhere/roost.sock", nullptr, &report);
  ROOST_CHECK(writer.ok(), "{}", writer.status().message());
  writer_ = *std::move(writer);
  auto ring = RingReader::Open(UniqueFd(::dup(writer_->ring_fd())));
  ROOST_CHECK(ring.ok(), "{}", ring.status().message());
  ring_.emplace(*std::move(ring));
  ++generation_;
}

void FakeLog::BeginAnew() { Open(); }

void FakeLog::Later(std::function<void()> answer) {
  if (answers_later) {
    later_.push_back(std::move(answer));
  } else {
    answer();
  }
}

size_t FakeLog::Deliver() {
  const auto kept = std::move(later_);
  later_.clear();
  for (const auto& answer : kept) answer();
  return kept.size();
}

void FakeLog::Attach(uint64_t, Done done) {
  Later([this, done = std::move(done)] {
    if (!broker) return done({StatusCode::kUnavailable, "no broker; start one with: roostd"});
    was_attached_ = true;
    done({});
  });
}

LogInfo FakeLog::info() const {
  LogInfo info;
  info.attached = attached();
  info.session = was_attached_ ? 7 : 0;
  info.agent = agent;
  info.socket = "/nowhere/roost.sock";
  info.log_id = std::string(32, 'a');
  info.durability = Durability::kMemory;
  return info;
}

uint64_t FakeLog::Store(const NewEvent& event, const std::string& id, uint64_t* revision) {
  const auto body = EventBody(event, agent, id);
  EventToStage staged;
  staged.body = {reinterpret_cast<const std::byte*>(body.data()), body.size()};
  staged.stream = event.stream;
  staged.type_hash = FilterHash(event.type);
  staged.agent_hash = FilterHash(agent);
  staged.has_id = !id.empty();
  BatchOrigin origin;
  origin.session = 7;
  origin.request = 1;
  origin.uid = 1000;
  origin.time_ns = 1'700'000'000'123'456'789;
  BatchPlace place;
  ROOST_CHECK(writer_->Stage({&staged, 1}, origin, &place) == StageOutcome::kStaged);
  const Status committed = writer_->Commit();
  ROOST_CHECK(committed.ok(), "{}", committed.message());
  if (revision != nullptr) *revision = place.revision;
  return place.last;
}

uint64_t FakeLog::Put(const std::string& stream, const std::string& type, const std::string& data,
                      const std::string& content_type) {
  NewEvent event;
  event.stream = stream;
  event.type = type;
  event.data = data;
  event.content_type = content_type;
  const uint64_t sequence = Store(event, "", nullptr);
  Wake();
  return sequence;
}

void FakeLog::Append(const Batch& batch, uint64_t, AppendDone done) {
  last_batch = batch;
  Later([this, batch, done = std::move(done)] {
    AppendResult result;
    for (const Condition& condition : batch.conditions) {
      const uint64_t revision = writer_->RevisionOf(condition.stream);
      if (revision == condition.expect) continue;
      AppendResult::Conflict conflict;
      conflict.stream = condition.stream;
      conflict.expect = condition.expect;
      conflict.revision = revision;
      result.conflict = conflict;
      result.head = head();
      return done(result);
    }
    result.appended = true;
    for (const NewEvent& event : batch.events) {
      const uint64_t sequence = Store(event, result.first == 0 ? batch.id : "", &result.revision);
      if (result.first == 0) result.first = sequence;
      result.sequence = sequence;
    }
    result.count = static_cast<uint32_t>(batch.events.size());
    result.head = head();
    done(result);
    Wake();
  });
}

uint64_t FakeLog::Wait(const Filter& filter, uint64_t after, Done done) {
  if (refuses_waits) {
    done({StatusCode::kBusy, "too many wait already"});
    return 0;
  }
  waits_.push_back({++last_registration_, filter, after, std::move(done)});
  const uint64_t registration = last_registration_;
  if (head() > after) Later([this] { Wake(); });
  return registration;
}

void FakeLog::CancelWait(uint64_t registration) {
  std::erase_if(waits_, [&](const Waiting& wait) { return wait.registration == registration; });
}

// Wakes in vain where a stream or a prefix does not match, too: a broker may.
void FakeLog::Wake() {
  if (!broker) return;
  std::vector<Waiting> woken;
  for (size_t i = 0; i < waits_.size();) {
    if (waits_[i].after < head()) {
      woken.push_back(std::move(waits_[i]));
      waits_.erase(waits_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  for (const Waiting& wait : woken) wait.done({});
}

void FakeLog::ListSessions(uint64_t, SessionsDone done) {
  std::vector<SessionInfo> sessions(2);
  sessions[0].agent = agent;
  sessions[0].session = 7;
  sessions[0].client = "roost-mcp/test";
  sessions[1].agent = "other";
  sessions[1].session = 8;
  Later([done = std::move(done), sessions] { done(sessions); });
}

void FakeLog::FetchSegment(uint64_t, uint64_t, uint64_t, Done done) {
  Later([done = std::move(done)] { done({StatusCode::kGone, "in memory there is no journal"}); });
}

void FakeLog::Publish(const PublishedVerdict& verdict) {
  VerdictTableWriter(writer_->verdict_memory()).Publish(verdict, 0);
}

void FakeLog::SetPolicyVersion(uint64_t version) {
  VerdictTableWriter(writer_->verdict_memory()).SetPolicyVersion(version);
}

// Returns the number to cancel it by; 0 when it was answered at once.
template <typename T>
uint64_t FakeLog::AnswerWith(const Result<T>& value, std::function<void(const Result<T>&)> done) {
  const Result<T> answer = refusal.ok() ? value : Result<T>(refusal);
  Later([answer, done = std::move(done)] { done(answer); });
  return answers_later ? ++last_request_ : 0;
}

uint64_t FakeLog::Claim(const ClaimRequest& request, uint64_t, ClaimDone done) {
  last_claim = request;
  return AnswerWith<ClaimResult>(claim, std::move(done));
}

void FakeLog::Release(uint64_t token, std::string_view, uint64_t, ReleaseDone done) {
  last_released = token;
  AnswerWith<bool>(release, std::move(done));
}

uint64_t FakeLog::Take(const TakeRequest& request, uint64_t, TakeDone done) {
  last_take = request;
  return AnswerWith<TakeResult>(take, std::move(done));
}

void FakeLog::Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
                     uint64_t, SettleDone done) {
  settlings.push_back({{tokens.begin(), tokens.end()}, outcome, std::string(note)});
  AnswerWith<std::vector<bool>>(settle, std::move(done));
}

uint64_t FakeLog::Validate(std::span<const Question> questions, std::chrono::milliseconds wait,
                           uint64_t, ValidateDone done) {
  ++validations;
  last_questions.assign(questions.begin(), questions.end());
  last_wait = wait;
  return AnswerWith<std::vector<Answer>>(answers, std::move(done));
}

void FakeLog::Decide(const Decision& decision, uint64_t, DecideDone done) {
  last_decision = decision;
  AnswerWith<DecideResult>(decide, std::move(done));
}

void FakeLog::ListLeases(std::string_view prefix, uint64_t, LeasesDone done) {
  last_prefix = prefix;
  AnswerWith<std::vector<LeaseInfo>>(leases, std::move(done));
}

void FakeLog::ListGroups(std::string_view prefix, uint64_t, GroupsDone done) {
  last_prefix = prefix;
  AnswerWith<std::vector<GroupInfo>>(groups, std::move(done));
}

}  // namespace roost
