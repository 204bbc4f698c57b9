// What Connection is made of: reaches the broker and comes back to it, sends requests and gives each answer to
// whoever waits for it, keeps their deadlines. Knows nothing of what requests say but which of them may wait in the
// broker (Claim, Take, Validate).
//
// One thread; the rules of client/connection.h hold. Callbacks may call everything here.
#ifndef ROOST_CLIENT_CONNECTION_CORE_H_
#define ROOST_CLIENT_CONNECTION_CORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/unix_socket.h"
#include "client/attachment.h"
#include "client/claim_book.h"
#include "client/client_lane.h"
#include "client/connection.h"
#include "client/late_answers.h"
#include "client/parked_requests.h"
#include "client/reconnect_schedule.h"
#include "client/request_window.h"
#include "client/segment_cache.h"
#include "client/wait_table.h"
#include "ipc/messages.h"

namespace roost {

class ConnectionCore {
 public:
  using Done = PendingRequest::Done;

  explicit ConnectionCore(ConnectionOptions options);
  ~ConnectionCore();

  // ---- as in Connection ----
  int fd() const { return socket_.get(); }
  short events() const;
  void OnReady();
  uint64_t NextTimerNs() const;
  void OnTimer();
  bool has_lane() const { return lane_.has_value(); }
  bool TakeFromLane();
  bool LaneFallsAsleep();
  void LaneWakesUp();
  void Attach(uint64_t deadline_ns, Connection::AttachDone done);
  bool attached() const { return state_ == State::kAttached; }
  uint64_t Wait(const Filter& filter, uint64_t after, Connection::WaitDone done);
  void CancelWait(uint64_t registration);
  void NoteActivity();
  OwnWork& own_work() { return own_work_; }
  size_t unanswered() const { return requests_.live() + parked_.size(); }

  // ---- requests ----
  bool HasRoom() const { return requests_.HasRoom(); }
  // Not ok: kBusy, all places are taken.
  Status CheckRoom() const;
  // The number that the next request must have.
  uint64_t next_number() const { return requests_.next_number(); }
  RequestEncoder& encoder() { return encoder_; }

  struct Terms {
    uint64_t deadline_ns = 0;
    bool is_repeatable = true;   // doing it twice does no harm, or cannot happen
    uint64_t wait_until_ns = 0;  // not 0: the broker may answer Queued, and the rest until then
  };
  // REQUIRES: HasRoom(), and `bytes` are of the encoder, with next_number().
  void Submit(Bytes bytes, const Terms& terms, Done done);
  // One that can be cancelled. Returns its ticket; 0: `done` was called already. kBusy: so many wait in the
  // broker already.
  uint64_t SubmitCancellable(Bytes bytes, const Terms& terms, Done done);
  // Its `done` will not be called, and what the broker grants it all the same goes back.
  void Cancel(uint64_t ticket);

  const ConnectionOptions& options() const { return options_; }
  const Attachment& attachment() const { return attachment_; }
  SegmentCache& segments() { return segments_; }
  ClaimBook& claims() { return claims_; }
  // The descriptor that came with the reply that is being handled.
  UniqueFd TakeReceivedFd() { return std::move(received_fd_); }

 private:
  enum class State { kDetached, kAttaching, kAttached };
  struct AttachWaiter {
    uint64_t deadline_ns;
    Connection::AttachDone done;
  };
  // Asks the broker, one after the other, which of the claims held are still there.
  struct ClaimCheck {
    bool is_wanted = false;
    bool is_running = false;  // a question is under way
    uint64_t after = 0;       // token; those up to here were asked about
    const char* reason = "";  // why those ended that are not there
  };

  // ---- reaching the broker ----
  void Reach();
  void TryConnect();
  void OnConnectFailed(const Status& status);
  void ConnectionLost(const std::string& reason);
  void FailEverything(const Status& status);
  void FailNew(const Status& status);
  bool NeedsBroker(uint64_t now_ns) const;
  void Close();

