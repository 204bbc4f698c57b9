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
#ifndef ROOST_CLIENT_CONNECTION_H_
#define ROOST_CLIENT_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"
#include "client/segment_cache.h"
#include "log/ring_reader.h"
#include "roost/event.h"
#include "roost/read.h"

namespace roost {

struct ConnectionOptions {
  std::string socket = {};
  std::string agent = {};
  std::string program = {};
};

class Connection {
 public:
  using AppendDone = std::function<void(const Result<AppendResult>&)>;
  using WaitDone =
      std::function<void(const Status&)>;  // ok: look again; else why there is no more waiting
  using SegmentDone = std::function<void(const Status&)>;
  using SessionsDone = std::function<void(const Result<std::vector<SessionInfo>>&)>;
  using AttachDone = std::function<void(const Status&)>;

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
  size_t unanswered() const;

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

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_CONNECTION_H_
