#include "client/mcp/log_session.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "client/mcp/agent_label.h"

namespace roost {

LogSession::LogSession(std::string socket, std::string agent, bool autostart)
    : socket_(std::move(socket)), agent_(std::move(agent)), agent_configured_(!agent_.empty()) {
  if (!agent_configured_) agent_ = MakeAgentLabel("", ::getpid());
  if (autostart) autostart_.emplace(socket_);
}

void LogSession::OnReady() {
  if (!connection_) return;
  connection_->OnReady();
  StartBrokerIfMissed();
}

// The broker has gone with requests of ours unanswered: they are sent again to the next one, so there
// must be one.
void LogSession::StartBrokerIfMissed() {
  if (!autostart_) return;
  look_again_ns_ = UINT64_MAX;
  if (attached() || connection_->unanswered() == 0) return;
  // One look is not enough: a broker that dies may still seem to listen, or hold the lock that keeps the
  // next one out.
  look_again_ns_ = MonotonicNs() + kLookAgainNs;
  if (autostart_->timer_ns() == UINT64_MAX) autostart_->Ensure([](const Status&) {});
}

uint64_t LogSession::timer_ns() const {
  const uint64_t connection_ns = connection_ ? connection_->NextTimerNs() : UINT64_MAX;
  return autostart_ ? std::min({connection_ns, autostart_->timer_ns(), look_again_ns_})
                    : connection_ns;
}

void LogSession::OnTimer(uint64_t now_ns) {
  if (autostart_ && autostart_->timer_ns() <= now_ns) autostart_->OnTimer();
  if (connection_ && connection_->NextTimerNs() <= now_ns) connection_->OnTimer();
  if (look_again_ns_ <= now_ns) StartBrokerIfMissed();
}

void LogSession::SuggestAgent(const std::string& label) {
  if (!agent_configured_ && !connection_) agent_ = label;
}

Connection& LogSession::connection() {
  if (!connection_) {
    connection_ = std::make_unique<Connection>(
        ConnectionOptions{socket_, agent_, "roost-mcp/" ROOST_VERSION});
  }
  return *connection_;
}

void LogSession::Attach(uint64_t deadline_ns, Done done) {
  if (attached()) return done(Status());
  if (!autostart_) return connection().Attach(deadline_ns, std::move(done));
  autostart_->Ensure([this, deadline_ns, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    // Starting one may have taken all the time that attaching to one was given.
    connection().Attach(std::max(deadline_ns, MonotonicNs() + kNsPerSecond), done);
  });
}

LogInfo LogSession::info() const {
  LogInfo info;
  if (ring() != nullptr) info = connection_->info();
  info.agent = agent_;
  info.socket = socket_;
  return info;
}

void LogSession::Append(const Batch& batch, uint64_t deadline_ns, AppendDone done) {
  if (!connection().CanSubmit()) {
    return done({StatusCode::kBusy, "too many requests to the broker are under way; try again"});
  }
  connection().Append(batch, deadline_ns, std::move(done));
  StartBrokerIfMissed();
}

uint64_t LogSession::Wait(const Filter& filter, uint64_t after, Done done) {
  // Nobody would ever wake it if the broker has gone and nobody starts another.
  if (autostart_ && !attached()) autostart_->Ensure([](const Status&) {});
  return connection().Wait(filter, after, std::move(done));
}

void LogSession::CancelWait(uint64_t registration) { connection().CancelWait(registration); }

void LogSession::ListSessions(uint64_t deadline_ns, SessionsDone done) {
  connection().ListSessions(deadline_ns, std::move(done));
}

void LogSession::FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns,
                              Done done) {
  connection().FetchSegment(sequence, position, deadline_ns, std::move(done));
}

uint64_t LogSession::Claim(const ClaimRequest& request, uint64_t deadline_ns, ClaimDone done) {
  const uint64_t number = connection().Claim(request, deadline_ns, std::move(done));
  StartBrokerIfMissed();
  return number;
}

void LogSession::Release(uint64_t token, std::string_view note, uint64_t deadline_ns,
                         ReleaseDone done) {
  connection().Release(token, note, deadline_ns, std::move(done));
  StartBrokerIfMissed();
}

uint64_t LogSession::Take(const TakeRequest& request, uint64_t deadline_ns, TakeDone done) {
  const uint64_t number = connection().Take(request, deadline_ns, std::move(done));
  StartBrokerIfMissed();
  return number;
}

void LogSession::Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
                        uint64_t deadline_ns, SettleDone done) {
  connection().Settle(tokens, outcome, note, deadline_ns, std::move(done));
  StartBrokerIfMissed();
}

uint64_t LogSession::Validate(std::span<const Question> questions, std::chrono::milliseconds wait,
                              uint64_t deadline_ns, ValidateDone done) {
  const uint64_t number = connection().Validate(questions, wait, deadline_ns, std::move(done));
  StartBrokerIfMissed();
  return number;
}

void LogSession::Decide(const Decision& decision, uint64_t deadline_ns, DecideDone done) {
  connection().Decide(decision, deadline_ns, std::move(done));
  StartBrokerIfMissed();
}

void LogSession::ListLeases(std::string_view prefix, uint64_t deadline_ns, LeasesDone done) {
  connection().ListLeases(prefix, deadline_ns, std::move(done));
}

void LogSession::ListGroups(std::string_view prefix, uint64_t deadline_ns, GroupsDone done) {
  connection().ListGroups(prefix, deadline_ns, std::move(done));
}

void LogSession::Cancel(uint64_t request) { connection().Cancel(request); }

void LogSession::NoteActivity() {
  if (connection_) connection_->NoteActivity();
}

OwnWork* LogSession::own_work() { return &connection().own_work(); }

std::vector<EndedLease> LogSession::TakeEndedLeases() {
  return connection_ ? connection_->TakeEndedLeases() : std::vector<EndedLease>();
}

SegmentCache* LogSession::segments() { return &connection().segments(); }

}  // namespace roost
