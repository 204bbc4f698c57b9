// The room of claims: takes Claim, Release and ListLeases, lets leases expire, frees what a session held when it ends,
// serves who waits, and tells holders whose lease has ended.
//
// Every change is an event of $leases; a lease's token is the sequence of the event that granted it. Looking for what
// stands in the way of a claim takes at most kClaimStepsMax (key_pattern.h; some milliseconds), else it is refused; who
// stands there is told as far as kHoldersStepsMax go. Both are counted as work of the peer, so that its turn ends with
// such a claim. Who waits is served for about kServeStepsMax a turn. Sequencer thread.
#ifndef ROOST_BROKER_LEASES_LEASE_ROOM_H_
#define ROOST_BROKER_LEASES_LEASE_ROOM_H_

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "broker/coordination/change_writer.h"
#include "broker/coordination/room.h"
#include "broker/coordination/waiting_budget.h"
#include "broker/leases/claim_queue.h"
#include "broker/leases/claim_rules.h"
#include "broker/leases/lease_replies.h"
#include "broker/leases/lease_table.h"

namespace roost {

class LeaseRoom : public CoordinationRoom {
 public:
  static constexpr uint64_t kClaimStepsMax = 1'000'000;
  static constexpr uint64_t kHoldersStepsMax = 250'000;
  static constexpr uint64_t kServeStepsMax = 1'000'000;
  static constexpr int kTimesOverPerTurn = 64;
  static constexpr int kExpiriesPerTurn = 1024;

  struct Parts {
    LeaseTable* table;
    SessionTable* sessions;
    ChangeWriter* changes;
    WaitingBudget* waiting;
    uint64_t (*now_ns)() = &MonotonicNs;  // CLOCK_MONOTONIC
  };
  explicit LeaseRoom(const Parts& parts) : parts_(parts) {}

  // CoordinationRoom
  TryOutcome Try(const Asked& asked, const wire::Request& request) override;
  Bytes ReplyTo(const KeptAnswer& answer) override;
  void OnStarted(uint64_t now_ns) override;
  void OnSessionEnded(Session& session, std::string_view reason) override;
  void OnSessionBack(Session& session) override;
  void DropWaiting(Session& session) override;
  void Cancel(Session& session, uint64_t number) override;
  bool HoldsFor(const Session& session, uint64_t number) const override;
  void TakeBack(Session& session, uint64_t number) override;
  void ServeWaiting() override;
  uint64_t NextTimerNs() const override;
  void OnTimer(uint64_t now_ns) override;

 private:
  TryOutcome TryClaim(const Asked& asked, const wire::Claim& request);
  TryOutcome TryRelease(const Asked& asked, const wire::Release& request);
  TryOutcome List(const Asked& asked, const wire::ListLeases& request);

  // Refuses it, or writes it down. REQUIRES: it may be granted.
  TryOutcome Grant(const Asked& asked, const Claim& claim);
  void AnswerHeld(const Asked& asked, const Claimant& claimant, const Claim& claim);
  void Enqueue(const Asked& asked, Claim claim, const Blocker& blocker);
  void RefuseTooMuchWork(const Asked& asked);

  // False: the turn is full.
  bool Serve(const WaitingClaim& waiting, uint64_t* steps_left);
  void ServeTimeOver(const WaitingClaim& waiting);
  void DropWaitingClaim(uint64_t place);

  // The broker's own doing: the lease is gone, and $leases says so.
  void EndLease(const Lease& lease, std::string_view type, std::string_view reason);
  void TellHolder(const Lease& lease, std::string_view reason);

  const Parts parts_;
  ClaimQueue queue_;
  LeaseReplies replies_;
};

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_LEASE_ROOM_H_
