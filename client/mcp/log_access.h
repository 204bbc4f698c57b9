// The log as the shim's calls use it: everything that may need the broker is asked for and answered
// later, by a callback; what lies in shared memory is read at once. LogSession is the real one; tests have
// one without a broker.
//
// One thread. Callbacks run within the call itself or from the event loop, never after the LogAccess is
// gone.
#ifndef ROOST_CLIENT_MCP_LOG_ACCESS_H_
#define ROOST_CLIENT_MCP_LOG_ACCESS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/own_work.h"
#include "client/segment_cache.h"
#include "log/ring_reader.h"
#include "roost/coordination.h"
#include "roost/event.h"
#include "roost/read.h"

namespace roost {

class LogAccess {
 public:
  using Done = std::function<void(const Status&)>;
  using AppendDone = std::function<void(const Result<AppendResult>&)>;
  using SessionsDone = std::function<void(const Result<std::vector<SessionInfo>>&)>;
  using ClaimDone = std::function<void(const Result<ClaimResult>&)>;
  using ReleaseDone = std::function<void(const Result<bool>&)>;
  using TakeDone = std::function<void(const Result<TakeResult>&)>;
  using SettleDone = std::function<void(const Result<std::vector<bool>>&)>;
  using ValidateDone = std::function<void(const Result<std::vector<Answer>>&)>;
  using DecideDone = std::function<void(const Result<DecideResult>&)>;
  using LeasesDone = std::function<void(const Result<std::vector<LeaseInfo>>&)>;
  using GroupsDone = std::function<void(const Result<std::vector<GroupInfo>>&)>;

  virtual ~LogAccess() = default;

  // How this shim would like to be called if nothing better was configured. Counts until it is attached
  // for the first time.
  virtual void SuggestAgent(const std::string& label) = 0;

  // Attaches, if need be, and starts a broker first if that was asked for. Without one: kUnavailable.
  virtual void Attach(uint64_t deadline_ns, Done done) = 0;
  virtual bool attached() const = 0;

  // nullptr before the first attachment. A new broker has a new ring, and `generation` changes.
  virtual const RingReader* ring() const = 0;
  virtual uint64_t generation() const = 0;
  // Agent and socket are right also before the first attachment.
  virtual LogInfo info() const = 0;

  // REQUIRES of all below: attached before; the broker may have gone since.
  virtual void Append(const Batch& batch, uint64_t deadline_ns, AppendDone done) = 0;
  // One wake-up when an event after `after` may match. `done` is not called after CancelWait.
  virtual uint64_t Wait(const Filter& filter, uint64_t after, Done done) = 0;
  virtual void CancelWait(uint64_t registration) = 0;
  virtual void ListSessions(uint64_t deadline_ns, SessionsDone done) = 0;
  // Into segments(). kGone: it is in none any more.
  virtual void FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns,
                            Done done) = 0;
  virtual SegmentCache* segments() = 0;
  // The oldest event that there was when the broker last said kGone; 0: it never did.
  virtual uint64_t oldest_told() const = 0;

  // Those that may wait return a number for Cancel, or 0 when `done` was called already. After Cancel it
  // is not called; a claim or a take that was granted all the same is given back. The deadline is that of
  // the answer, after all waiting.
  virtual uint64_t Claim(const ClaimRequest& request, uint64_t deadline_ns, ClaimDone done) = 0;
  virtual void Release(uint64_t token, std::string_view note, uint64_t deadline_ns,
                       ReleaseDone done) = 0;
  virtual uint64_t Take(const TakeRequest& request, uint64_t deadline_ns, TakeDone done) = 0;
  virtual void Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
                      uint64_t deadline_ns, SettleDone done) = 0;
  virtual uint64_t Validate(std::span<const Question> questions, std::chrono::milliseconds wait,
                            uint64_t deadline_ns, ValidateDone done) = 0;
  virtual void Decide(const Decision& decision, uint64_t deadline_ns, DecideDone done) = 0;
  virtual void ListLeases(std::string_view prefix, uint64_t deadline_ns, LeasesDone done) = 0;
  virtual void ListGroups(std::string_view prefix, uint64_t deadline_ns, GroupsDone done) = 0;
  virtual void Cancel(uint64_t request) = 0;

  // That this agent works, also when it asks the broker for nothing. Cheap.
  virtual void NoteActivity() = 0;
  // What this client does by itself, for the broker's counters.
  virtual OwnWork* own_work() = 0;
  // Claims of this session that ended before they were released, told since the last call.
  virtual std::vector<EndedLease> TakeEndedLeases() = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_LOG_ACCESS_H_
