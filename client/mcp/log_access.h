// The log as the shim's calls use it: everything that may need the broker is asked for and answered
// later, by a callback; what lies in shared memory is read at once. LogSession is the real one; tests have
// one without a broker.
//
// One thread. Callbacks run within the call itself or from the event loop, never after the LogAccess is
// gone.
#ifndef ROOST_CLIENT_MCP_LOG_ACCESS_H_
#define ROOST_CLIENT_MCP_LOG_ACCESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/segment_cache.h"
#include "log/ring_reader.h"
#include "roost/event.h"
#include "roost/read.h"

namespace roost {

class LogAccess {
 public:
  using Done = std::function<void(const Status&)>;
  using AppendDone = std::function<void(const Result<AppendResult>&)>;
  using SessionsDone = std::function<void(const Result<std::vector<SessionInfo>>&)>;

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

  // REQUIRES of the four below: attached before; the broker may have gone since.
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
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_LOG_ACCESS_H_
