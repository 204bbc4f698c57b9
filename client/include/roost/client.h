// libroost: append to a Roost log, read it, wait for it; claim keys, work off streams in groups, share verdicts.
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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "roost/coordination.h"
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
  // Asks the broker for a lane: 0.6 MB of memory that both share, through which requests and answers go without system calls. For
  // programs that submit batches by the hundred thousand; if there is none to be had it goes on without. What was submitted and is
  // not answered when the program ends may not be done.
  bool lane = false;
  // How long a call looks into the lane for its answer before it sleeps. Longer than the broker's turn pays only where a core is
  // free for it.
  std::chrono::microseconds lane_spin{100};
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

  // ---- claims, groups, verdicts: what they mean and their limits stand in roost/coordination.h ----
  //
  // Tokens are good in this client's session alone: what it has claimed and taken is free at once when the Client
  // goes, and at the latest when its lease ends. "No" is a result, not an error. Errors: kInvalidArgument,
  // kTooLarge, kBusy (too much waits in the broker), kPermissionDenied, kExhausted (the disk is full),
  // kUnavailable, kTimedOut (what is granted later goes back by itself), and kUnknownOutcome for Settle, Unpark,
  // RemoveGroup and Decide when the session was lost with the answer. A call with a wait blocks for it and the timeout at most.

  // Keys that this client holds already never stand in its way; claiming them again renews them, with a new
  // token for the old ones.
  Result<ClaimResult> Claim(const ClaimRequest& request);
  // False: the token has ended, or is another session's.
  Result<bool> Release(uint64_t token, std::string_view note = {});
  // The claims that ended before they were released, as far as this client was told since the last call (the
  // newest 64). Does not wait. A program that does other things while it holds claims calls this a few times a
  // second: it is also what finds the way back to a broker that was restarted.
  std::vector<EndedLease> TakeEndedLeases();

  // Events of the stream that no other consumer of the group has; none when there is nothing, or the wait is over.
  Result<TakeResult> Take(const TakeRequest& request);
  // The taken events themselves, in the order of `taken.items`. Fewer than that: the others are no longer there,
  // and the page's gap says so; the revision tells them apart. As large as they are, 500 x 1 MiB at worst.
  Status ReadTaken(const std::string& stream, const TakeResult& taken, Page* page);
  // 1 to 500 tokens; one bool each. False: its lease has ended, and the event is another's or settled.
  Result<std::vector<bool>> Settle(std::span<const ItemToken> tokens, Outcome outcome,
                                   std::string_view note = {});
  // Events put aside, with revisions over `after`, at most `limit` (1 to 500).
  Result<ParkedPage> ListParked(std::string_view stream, std::string_view group, uint64_t after = 0,
                                uint32_t limit = 100);
  // Lets parked events be taken again, with their tries begun anew, or drops them for good. Without revisions:
  // all. Returns how many of them were parked.
  Result<uint64_t> Unpark(std::string_view stream, std::string_view group,
                          std::span<const uint64_t> revisions, bool drop,
                          std::string_view note = {});
  // Forgets a group and what it had parked; a later Take of that name begins a new one. Not removed: it is in use.
  Result<GroupRemoval> RemoveGroup(std::string_view stream, std::string_view group,
                                   std::string_view note = {});

  // An answer a question, in their order, in one round trip; without one if shared memory has all of them.
  Result<std::vector<Answer>> Validate(std::span<const Question> questions,
                                       std::chrono::milliseconds wait,
                                       Asking asking = Asking::kDecide);
  Result<DecideResult> Decide(const Decision& decision);

  // All claims that have a key with this prefix; all groups of streams with it. Past 100,000 kTooLarge.
  Result<std::vector<LeaseInfo>> ListLeases(std::string_view prefix);
  Result<std::vector<GroupInfo>> ListGroups(std::string_view prefix);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_H_
