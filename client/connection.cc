#include "client/connection.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/unix_socket.h"
#include "client/attachment.h"
#include "client/batch_check.h"
#include "client/reconnect_schedule.h"
#include "client/refusal.h"
#include "client/request_window.h"
#include "client/wait_table.h"
#include "ipc/messages.h"
#include "ipc/protocol.h"
#include "ipc/request_memfd.h"
#include "ipc/socket_path.h"
#include "log/record.h"

namespace roost {
namespace {

constexpr int kMessagesPerReady = 64;

Status LostAnswer() {
  return {
      StatusCode::kUnknownOutcome,
      "the connection to the broker was lost and the broker does not know this session any more: "
      "it may have been appended or not; with an id it could be asked again"};
}

}  // namespace

struct Connection::Impl {
  enum class State { kDetached, kAttaching, kAttached };
  struct AttachWaiter {
    uint64_t deadline_ns;
    AttachDone done;
  };

  explicit Impl(ConnectionOptions given)
      : options(std::move(given)), attachment(options.socket, options.agent) {}

  // ---- reaching the broker ----
  void Reach();
  void TryConnect();
  void OnConnectFailed(const Status& status);
  void ConnectionLost(const std::string& reason);
  void FailEverything(const Status& status);
  void FailNew(const Status& status);
  bool NeedsBroker(uint64_t now_ns) const;
  void Close();

  // ---- what comes in ----
  void Receive();
  void Handle(const wire::Reply& reply, UniqueFd fd);
  void OnAttached(const wire::Attached& attached, const UniqueFd& ring_fd);
  void OnAttachRefused(const wire::Refused& refused);
  void OnRefused(uint64_t number, const wire::Refused& refused);
  void OnAnswer(uint64_t number, const Status& status, const wire::Reply* reply);
  void RepeatInNewSession();

  // ---- what goes out ----
  void SendAll();
  SocketOutcome SendRequest(PendingRequest* request);
  SocketOutcome SendWait(uint64_t registration, WaitTable::Entry* entry);
  bool TakeOutcome(SocketOutcome outcome);
  void Submit(Bytes bytes, bool is_repeatable, uint64_t deadline_ns, PendingRequest::Done done);

  // ---- time ----
  void ExpireAttachWaiters(uint64_t now_ns);
  void ExpireRequests(uint64_t now_ns);
  Status WhyTimedOut(bool was_sent) const;

  Status CheckRoom() const;
  BatchLimits LimitsNow() const;
  Result<AppendResult> ResultOf(const wire::Reply& reply) const;
  Status TakeSegment(const wire::Reply& reply, uint64_t sequence, uint64_t position);
  void ListSessionsAfter(uint64_t after, uint64_t deadline_ns,
                         std::shared_ptr<std::vector<SessionInfo>> found, SessionsDone done);

  const ConnectionOptions options;
  State state = State::kDetached;
  UniqueFd socket;
  bool send_blocked = false;           // wait for POLLOUT
  Status last_trouble;                 // why the broker could not be reached, for messages
  std::unique_ptr<uint64_t[]> buffer;  // kReplyBytesMax; words, so that it is aligned
  UniqueFd received_fd;                // came with the reply that is being handled

