#include "roost/client.h"

#include <fmt/core.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/clock.h"
#include "client/append_check.h"
#include "client/client_impl.h"
#include "client/stream_list.h"
#include "ipc/counters_reader.h"
#include "ipc/protocol.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

// A client that only reads looks this often whether its broker is still the same.
constexpr uint64_t kLookNs = 10 * kNsPerMs;
constexpr uint64_t kAttachAgainNs = kNsPerSecond;
constexpr uint64_t kLaneOnlyNs = kNsPerMs;
constexpr uint64_t kYieldAfterNs = 5 * kNsPerUs;

std::string ChooseAgent(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* from_environment = std::getenv("ROOST_AGENT");
      from_environment != nullptr && *from_environment != '\0') {
    return from_environment;
  }
  return fmt::format("{}-{}", ::program_invocation_short_name, ::getpid());
}

ConnectionOptions OptionsFor(const ClientOptions& options, const std::string& socket) {
  return {socket, ChooseAgent(options.agent),
          options.program.empty() ? "libroost " ROOST_VERSION : options.program, options.lane};
}

}  // namespace

Client::Impl::Impl(const ClientOptions& options, const Result<std::string>& socket)
    : connection(OptionsFor(options, socket.ok() ? *socket : std::string())),
      lane_spin_ns(static_cast<uint64_t>(std::max<int64_t>(options.lane_spin.count(), 0)) * kNsPerUs),
      timeout_ns(static_cast<uint64_t>(std::max<int64_t>(options.timeout.count(), 0)) * kNsPerMs),
      trouble(socket.status()) {}

bool Client::Impl::PumpLane(uint64_t until_ns) {
  if (!connection.has_lane()) return false;
  const uint64_t begin_ns = MonotonicNs();
  // What comes through the socket is not to wait for the lane to be quiet.
  if (begin_ns - looked_ns >= kLaneOnlyNs) {
    PollOnce(0);
    return true;
  }
  const uint64_t end_ns = std::min(begin_ns + lane_spin_ns, until_ns);
  uint64_t now_ns = begin_ns;
  do {
    if (connection.TakeFromLane()) return true;
    // The broker may need this very core.
    if (now_ns - begin_ns >= kYieldAfterNs) ::sched_yield();
    now_ns = MonotonicNs();
  } while (now_ns < end_ns);
  return false;
}

void Client::Impl::Pump(uint64_t until_ns) {
  if (PumpLane(std::min(until_ns, connection.NextTimerNs()))) return;
  PollOnce(connection.LaneFallsAsleep() ? until_ns : 0);
}

void Client::Impl::PollOnce(uint64_t until_ns) {
  const uint64_t wake_ns = std::min(until_ns, connection.NextTimerNs());
  const uint64_t now_ns = MonotonicNs();
  const uint64_t wait_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
  const timespec wait{static_cast<time_t>(wait_ns / kNsPerSecond),
                      static_cast<long>(wait_ns % kNsPerSecond)};
  pollfd polled{connection.fd(), connection.events(), 0};
  const int ready = ::ppoll(&polled, connection.fd() >= 0 ? 1 : 0,
                            wake_ns == UINT64_MAX ? nullptr : &wait, nullptr);
  connection.LaneWakesUp();
  if (ready > 0) connection.OnReady();
  connection.TakeFromLane();
  looked_ns = MonotonicNs();
  if (looked_ns >= connection.NextTimerNs()) connection.OnTimer();
}

void Client::Impl::Look() {
  const uint64_t now_ns = MonotonicNs();
  if (now_ns - looked_ns < kLookNs) return;
  if (!connection.attached() && now_ns - attach_tried_ns >= kAttachAgainNs) {
    attach_tried_ns = now_ns;
    connection.Attach(now_ns + kAttachAgainNs, [](const Status&) {});
  }
  Pump(0);
}

Status Client::Impl::Attach(uint64_t deadline_ns) {
  ROOST_RETURN_IF_ERROR(trouble);
  if (connection.attached()) return {};
  return Finish<Status>([&](auto done) { connection.Attach(deadline_ns, std::move(done)); });
}

Status Client::Impl::EnsureRing() {
  ROOST_RETURN_IF_ERROR(trouble);
  if (connection.ring() == nullptr) return Attach(Deadline());
  Look();
  return {};
}

void Client::Impl::WaitForRoom() {
  // Ends: what is unanswered has deadlines, or an answer that comes, or a connection that breaks.
  while (!connection.CanSubmit()) Pump(UINT64_MAX);
}

