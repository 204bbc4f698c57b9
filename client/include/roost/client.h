// libroost: append to a Roost log, read it, wait for it.
//
// A Client attaches to the broker on the first call that needs it, reads from shared memory without a
// system call while the ring has what is asked for and from the journal behind it, and attaches again by
// itself when the broker was restarted; what was not answered is asked again and never done twice.
//
// Threads: one thread at a time for each Client; as many Clients as you like. Calls block for at most
// their timeout. After fork() the child must not use the parent's Client.
//
// Errors are Status values; kUnavailable means "no broker": its message says how to start one, and the
// next call tries again.
#ifndef ROOST_CLIENT_H_
#define ROOST_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "roost/event.h"
#include "roost/read.h"

namespace roost {

struct ClientOptions {
  // Empty: $ROOST_SOCKET, else /run/roost/roost.sock, else /tmp/roost-<uid>/roost.sock.
  std::string socket = {};
  // Label of who appends. Empty: $ROOST_AGENT, else the program's name, '-', pid.
  std::string agent = {};
  // How this client calls itself to operators. Empty: libroost and its version.
  std::string program = {};
  std::chrono::milliseconds timeout{5000};  // for each call, attaching included
};

class Client {
 public:
  explicit Client(ClientOptions options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // One event, or a batch. A conflict is a result, not an error.
  // kInvalidArgument, kTooLarge, kAlreadyExists (id used with other content), kPermissionDenied,
  // kUnavailable, kTimedOut and kUnknownOutcome (it may have been appended; with an `id` ask again).
  Result<AppendResult> Append(const NewEvent& event);
  Result<AppendResult> Append(const NewEvent& event, uint64_t expect);
  Result<AppendResult> Append(const Batch& batch);

  // Many batches in flight: Submit returns at once, or when one of the 64 places is free; `done` is
  // called from within a later call of this client, and must not call it. A batch that cannot be sent
  // is an error of Submit, and `done` is not called. WaitForAnswer returns when one of them was answered
  // (at once if none is unanswered), Flush when all were.
  using AppendDone = std::function<void(const Result<AppendResult>&)>;
  Status Submit(const Batch& batch, AppendDone done);
  Status WaitForAnswer();
  Status Flush();

  // At most one page; scans at most 16 MiB or 20 ms, then answers with where to go on.
  Result<Page> Read(const ReadQuery& query);
  // The same into a page that is used again, which saves its allocations.
  Status Read(const ReadQuery& query, Page* page);

  // Like Read, but waits up to `timeout` for the first event that matches. Empty on time-out, or when
  // there is only a gap to tell of.
  Result<Page> Wait(const ReadQuery& query, std::chrono::milliseconds timeout);

  Result<std::vector<StreamInfo>> ListStreams(std::string_view prefix, size_t limit = 1000);
  Result<std::vector<SessionInfo>> ListSessions();

  // Of the last attachment; attaches if there was none.
  Result<LogInfo> Info();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_H_
