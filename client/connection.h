// A client's side of the control socket, without ever blocking: for programs with a poll loop of their
// own (roost-mcp), and under the blocking roost::Client.
//
// One thread. The owner polls fd() for events() and calls OnReady() when it is ready, and OnTimer() when
// NextTimerNs() has come. Callbacks run within OnReady(), OnTimer() or the call itself, never later than
// the Connection lives; a callback may make new calls but not destroy the Connection.
//
// Attaches on the first request, again after the connection was lost (after 50 ms, doubling to 1 s), with
// the same session, and sends what was not answered again under its old number. A request fails with
// kUnavailable when no broker could be reached within its own deadline; one that may have been
// done and cannot be asked for again (the broker does not know the session any more) with
// kUnknownOutcome.
//
// Claim, Take and Validate may wait in the broker, at most 64 at a time, for as long as they ask; they take none of
// the 64 places then, and are asked again over the next connection with the wait that is left. What is granted to one
// that was cancelled or is late goes back by itself, also when the connection or the broker was lost just then.
#ifndef ROOST_CLIENT_CONNECTION_H_
#define ROOST_CLIENT_CONNECTION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "client/own_work.h"
#include "client/segment_cache.h"
#include "log/ring_reader.h"
#include "roost/coordination.h"
#include "roost/event.h"
#include "roost/read.h"

namespace roost {

class ConnectionCore;
namespace wire {
struct Reply;
}

struct ConnectionOptions {
  std::string socket = {};
  std::string agent = {};
  std::string program = {};
  bool lane = false;  // asks for one (ipc/lane_format.h) whenever it has attached
  uint64_t activity_ns = 10 * kNsPerSecond;  // NoteActivity says so at most this often
  uint64_t report_ns = 2 * kNsPerSecond;     // own_work() is handed over at most this often
};

class Connection {
 public:
  using AppendDone = std::function<void(const Result<AppendResult>&)>;
  using WaitDone =
      std::function<void(const Status&)>;  // ok: look again; else why there is no more waiting
  using SegmentDone = std::function<void(const Status&)>;
  using SessionsDone = std::function<void(const Result<std::vector<SessionInfo>>&)>;
  using AttachDone = std::function<void(const Status&)>;
  using ClaimDone = std::function<void(const Result<ClaimResult>&)>;
  using ReleaseDone = std::function<void(const Result<bool>&)>;
  using TakeDone = std::function<void(const Result<TakeResult>&)>;
  using SettleDone = std::function<void(const Result<std::vector<bool>>&)>;
  using ParkedDone = std::function<void(const Result<ParkedPage>&)>;
  using UnparkDone = std::function<void(const Result<uint64_t>&)>;
  using RemoveGroupDone = std::function<void(const Result<GroupRemoval>&)>;
  using ValidateDone = std::function<void(const Result<std::vector<Answer>>&)>;
  using DecideDone = std::function<void(const Result<DecideResult>&)>;
  using LeasesDone = std::function<void(const Result<std::vector<LeaseInfo>>&)>;
  using GroupsDone = std::function<void(const Result<std::vector<GroupInfo>>&)>;

  explicit Connection(ConnectionOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What to poll; -1 when there is nothing to poll (only the timer).
  int fd() const;
  short events() const;
  void OnReady();
  // CLOCK_MONOTONIC; UINT64_MAX: none. Reconnecting and the deadlines of requests.
  uint64_t NextTimerNs() const;
  void OnTimer();

  // With a lane, answers come without fd() being ready. TakeFromLane: true if there were any. Who is about to poll
  // says so: LaneFallsAsleep, false: there are some; and LaneWakesUp afterwards.
  bool has_lane() const;
  bool TakeFromLane();
  bool LaneFallsAsleep();
  void LaneWakesUp();

  // Calls `done` once attached, or with why not by `deadline_ns` (CLOCK_MONOTONIC). The first attempt is
  // made at once: without a socket file, kUnavailable comes at once too, saying how to start a broker.
  void Attach(uint64_t deadline_ns, AttachDone done);
  bool attached() const;

  // The ring of the newest attachment, or nullptr before the first. Stays mapped, and readable, while the
  // broker is away; replaced when a new broker made another. `generation` changes then.
  const RingReader* ring() const;
  uint64_t generation() const;
  const LogInfo& info() const;  // head, oldest and streams are not filled in here

  // True if a request can be sent without waiting for an answer first (64 may be unanswered).
  bool CanSubmit() const;
  size_t unanswered() const;  // those that wait in the broker included

  // The caller has checked nothing: limits and names are checked here, with the broker's limits, and
  // refused with a clear message. On a conflict the conflict's last event is for the caller to read.
  void Append(const Batch& batch, uint64_t deadline_ns, AppendDone done);

  // One wake-up when an event after `after` may match. Survives reconnection. Returns a number for
  // CancelWait, after which `done` is not called; 0 if `done` was called already, with why not.
  uint64_t Wait(const Filter& filter, uint64_t after, WaitDone done);
  void CancelWait(uint64_t registration);

  // Fetches the segment with `sequence`, or with `position` if not 0, into segments().
  // kGone: in none any more.
  void FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns, SegmentDone done);
  SegmentCache& segments();
  // The oldest event that there was when the broker last said kGone; 0: it never did.
  uint64_t oldest_told() const;