  Attachment attachment;
  ReconnectSchedule schedule;
  RequestEncoder encoder;
  RequestWindow requests;
  WaitTable waits;
  std::vector<uint64_t> cancelled;  // waits that the broker has not been told of yet
  std::vector<AttachWaiter> attach_waiters;
  SegmentCache segments;
  uint64_t oldest_told = 0;
};

// ---- reaching the broker ----

// Somebody wants something of the broker. One that was lost a moment ago is being restarted, perhaps: the
// next attempt comes in its time. Otherwise there is one now.
void Connection::Impl::Reach() {
  if (state != State::kDetached) return;
  const uint64_t now_ns = MonotonicNs();
  if (!schedule.ComesBack(now_ns) || now_ns >= schedule.next_ns()) TryConnect();
}

void Connection::Impl::TryConnect() {
  Result<UniqueFd> connected = ConnectSeqpacket(options.socket);
  if (!connected.ok()) return OnConnectFailed(connected.status());
  socket = std::move(*connected);
  state = State::kAttaching;
  send_blocked = false;
  const Bytes request =
      encoder.Attach(options.agent, options.program, attachment.session(), attachment.secret());
  // A socket that was just connected has room for its first message.
  if (SendSeqpacket(socket.get(), request) != SocketOutcome::kDone) {
    ConnectionLost("the broker hung up");
  }
}

void Connection::Impl::OnConnectFailed(const Status& status) {
  const uint64_t now_ns = MonotonicNs();
  const bool nobody_there =
      status.code() == StatusCode::kNotFound || status.code() == StatusCode::kUnavailable;
  last_trouble = nobody_there ? Status(StatusCode::kUnavailable, NoBrokerMessage(options.socket))
                              : Status(status.code(), status.message());
  schedule.Failed(now_ns);
  // A full backlog means that there is a broker.
  if (schedule.ComesBack(now_ns) || status.code() == StatusCode::kBusy) return;
  FailNew(last_trouble);
}

void Connection::Impl::Close() {
  socket.Reset();
  state = State::kDetached;
  send_blocked = false;
  attachment.SetAttached(false);
  cancelled.clear();
  requests.ConnectionLost();
  waits.ConnectionLost();
}

void Connection::Impl::ConnectionLost(const std::string& reason) {
  const bool was_attached = state == State::kAttached;
  Close();
  last_trouble = {StatusCode::kUnavailable,
                  fmt::format("{} ({}); see that roostd runs there", reason, options.socket)};
  if (was_attached) {
    schedule.Lost(MonotonicNs());
  } else {
    schedule.Failed(MonotonicNs());
  }
}

// Those whom a broker knows (a request that was sent may be done, a wait may be about to wake) stay.
void Connection::Impl::FailNew(const Status& status) {
  std::vector<AttachWaiter> waiters = std::exchange(attach_waiters, {});
  const std::vector<uint64_t> unsent =
      requests.NumbersWhere([](const PendingRequest& request) { return !request.was_sent; });
  const std::vector<uint64_t> unknown = waits.Registrations(/*never_sent_only=*/true);
  std::vector<PendingRequest::Done> dones;
  for (const uint64_t number : unsent) dones.push_back(requests.Finish(number));
  std::vector<WaitTable::Done> wait_dones;
  for (const uint64_t registration : unknown) wait_dones.push_back(waits.Take(registration));
  for (AttachWaiter& waiter : waiters) waiter.done(status);
  for (PendingRequest::Done& done : dones) done(status, nullptr);
  for (WaitTable::Done& done : wait_dones) done(status);
}

void Connection::Impl::FailEverything(const Status& status) {
  Close();
  last_trouble = status;
  schedule.GiveUp();
  const std::vector<uint64_t> sent =
      requests.NumbersWhere([](const PendingRequest& request) { return request.was_sent; });
  std::vector<std::pair<PendingRequest::Done, Status>> dones;
  for (const uint64_t number : sent) {
    const bool repeatable = requests.IsRepeatable(number);
    dones.emplace_back(requests.Finish(number), repeatable ? status : LostAnswer());
  }
  std::vector<WaitTable::Done> wait_dones;
  for (const uint64_t registration : waits.Registrations(/*never_sent_only=*/false)) {
    wait_dones.push_back(waits.Take(registration));
  }
  FailNew(status);
  for (auto& [done, why] : dones) done(why, nullptr);
  for (WaitTable::Done& done : wait_dones) done(status);
}

bool Connection::Impl::NeedsBroker(uint64_t now_ns) const {
  return !attach_waiters.empty() || !requests.empty() || !waits.empty() ||
         schedule.ComesBack(now_ns);
}

// ---- what comes in ----

void Connection::Impl::Receive() {
  if (buffer == nullptr) {
    buffer = std::make_unique_for_overwrite<uint64_t[]>(kReplyBytesMax / sizeof(uint64_t));
  }
  auto* bytes = reinterpret_cast<std::byte*>(buffer.get());
  for (int i = 0; i < kMessagesPerReady && socket.valid(); ++i) {
    Received received = ReceiveSeqpacket(socket.get(), bytes, kReplyBytesMax);
    if (received.outcome == SocketOutcome::kWouldBlock) return;
    if (received.outcome == SocketOutcome::kClosed) return ConnectionLost("the broker hung up");
    const wire::Reply* reply = received.outcome == SocketOutcome::kDone
                                   ? DecodeReply(Bytes(bytes, received.size))
                                   : nullptr;
    if (reply == nullptr) return ConnectionLost("the broker sent what is no reply");
    Handle(*reply, std::move(received.fd));
  }
}

void Connection::Impl::Handle(const wire::Reply& reply, UniqueFd fd) {
  const wire::Refused* refused = reply.body_as_Refused();
  if (state == State::kAttaching) {
    if (const wire::Attached* attached = reply.body_as_Attached()) return OnAttached(*attached, fd);
    if (refused != nullptr) return OnAttachRefused(*refused);
    return ConnectionLost("the broker answered an attachment with something else");
  }
  if (const wire::Woken* woken = reply.body_as_Woken()) {
    if (const WaitTable::Done done = waits.Take(woken->registration())) done(Status());
    return;
  }
  received_fd = std::move(fd);
  if (refused != nullptr) {
    OnRefused(reply.number(), *refused);
  } else {
    OnAnswer(reply.number(), Status(), &reply);
  }
  received_fd.Reset();
}

void Connection::Impl::OnAttached(const wire::Attached& attached, const UniqueFd& ring_fd) {
  const bool had_session = attachment.session() != 0;
  const bool same_session = attached.resumed() && attached.session() == attachment.session();
  const Result<Attachment::Change> change = attachment.Take(attached, ring_fd);
  if (!change.ok()) return FailEverything(change.status());
  state = State::kAttached;
  attachment.SetAttached(true);
  schedule.Attached();
  if (*change != Attachment::Change::kNone) segments.Clear();

  std::vector<AttachWaiter> waiters = std::exchange(attach_waiters, {});
  std::vector<WaitTable::Done> woken;
  if (had_session && *change == Attachment::Change::kLog) {
    // What they have looked at is of another log.
    for (const uint64_t registration : waits.Registrations(/*never_sent_only=*/false)) {
      woken.push_back(waits.Take(registration));
    }
  }
  if (had_session && !same_session) RepeatInNewSession();
  for (AttachWaiter& waiter : waiters) waiter.done(Status());
  for (WaitTable::Done& done : woken) done(Status());
  SendAll();
}

// The broker does not know whether it did what it was asked in the old session.
void Connection::Impl::RepeatInNewSession() {
  std::vector<PendingRequest::Done> unknown;
  for (const uint64_t number : requests.NumbersWhere([](const PendingRequest& request) {
         return request.was_sent && !request.is_repeatable;
       })) {
    unknown.push_back(requests.Finish(number));
  }
  requests.SessionLost();
  for (PendingRequest::Done& done : unknown) done(LostAnswer(), nullptr);
}

void Connection::Impl::OnAttachRefused(const wire::Refused& refused) {
  const Status status = StatusOfRefusal(refused);
  if (status.code() != StatusCode::kBusy && status.code() != StatusCode::kUnavailable) {
    return FailEverything(status);
  }
  Close();
  last_trouble = status;
  schedule.Failed(MonotonicNs());
}

void Connection::Impl::OnRefused(uint64_t number, const wire::Refused& refused) {
  if (refused.registration() != 0) {
    if (const WaitTable::Done done = waits.Take(refused.registration())) {
      done(StatusOfRefusal(refused));
    }
    return;
  }
  // A broker that ends has not done it; the next one will be asked.
  if (refused.code() == wire::RefusalCode::ShuttingDown) return;
  if (number == 0) return ConnectionLost(refused.message()->str());
  OnAnswer(number, StatusOfRefusal(refused), nullptr);
}

void Connection::Impl::OnAnswer(uint64_t number, const Status& status, const wire::Reply* reply) {
  const PendingRequest::Done done = requests.Finish(number);
  const bool had_waited = done != nullptr;
  // The places that this frees may be waited for.
  if (had_waited) done(status, reply);
}

// ---- what goes out ----

// Cancellations first: the places of cancelled waits may be needed.
void Connection::Impl::SendAll() {
  while (state == State::kAttached && !send_blocked && !cancelled.empty()) {
    if (!TakeOutcome(SendSeqpacket(socket.get(), encoder.CancelWait(cancelled.back())))) return;
    cancelled.pop_back();
  }
  while (state == State::kAttached && !send_blocked) {
    PendingRequest* request = requests.FirstQueued();
    if (request == nullptr) break;
    if (!TakeOutcome(SendRequest(request))) return;
  }
  while (state == State::kAttached && !send_blocked) {
    uint64_t registration;
    WaitTable::Entry* entry = waits.FirstUnsent(&registration);
    if (entry == nullptr) break;
    if (!TakeOutcome(SendWait(registration, entry))) return;
  }
}

// True: it was sent.
bool Connection::Impl::TakeOutcome(SocketOutcome outcome) {
  if (outcome == SocketOutcome::kWouldBlock) send_blocked = true;
  if (outcome == SocketOutcome::kClosed) ConnectionLost("the broker hung up");
  return outcome == SocketOutcome::kDone;
}

SocketOutcome Connection::Impl::SendRequest(PendingRequest* request) {
  SocketOutcome outcome;
  if (request->bytes.size() <= kInlineRequestBytesMax) {
    outcome = SendSeqpacket(socket.get(), request->bytes);
  } else {
    const Result<UniqueFd> memfd = MakeRequestMemfd(request->bytes);
    if (!memfd.ok()) {
      OnAnswer(request->number, memfd.status(), nullptr);
      return SocketOutcome::kDone;
    }
    outcome = SendSeqpacket(socket.get(), encoder.InMemory(request->number, request->bytes.size()),
                            memfd->get());
  }
  if (outcome == SocketOutcome::kDone) {
    request->state = PendingRequest::State::kSent;
    request->was_sent = true;
  }
  return outcome;
}

SocketOutcome Connection::Impl::SendWait(uint64_t registration, WaitTable::Entry* entry) {
  const SocketOutcome outcome =
      SendSeqpacket(socket.get(), encoder.Wait({.registration = registration,
                                                .after = entry->after,
                                                .stream = entry->filter.stream,
                                                .stream_prefix = entry->filter.stream_prefix,
                                                .types = entry->filter.types,
                                                .agent = entry->filter.agent}));
  if (outcome == SocketOutcome::kDone) entry->sent = entry->was_sent = true;
  return outcome;
}

void Connection::Impl::Submit(Bytes bytes, bool is_repeatable, uint64_t deadline_ns,
                              PendingRequest::Done done) {
  PendingRequest request;
  request.number = requests.next_number();
  request.is_repeatable = is_repeatable;
  request.deadline_ns = deadline_ns;
  request.bytes.assign(bytes.begin(), bytes.end());
  request.done = std::move(done);
  requests.Add(std::move(request));
  encoder.Shrink();
  Reach();
  SendAll();
}

// ---- time ----

void Connection::Impl::ExpireAttachWaiters(uint64_t now_ns) {
  std::vector<AttachWaiter> late;
  std::vector<AttachWaiter> rest;
  for (AttachWaiter& waiter : attach_waiters) {
    (waiter.deadline_ns <= now_ns ? late : rest).push_back(std::move(waiter));
  }
  attach_waiters = std::move(rest);
  for (AttachWaiter& waiter : late) waiter.done(WhyTimedOut(false));
}

void Connection::Impl::ExpireRequests(uint64_t now_ns) {
  const std::vector<uint64_t> late = requests.NumbersWhere(
      [now_ns](const PendingRequest& request) { return request.deadline_ns <= now_ns; });
  std::vector<std::pair<PendingRequest::Done, bool>> dones;
  for (const uint64_t number : late) {
    const bool was_sent = requests.WasSent(number);
    dones.emplace_back(requests.Abandon(number), was_sent);
  }
  for (auto& [done, was_sent] : dones) done(WhyTimedOut(was_sent), nullptr);
}

Status Connection::Impl::WhyTimedOut(bool was_sent) const {
  if (was_sent) {
    return {StatusCode::kTimedOut,
            "the broker has not answered in time; what was asked may still be done (an append with "
            "an id "
            "can be asked again without being done twice)"};
  }
  if (state == State::kDetached) {
    return {StatusCode::kUnavailable,
            last_trouble.ok() ? NoBrokerMessage(options.socket) : last_trouble.message()};
  }
  return {StatusCode::kTimedOut,
          fmt::format("the broker at {} does not answer; nothing was asked of it", options.socket)};
}

// ---- the requests ----

Status Connection::Impl::CheckRoom() const {
  if (requests.HasRoom()) return {};
  return {StatusCode::kBusy,
          fmt::format("{} requests are unanswered, which is the limit; wait for an "
                      "answer first",
                      kRequestsInFlightMax)};
}

BatchLimits Connection::Impl::LimitsNow() const {
  if (attachment.ring() == nullptr) return {.batch_bytes_max = kRequestBytesMax};
  const RingLayout& layout = attachment.ring()->layout();
  return {layout.event_data_bytes_max, layout.batch_events_max, layout.batch_bytes_max};
}

Result<AppendResult> Connection::Impl::ResultOf(const wire::Reply& reply) const {
  AppendResult result;
  result.durability = attachment.info().durability;
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

Status Connection::Impl::TakeSegment(const wire::Reply& reply, uint64_t sequence,
                                     uint64_t position) {
  if (const wire::Gone* gone = reply.body_as_Gone()) {
    oldest_told = gone->oldest();
    return {StatusCode::kGone,
            position != 0
                ? fmt::format("the event at position {} is gone; event {} is the oldest", position,
                              oldest_told)
                : fmt::format("event {} is gone; event {} is the oldest", sequence, oldest_told)};
  }
  const wire::Segment* told = reply.body_as_Segment();
  if (told == nullptr || !received_fd.valid()) {
    return {StatusCode::kCorruption, "the broker handed out no segment"};
  }
  Result<SegmentReader> reader = SegmentReader::Open(
      std::move(received_fd),
      fmt::format("{}/{:020}.segment", attachment.info().data_directory, told->base_sequence()));
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
  segments.Add(std::move(entry));
  return {};
}

void Connection::Impl::ListSessionsAfter(uint64_t after, uint64_t deadline_ns,
                                         std::shared_ptr<std::vector<SessionInfo>> found,
                                         SessionsDone done) {
  if (const Status room = CheckRoom(); !room.ok()) return done(room);
  Submit(encoder.ListSessions(requests.next_number(), after, kListSessionsMax), true, deadline_ns,
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

// ---- the outside ----

Connection::Connection(ConnectionOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Connection::~Connection() = default;

int Connection::fd() const { return impl_->socket.get(); }

short Connection::events() const {
  return static_cast<short>(POLLIN | (impl_->send_blocked ? POLLOUT : 0));
}

void Connection::OnReady() {
  if (!impl_->socket.valid()) return;
  impl_->Receive();
  impl_->send_blocked = false;
  impl_->SendAll();
}

uint64_t Connection::NextTimerNs() const {
  uint64_t next = impl_->requests.EarliestDeadline();
  for (const Impl::AttachWaiter& waiter : impl_->attach_waiters) {
    next = std::min(next, waiter.deadline_ns);
  }
  const uint64_t attempt_ns = impl_->schedule.next_ns();
  if (impl_->state == Impl::State::kDetached && attempt_ns != 0 && impl_->NeedsBroker(attempt_ns)) {
    next = std::min(next, attempt_ns);
  }
  return next;
}

void Connection::OnTimer() {
  const uint64_t now_ns = MonotonicNs();
  impl_->ExpireAttachWaiters(now_ns);
  impl_->ExpireRequests(now_ns);
  if (impl_->state == Impl::State::kDetached && now_ns >= impl_->schedule.next_ns() &&
      impl_->NeedsBroker(now_ns)) {
    impl_->TryConnect();
  }
}

void Connection::Attach(uint64_t deadline_ns, AttachDone done) {
  if (impl_->state == Impl::State::kAttached) return done(Status());
  if (const Status label = CheckAgentLabel(impl_->options.agent); !label.ok()) return done(label);
  impl_->attach_waiters.push_back({deadline_ns, std::move(done)});
  impl_->Reach();
}

bool Connection::attached() const { return impl_->state == Impl::State::kAttached; }
const RingReader* Connection::ring() const { return impl_->attachment.ring(); }
uint64_t Connection::generation() const { return impl_->attachment.generation(); }
const LogInfo& Connection::info() const { return impl_->attachment.info(); }
bool Connection::CanSubmit() const { return impl_->requests.HasRoom(); }
size_t Connection::unanswered() const { return impl_->requests.live(); }

void Connection::Append(const Batch& batch, uint64_t deadline_ns, AppendDone done) {
  Impl& impl = *impl_;
  Status status = CheckAgentLabel(impl.options.agent);
  if (status.ok()) status = impl.CheckRoom();
  const BatchLimits limits = impl.LimitsNow();
  if (status.ok()) status = CheckBatch(batch, limits);
  if (!status.ok()) return done(status);

  uint64_t bytes = 0;
  impl.encoder.BeginAppend();
  for (const NewEvent& event : batch.events) {
    const bool is_first = &event == &batch.events.front();
    const bool is_json = event.content_type == "application/json";
    impl.encoder.AddEvent({event.stream, event.type, impl.options.agent,
                           is_first ? std::string_view(batch.id) : std::string_view(),
                           event.correlation_id, event.causation_id,
                           is_json ? std::string_view() : event.content_type, event.data});
    bytes += RecordSize(RecordKind::kEvent, impl.encoder.last_body_bytes());
  }
  for (const Condition& condition : batch.conditions) {
    impl.encoder.AddCondition(condition.stream, condition.expect);
  }
  const Bytes request = impl.encoder.FinishAppend(impl.requests.next_number());
  if (bytes > limits.batch_bytes_max || request.size() > kRequestBytesMax) {
    impl.encoder.Shrink();
    return done(Status(StatusCode::kTooLarge,
                       fmt::format("a batch has {} bytes, the limit is {}: split it", bytes,
                                   std::min<uint64_t>(limits.batch_bytes_max, kRequestBytesMax))));
  }
  impl.Submit(request, !batch.id.empty(), deadline_ns,
              [this, done = std::move(done)](const Status& answer, const wire::Reply* reply) {
                done(answer.ok() ? impl_->ResultOf(*reply) : Result<AppendResult>(answer));
              });
}

uint64_t Connection::Wait(const Filter& filter, uint64_t after, WaitDone done) {
  if (!impl_->waits.HasRoom()) {
    done({StatusCode::kBusy,
          fmt::format("{} waits are registered, which is the limit", kWaitsPerSessionMax)});
    return 0;
  }
  const uint64_t registration = impl_->waits.Add(filter, after, std::move(done));
  impl_->Reach();
  impl_->SendAll();
  return impl_->waits.Has(registration) ? registration : 0;
}

void Connection::CancelWait(uint64_t registration) {
  if (!impl_->waits.Cancel(registration)) return;
  impl_->cancelled.push_back(registration);
  impl_->SendAll();
}

void Connection::FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns,
                              SegmentDone done) {
  if (const Status room = impl_->CheckRoom(); !room.ok()) return done(room);
  impl_->Submit(impl_->encoder.FindSegment(impl_->requests.next_number(),
                                           position != 0 ? 0 : sequence, position),
                true, deadline_ns,
                [this, sequence, position, done = std::move(done)](const Status& status,
                                                                   const wire::Reply* reply) {
                  done(status.ok() ? impl_->TakeSegment(*reply, sequence, position) : status);
                });
}

SegmentCache& Connection::segments() { return impl_->segments; }
uint64_t Connection::oldest_told() const { return impl_->oldest_told; }

void Connection::ListSessions(uint64_t deadline_ns, SessionsDone done) {
  impl_->ListSessionsAfter(0, deadline_ns, std::make_shared<std::vector<SessionInfo>>(),
                           std::move(done));
}

}  // namespace roost