Result<AppendResult> Client::Impl::Append(const Batch& batch) {
  ROOST_RETURN_IF_ERROR(trouble);
  WaitForRoom();
  const uint64_t began_ns = MonotonicNs();
  Result<AppendResult> result = Finish<Result<AppendResult>>(
      [&](auto done) { connection.Append(batch, began_ns + timeout_ns, std::move(done)); });
  if (result.ok() && result->appended) Record(wire::ClientWork::Append, began_ns);
  if (!result.ok() || !result->conflict.has_value()) return result;
  return SettleConflict(batch, std::move(*result));
}

Result<AppendResult> Client::Impl::SettleConflict(const Batch& batch, AppendResult conflict) {
  const uint64_t deadline_ns = Deadline();
  if (AppendCheck::Applies(batch)) {
    AppendCheck check(batch);
    Page page;
    AppendCheck::Verdict verdict = AppendCheck::Verdict::kReadOn;
    while (verdict == AppendCheck::Verdict::kReadOn) {
      ROOST_RETURN_IF_ERROR(Read(check.query(), deadline_ns, &page));
      verdict = check.Take(page);
    }
    if (verdict == AppendCheck::Verdict::kBefore) {
      return check.result(conflict.head, conflict.durability);
    }
    if (verdict == AppendCheck::Verdict::kIdReused) {
      return Status(
          StatusCode::kAlreadyExists,
          fmt::format("id '{}' was used in stream '{}' with other content; take another id "
                      "for another event",
                      batch.id, batch.events[0].stream));
    }
  }
  ReadConflict(&conflict);
  return conflict;
}

void Client::Impl::ReadConflict(AppendResult* result) {
  if (result->conflict->revision == 0) return;
  ReadQuery query;
  query.filter.stream = result->conflict->stream;
  query.order = Order::kNewestFirst;
  query.limit = 1;
  auto page = std::make_shared<Page>();
  if (Read(query, Deadline(), page.get()).ok() && !page->empty()) {
    result->conflict->last = std::move(page);
  }
}

LogReader& Client::Impl::reader() {
  if (!log_reader.has_value() || reader_generation != connection.generation()) {
    reader_generation = connection.generation();
    log_reader.emplace(connection.ring(), &connection.segments(), &connection.own_work());
  }
  return *log_reader;
}

Status Client::Impl::Read(const ReadQuery& query, uint64_t deadline_ns, Page* page) {
  LogReader::Step step = reader().Begin(query, page);
  while (step == LogReader::Step::kNeedsSegment) {
    const Status fetched = Fetch(deadline_ns);
    if (reader_generation != connection.generation()) {
      // A new broker's ring, perhaps of another log: what was found so far may not be of it.
      step = reader().Begin(query, page);
    } else if (fetched.ok()) {
      step = log_reader->Continue();
    } else if (fetched.code() == StatusCode::kGone) {
      // A segment that was cut while it was on its way is gone too, and nobody said what is the oldest then.
      step = log_reader->ContinueWithout(
          std::max(connection.oldest_told(), connection.ring()->log_oldest()));
    } else {
      return fetched;
    }
  }
  return step == LogReader::Step::kDone ? Status() : log_reader->status();
}

Status Client::Impl::Fetch(uint64_t deadline_ns) {
  const uint64_t sequence = log_reader->needed_sequence();
  const uint64_t position = log_reader->needed_position();
  WaitForRoom();
  return Finish<Status>([&](auto done) {
    connection.FetchSegment(sequence, position, deadline_ns, std::move(done));
  });
}

// Pages until one has something, or there is no more, or `deadline_ns` has come. `*head` is that of the
// first: what came after it was not looked at by all of them.
Status Client::Impl::ReadThrough(ReadQuery query, uint64_t deadline_ns, Page* page,
                                 uint64_t* head) {
  ROOST_RETURN_IF_ERROR(Read(query, Deadline(), page));
  *head = page->head();
  while (page->empty() && !page->gap().has_value() && page->more() && MonotonicNs() < deadline_ns) {
    if (query.order == Order::kOldestFirst) {
      query.after = page->next();
      query.before = query.before == 0 ? *head + 1 : query.before;
    } else {
      query.before = page->next();
    }
    ROOST_RETURN_IF_ERROR(Read(query, Deadline(), page));
  }
  return {};
}

// False: the time is over.
Result<bool> Client::Impl::WaitUntil(const Filter& filter, uint64_t after, uint64_t deadline_ns) {
  std::optional<Status> woken;
  const uint64_t registration =
      connection.Wait(filter, after, [&woken](const Status& status) { woken = status; });
  while (!woken.has_value() && MonotonicNs() < deadline_ns) Pump(deadline_ns);
  if (!woken.has_value()) {
    connection.CancelWait(registration);
    return false;
  }
  ROOST_RETURN_IF_ERROR(*woken);
  return true;
}