  void ListSessions(uint64_t deadline_ns, SessionsDone done);

  // ---- claims, groups, verdicts: client/coordination_requests.cc ----
  //
  // What is asked for is checked as with Append; the limits stand in roost/coordination.h. `deadline_ns` of one with
  // a wait is the wait plus the time for one answer. Those that return a number can be given up with it in Cancel;
  // it is 0 if `done` was called already.

  // "Not granted" is a result. A claim of keys that this session holds renews them under a new token.
  uint64_t Claim(const ClaimRequest& request, uint64_t deadline_ns, ClaimDone done);
  // False: the token has ended, or is another session's.
  void Release(uint64_t token, std::string_view note, uint64_t deadline_ns, ReleaseDone done);

  // No items: there was nothing to take, or the wait is over.
  uint64_t Take(const TakeRequest& request, uint64_t deadline_ns, TakeDone done);
  // One bool a token; false: its lease has ended, and the event is another's or settled.
  void Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
              uint64_t deadline_ns, SettleDone done);
  // Those with revisions over `after`, at most `limit`.
  void ListParked(std::string_view stream, std::string_view group, uint64_t after, uint32_t limit,
                  uint64_t deadline_ns, ParkedDone done);
  // How many were parked and are not any more. Without `revisions`: all.
  void Unpark(std::string_view stream, std::string_view group, std::span<const uint64_t> revisions,
              bool drop, std::string_view note, uint64_t deadline_ns, UnparkDone done);
  // "It is in use" is a result.
  void RemoveGroup(std::string_view stream, std::string_view group, std::string_view note,
                   uint64_t deadline_ns, RemoveGroupDone done);

  // An answer a question, in their order. Asks the broker, also for what shared memory has.
  uint64_t Validate(std::span<const Question> questions, std::chrono::milliseconds wait,
                    uint64_t deadline_ns, ValidateDone done, Asking asking = Asking::kDecide);
  void Decide(const Decision& decision, uint64_t deadline_ns, DecideDone done);

  // All of them, page by page; past 100,000 kTooLarge.
  void ListLeases(std::string_view prefix, uint64_t deadline_ns, LeasesDone done);
  void ListGroups(std::string_view prefix, uint64_t deadline_ns, GroupsDone done);

  // Gives up a request; its `done` is not called. Nothing if it was called already.
  void Cancel(uint64_t request);

  // This client did something that needed no broker. Tells the broker, so that it does not show this session as
  // idle: only when attached and nothing was sent for ten seconds.
  void NoteActivity();

  // What this client does by itself: its owner records it here. It is handed over with requests; without any, by a timer
  // after there is something, and when the connection ends.
  OwnWork& own_work();

  // The claims that ended before they were released, as told since the last call: the newest 64. After a
  // reconnection the broker is asked which are still there, so some may be told a little later.
  std::vector<EndedLease> TakeEndedLeases();

 private:
  void ListSessionsAfter(uint64_t after, uint64_t deadline_ns,
                         std::shared_ptr<std::vector<SessionInfo>> found, SessionsDone done);
  void ListLeasesAfter(std::string prefix, uint64_t deadline_ns,
                       std::shared_ptr<std::vector<LeaseInfo>> found, LeasesDone done);
  void ListGroupsAfter(std::string prefix, uint64_t deadline_ns,
                       std::shared_ptr<std::vector<GroupInfo>> found, GroupsDone done);
  Status TakeSegment(const wire::Reply& reply, uint64_t sequence, uint64_t position);

  std::unique_ptr<ConnectionCore> core_;
  uint64_t oldest_told_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_CONNECTION_H_
