// The shim's one attachment to the broker: made on the first call that needs it, never at the start.
//
// One thread. The owner polls fd() for events(), calls OnReady() when it is ready and OnTimer() when
// timer_ns() has come.
#ifndef ROOST_CLIENT_MCP_LOG_SESSION_H_
#define ROOST_CLIENT_MCP_LOG_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/connection.h"
#include "client/mcp/autostart.h"
#include "client/mcp/log_access.h"

namespace roost {

class LogSession : public LogAccess {
 public:
  // An empty `agent`: whatever SuggestAgent said last before the first attachment.
  LogSession(std::string socket, std::string agent, bool autostart);

  int fd() const { return connection_ ? connection_->fd() : -1; }
  short events() const { return connection_ ? connection_->events() : short{0}; }
  void OnReady();
  uint64_t timer_ns() const;
  void OnTimer(uint64_t now_ns);

  void SuggestAgent(const std::string& label) override;
  void Attach(uint64_t deadline_ns, Done done) override;
  bool attached() const override { return connection_ && connection_->attached(); }
  const RingReader* ring() const override { return connection_ ? connection_->ring() : nullptr; }
  uint64_t generation() const override { return connection_ ? connection_->generation() : 0; }
  LogInfo info() const override;
  void Append(const Batch& batch, uint64_t deadline_ns, AppendDone done) override;
  uint64_t Wait(const Filter& filter, uint64_t after, Done done) override;
  void CancelWait(uint64_t registration) override;
  void ListSessions(uint64_t deadline_ns, SessionsDone done) override;
  void FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns, Done done) override;
  SegmentCache* segments() override;
  uint64_t oldest_told() const override { return connection_ ? connection_->oldest_told() : 0; }
  uint64_t Claim(const ClaimRequest& request, uint64_t deadline_ns, ClaimDone done) override;
  void Release(uint64_t token, std::string_view note, uint64_t deadline_ns,
               ReleaseDone done) override;
  uint64_t Take(const TakeRequest& request, uint64_t deadline_ns, TakeDone done) override;
  void Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
              uint64_t deadline_ns, SettleDone done) override;
  uint64_t Validate(std::span<const Question> questions, std::chrono::milliseconds wait,
                    uint64_t deadline_ns, ValidateDone done) override;
  void Decide(const Decision& decision, uint64_t deadline_ns, DecideDone done) override;
  void ListLeases(std::string_view prefix, uint64_t deadline_ns, LeasesDone done) override;
  void ListGroups(std::string_view prefix, uint64_t deadline_ns, GroupsDone done) override;
  void Cancel(uint64_t request) override;
  void NoteActivity() override;
  OwnWork* own_work() override;
  std::vector<EndedLease> TakeEndedLeases() override;

 private:
  static constexpr uint64_t kLookAgainNs = 250'000'000;

  Connection& connection();
  void StartBrokerIfMissed();

  std::string socket_;
  std::string agent_;
  bool agent_configured_;
  std::unique_ptr<Connection> connection_;  // from the first call on that needs it
  std::optional<Autostart> autostart_;
  uint64_t look_again_ns_ = UINT64_MAX;  // whether somebody must start a broker
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_LOG_SESSION_H_