// ---- the outside ----

Client::Client(ClientOptions options)
    : impl_(std::make_unique<Impl>(options, ChooseSocketPath(options.socket))) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<AppendResult> Client::Append(const NewEvent& event) {
  Batch batch;
  batch.events.push_back(event);
  return impl_->Append(batch);
}

Result<AppendResult> Client::Append(const NewEvent& event, uint64_t expect) {
  Batch batch;
  batch.events.push_back(event);
  batch.conditions.push_back({event.stream, expect});
  return impl_->Append(batch);
}

Result<AppendResult> Client::Append(const Batch& batch) { return impl_->Append(batch); }

Status Client::Submit(const Batch& batch, AppendDone done) {
  Impl& impl = *impl_;
  ROOST_RETURN_IF_ERROR(impl.trouble);
  impl.WaitForRoom();
  // While this call runs an error is its own result; the callback may come long after it.
  auto inside = std::make_shared<bool>(true);
  Status refused;
  ++impl.submitted;
  const uint64_t began_ns = MonotonicNs();
  impl.connection.Append(
      batch, began_ns + impl.timeout_ns,
      [&impl, &refused, inside, began_ns, done = std::move(done)](const Result<AppendResult>& result) {
        --impl.submitted;
        if (result.ok() && result->appended) impl.Record(wire::ClientWork::Append, began_ns);
        if (*inside) {
          refused = result.status();
        } else {
          done(result);
        }
      });
  *inside = false;
  return refused;
}

Status Client::WaitForAnswer() {
  ROOST_RETURN_IF_ERROR(impl_->trouble);
  const size_t before = impl_->submitted;
  while (impl_->submitted > 0 && impl_->submitted >= before) impl_->Pump(UINT64_MAX);
  return {};
}

Status Client::Flush() {
  ROOST_RETURN_IF_ERROR(impl_->trouble);
  while (impl_->submitted > 0) impl_->Pump(UINT64_MAX);
  return {};
}

Result<Page> Client::Read(const ReadQuery& query) {
  Page page;
  ROOST_RETURN_IF_ERROR(Read(query, &page));
  return page;
}

Status Client::Read(const ReadQuery& query, Page* page) {
  ROOST_RETURN_IF_ERROR(impl_->EnsureRing());
  const uint64_t began_ns = MonotonicNs();
  ROOST_RETURN_IF_ERROR(impl_->Read(query, began_ns + impl_->timeout_ns, page));
  impl_->Record(wire::ClientWork::Read, began_ns);
  return {};
}

Result<Page> Client::Wait(const ReadQuery& query, std::chrono::milliseconds timeout) {
  const uint64_t deadline_ns =
      MonotonicNs() + static_cast<uint64_t>(std::max<int64_t>(timeout.count(), 0)) * kNsPerMs;
  ROOST_RETURN_IF_ERROR(impl_->EnsureRing());
  ReadQuery unread = query;
  Page page;
  while (true) {
    uint64_t head = 0;
    ROOST_RETURN_IF_ERROR(impl_->ReadThrough(unread, deadline_ns, &page, &head));
    if (!page.empty() || page.gap().has_value() || page.more()) return page;
    unread.after = std::max(unread.after, head);
    if (query.before != 0 && unread.after + 1 >= query.before) return page;
    const Result<bool> woken = impl_->WaitUntil(query.filter, unread.after, deadline_ns);
    if (!woken.ok()) return woken.status();
    if (!*woken) return page;
  }
}

Result<std::vector<StreamInfo>> Client::ListStreams(std::string_view prefix, size_t limit) {
  ROOST_RETURN_IF_ERROR(impl_->EnsureRing());
  return roost::ListStreams(*impl_->connection.ring(), prefix, limit);
}

Result<std::vector<SessionInfo>> Client::ListSessions() {
  return impl_->Ask<Result<std::vector<SessionInfo>>>({}, [this](uint64_t deadline_ns, auto done) {
    impl_->connection.ListSessions(deadline_ns, std::move(done));
  });
}

Result<LogInfo> Client::Info() {
  ROOST_RETURN_IF_ERROR(impl_->EnsureRing());
  LogInfo info = impl_->connection.info();
  const RingReader& ring = *impl_->connection.ring();
  info.head = ring.head();
  info.oldest = ring.log_oldest();
  info.streams = ring.stream_count();
  if (const auto counters = ReadCounters(CountersPath(info.socket), CountersDetail::kValues);
      counters.ok()) {
    info.degraded_since_ns = counters->degraded_since_ns;
    info.degraded_why = counters->degraded_why;
  }
  return info;
}

}  // namespace roost