  // ---- what comes in: connection_replies.cc ----
  void Receive();
  void Handle(const wire::Reply& reply, UniqueFd fd);
  void OnAttached(const wire::Attached& attached, const UniqueFd& ring_fd);
  void OnAttachRefused(const wire::Refused& refused);
  void OnRefused(const wire::Reply& reply, const wire::Refused& refused);
  void OnAnswer(uint64_t number, const Status& status, const wire::Reply* reply);
  void OnQueued(const wire::Reply& reply);
  bool TakeNewNumber(uint64_t number);
  void RepeatInNewSession();

  // ---- claims after a reconnection: connection_claims.cc ----
  void WantClaimCheck(const char* reason);
  void SubmitClaimCheck();
  void OnClaimChecked(uint64_t token, const Status& status, const wire::Reply* reply);

  // ---- the lane: connection_lane.cc ----
  void AskForLane();
  void TakeLane();
  SocketOutcome SendByLane(Bytes bytes);
  SocketOutcome HoldLane();
  bool MayUseSocket();
  void PublishLane();
  bool DrainLane();
  void CloseLane();

  // ---- what goes out: connection_sending.cc ----
  void SendAll();
  void RenumberParked();
  void SendCancellations();
  void SendParked();
  void SubmitReturns();
  void SendRequests();
  void SendWaits();
  void SendReport();
  void SendActive();
  uint64_t ReportDueNs() const;
  SocketOutcome SendMessage(Bytes bytes);
  SocketOutcome SendBySocket(Bytes bytes, int fd = -1);
  SocketOutcome SendRequest(PendingRequest* request);
  SocketOutcome SendWait(uint64_t registration, WaitTable::Entry* entry);
  bool TakeOutcome(SocketOutcome outcome);
  bool MaySend() const {
    return state_ == State::kAttached && !send_blocked_ && lane_held_until_ns_ == 0;
  }
  void AddRequest(Bytes bytes, const Terms& terms, uint64_t ticket, Done done);

  // ---- time ----
  void ExpireAttachWaiters(uint64_t now_ns);
  void ExpireRequests(uint64_t now_ns);
  void ExpireParked(uint64_t now_ns);
  Status WhyTimedOut(bool was_sent) const;
  // The broker is to forget a request that was sent, now or when it is reached again, and what it granted or grants
  // to it all the same goes back.
  void GiveUp(uint64_t number);

  const ConnectionOptions options_;
  State state_ = State::kDetached;
  UniqueFd socket_;
  bool send_blocked_ = false;           // wait for POLLOUT
  uint64_t sent_ns_ = 0;                // CLOCK_MONOTONIC, when anything was sent last
  uint64_t reported_ns_ = 0;            // CLOCK_MONOTONIC, when a report or the attachment was sent last
  OwnWork own_work_;
  Status last_trouble_;                 // why the broker could not be reached, for messages
  std::unique_ptr<uint64_t[]> buffer_;  // kReplyBytesMax; words, so that it is aligned
  UniqueFd received_fd_;                // came with the reply that is being handled

  std::optional<ClientLane> lane_;
  std::unique_ptr<uint64_t[]> lane_buffer_;  // kLaneAnswerMax; stays, since a reply may be in use when the lane goes
  bool lane_asked_ = false;
  bool owes_bell_ = false;
  uint64_t lane_held_until_ns_ = 0;  // nothing is sent until then, or until something came; 0: not held
  uint64_t socket_request_ = 0;      // went through the socket; the lane waits for its answer

  Attachment attachment_;
  ReconnectSchedule schedule_;
  RequestEncoder encoder_;
  RequestWindow requests_;
  ParkedRequests parked_;
  LateAnswers late_;
  uint64_t last_ticket_ = 0;
  WaitTable waits_;
  // What the broker has not been told of yet, of this connection: waits and requests that are given up.
  std::vector<uint64_t> cancelled_waits_;
  std::vector<uint64_t> cancelled_requests_;
  std::vector<AttachWaiter> attach_waiters_;
  SegmentCache segments_;
  ClaimBook claims_;
  ClaimCheck claim_check_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_CONNECTION_CORE_H_
