#include "broker/leases/lease_room.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "broker/coordination/own_streams.h"
#include "schemas/text.h"

namespace roost {
namespace {

using wire::RefusalCode;
using wire::RequestBody;

// As EndedLease in control.fbs and in libroost tells it.
constexpr std::string_view kExpiredReason = "expired";
constexpr std::string_view kConnectionLostReason = "connection lost";

}  // namespace

TryOutcome LeaseRoom::Try(const Asked& asked, const wire::Request& request) {
  switch (request.body_type()) {
    case RequestBody::Claim:
      return TryClaim(asked, *request.body_as_Claim());
    case RequestBody::Release:
      return TryRelease(asked, *request.body_as_Release());
    case RequestBody::ListLeases:
      return List(asked, *request.body_as_ListLeases());
    default:
      ROOST_CHECK(false, "type={}", static_cast<int>(request.body_type()));
  }
  return TryOutcome::kDone;
}

TryOutcome LeaseRoom::TryClaim(const Asked& asked, const wire::Claim& request) {
  Claim claim;
  if (const auto refusal = DecodeClaim(request, &claim)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  if (queue_.Find(asked.session, asked.number) != nullptr) {
    asked.peer.Send(replies_.Queued(asked.number));  // asked twice: it keeps its place
    return TryOutcome::kDone;
  }
  const uint64_t now_ns = parts_.now_ns();
  const Lease* same = FindSameLease(*parts_.table, asked.session.number, claim);
  if (same != nullptr && IsFresh(*same, claim, now_ns)) {
    parts_.table->BeginAnew(same->token, now_ns);
    parts_.changes->Answer(asked, replies_.Granted(asked.number, same->token, same->ttl_ms));
    return TryOutcome::kDone;
  }
  const Claimant claimant{asked.session.number, queue_.next_place()};
  MatchBudget budget(kClaimStepsMax);
  const auto blocker = FindBlocker(*parts_.table, queue_, claimant, claim, &budget);
  asked.peer.work += kClaimStepsMax - budget.left();
  if (budget.exhausted()) {
    RefuseTooMuchWork(asked);
  } else if (!blocker.has_value()) {
    return Grant(asked, claim);
  } else if (claim.wait_ms == 0) {
    AnswerHeld(asked, claimant, claim);
  } else {
    Enqueue(asked, std::move(claim), *blocker);
  }
  return TryOutcome::kDone;
}

TryOutcome LeaseRoom::Grant(const Asked& asked, const Claim& claim) {
  if (const auto refusal = CheckRoom(*parts_.table, asked.session.number, claim)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  const bool renews = FindSameLease(*parts_.table, asked.session.number, claim) != nullptr;
  LeaseGrant grant = PlanGrant(*parts_.table, asked.session.number, asked.session.agent, claim);
  const std::string data = EncodeLeaseGrant(grant);
  BatchPlace place;
  if (const auto outcome = parts_.changes->Stage(
          asked, Change{kLeasesStream, renews ? kLeaseRenewedType : kLeaseGrantedType, data},
          &place);
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  grant.token = place.first;
  grant.request = asked.number;
  UndoLog* const undo = parts_.changes->undo();
  // Undone last: who watches is looked at again when the table is as it was.
  undo->Add([this, session = &asked.session, tokens = grant.replaces, token = grant.token, renews,
             keys = claim.keys] {
    for (const uint64_t replaced : tokens) queue_.OnLeaseChanged(replaced);
    queue_.OnLeaseChanged(token);
    if (!renews) queue_.OnHoldsChanged(*session, keys);
  });
  parts_.table->Grant(grant, parts_.now_ns(), undo);
  for (const uint64_t replaced : grant.replaces) queue_.OnLeaseChanged(replaced);
  if (!renews) queue_.OnHoldsChanged(asked.session, claim.keys);
  KeptAnswer answer;
  answer.kind = KeptAnswer::Kind::kGranted;
  answer.first = answer.last = grant.token;
  parts_.changes->AnswerStaged(asked, std::move(answer));
  return TryOutcome::kDone;
}

void LeaseRoom::AnswerHeld(const Asked& asked, const Claimant& claimant, const Claim& claim) {
  MatchBudget budget(kHoldersStepsMax);
  const std::vector<HolderView> holders =
      FindHolders(*parts_.table, queue_, claimant, claim, &budget, parts_.now_ns());
  asked.peer.work += kHoldersStepsMax - budget.left();
  parts_.changes->Answer(asked, replies_.Held(asked.number, holders));
}

void LeaseRoom::Enqueue(const Asked& asked, Claim claim, const Blocker& blocker) {
  if (!queue_.HasRoomFor(claim)) {
    parts_.changes->Refuse(
        asked, {RefusalCode::Busy,
                "too many keys are waited for already; claim fewer at once, or without waiting"});
    return;
  }
  if (const auto refusal = parts_.waiting->Spend(asked.session)) {
    parts_.changes->Refuse(asked, *refusal);
    return;
  }
  WaitingClaim waiting;
  waiting.session = &asked.session;
  waiting.number = asked.number;
  waiting.received_ns = asked.received_ns;
  waiting.deadline_ns = parts_.now_ns() + claim.wait_ms * kNsPerMs;
  waiting.claim = std::move(claim);
  queue_.Add(std::move(waiting), blocker);
  // Rests on nothing that could be taken back.
  asked.peer.Send(replies_.Queued(asked.number));
}

void LeaseRoom::RefuseTooMuchWork(const Asked& asked) {
  parts_.changes->Refuse(
      asked, {RefusalCode::TooLarge,
              "nothing was claimed: comparing these keys with the globs that others hold takes too "
              "long; claim fewer keys at once, and globs that begin with more literal text"});
}

TryOutcome LeaseRoom::TryRelease(const Asked& asked, const wire::Release& request) {
  const std::string_view note = TextOf(request.note());
  if (const auto refusal = CheckLeaseNote(note)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  const Lease* lease = parts_.table->Find(request.token());
  if (lease == nullptr || lease->session != asked.session.number) {
    parts_.changes->Answer(asked, replies_.Released(asked.number, false));
    return TryOutcome::kDone;
  }
  const std::string data = EncodeLeaseEnd(lease->token, lease->keys, note, {});
  BatchPlace place;
  if (const auto outcome =
          parts_.changes->Stage(asked, Change{kLeasesStream, kLeaseReleasedType, data}, &place);
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  parts_.changes->undo()->Add([this, session = &asked.session, keys = lease->keys] {
    queue_.OnHoldsChanged(*session, keys);
  });
  parts_.table->End(request.token(), parts_.changes->undo());
  queue_.OnLeaseChanged(request.token());
  KeptAnswer answer;
  answer.kind = KeptAnswer::Kind::kReleased;
  answer.first = answer.last = place.first;
  parts_.changes->AnswerStaged(asked, std::move(answer));
  return TryOutcome::kDone;
}

TryOutcome LeaseRoom::List(const Asked& asked, const wire::ListLeases& request) {
  const std::string_view prefix = TextOf(request.prefix());
  if (request.limit() == 0) {
    parts_.changes->Refuse(asked, {RefusalCode::Invalid, "a list's limit must not be 0"});
    return TryOutcome::kDone;
  }
  parts_.changes->Answer(asked, replies_.Leases(asked.number, *parts_.table, prefix,
                                                request.after(), request.limit(), parts_.now_ns()));
  return TryOutcome::kDone;
}

Bytes LeaseRoom::ReplyTo(const KeptAnswer& answer) {
  if (answer.kind == KeptAnswer::Kind::kReleased) return replies_.Released(answer.number, true);
  const Lease* lease = parts_.table->Find(answer.first);
  return replies_.Granted(answer.number, answer.first,
                          lease == nullptr ? 0 : ExpiresInMs(*lease, parts_.now_ns()));
}

void LeaseRoom::OnStarted(uint64_t now_ns) {
  parts_.table->BeginAllAnew(now_ns);
  // A session that had not left may come back; what others hold was left behind by a log that was cut or lost.
  std::vector<Lease> ownerless;
  for (const Lease* lease = parts_.table->FindAfter(0); lease != nullptr;
       lease = parts_.table->FindAfter(lease->token)) {
    const Session* session = parts_.sessions->Find(lease->session);
    if (session == nullptr || session->state == Session::State::kEnded) ownerless.push_back(*lease);
  }
  for (const Lease& lease : ownerless) EndLease(lease, kLeaseReleasedType, "broker restarted");
}

void LeaseRoom::EndLease(const Lease& lease, std::string_view type, std::string_view reason) {
  parts_.table->End(lease.token, nullptr);
  queue_.OnLeaseChanged(lease.token);
  parts_.changes->Add(kLeasesStream, type, EncodeLeaseEnd(lease.token, lease.keys, {}, reason),
                      lease.session);
}

void LeaseRoom::OnSessionEnded(Session& session, std::string_view reason) {
  DropWaiting(session);
  for (const uint64_t token : parts_.table->TokensOf(session.number)) {
    const Lease lease = *parts_.table->Find(token);
    EndLease(lease, kLeaseReleasedType, reason);
    session.untold.Add(
        {lease.token, lease.keys, std::string(reason == "left" ? kConnectionLostReason : reason)});
  }
}

void LeaseRoom::TellHolder(const Lease& lease, std::string_view reason) {
  Session* session = parts_.sessions->Find(lease.session);
  if (session == nullptr) return;
  if (session->state == Session::State::kAttached && session->peer != nullptr) {
    session->peer->Send(replies_.LeaseEnded(lease.token, lease.keys, reason));
  } else {
    session->untold.Add({lease.token, lease.keys, std::string(reason)});
  }
}

void LeaseRoom::OnSessionBack(Session& session) {
  for (const UntoldEnd& end : session.untold.Take()) {
    session.peer->Send(replies_.LeaseEnded(end.token, end.keys, end.reason));
  }
}

void LeaseRoom::DropWaiting(Session& session) {
  for (const uint64_t place : queue_.PlacesOf(session)) DropWaitingClaim(place);
}

void LeaseRoom::Cancel(Session& session, uint64_t number) {
  const WaitingClaim* waiting = queue_.Find(session, number);
  if (waiting != nullptr) DropWaitingClaim(waiting->place);
}

bool LeaseRoom::HoldsFor(const Session& session, uint64_t number) const {
  return parts_.table->TokenFor(session.number, number) != 0;
}

void LeaseRoom::TakeBack(Session& session, uint64_t number) {
  const uint64_t token = parts_.table->TokenFor(session.number, number);
  if (token == 0) return;
  const Lease lease = *parts_.table->Find(token);
  EndLease(lease, kLeaseReleasedType, kGivenUpReason);
  queue_.OnHoldsChanged(session, lease.keys);
}

void LeaseRoom::DropWaitingClaim(uint64_t place) {
  Session& session = *queue_.Find(place)->session;
  queue_.Remove(place);
  parts_.waiting->GiveBack(session);
}

void LeaseRoom::ServeWaiting() {
  if (queue_.size() == 0) return;
  uint64_t steps_left = kServeStepsMax;
  while (queue_.HasReady() && steps_left > 0) {
    if (!Serve(*queue_.Find(queue_.FirstReady()), &steps_left)) return;
  }
  const uint64_t now_ns = parts_.now_ns();
  for (int i = 0; i < kTimesOverPerTurn && queue_.NextDeadlineNs() <= now_ns; ++i) {
    ServeTimeOver(*queue_.Find(queue_.NextDue()));
  }
}

bool LeaseRoom::Serve(const WaitingClaim& waiting, uint64_t* steps_left) {
  const Asked asked{*waiting.session->peer, *waiting.session, waiting.number, waiting.received_ns};
  const Claimant claimant{asked.session.number, waiting.place};
  MatchBudget budget(kClaimStepsMax);
  const auto blocker = FindBlocker(*parts_.table, queue_, claimant, waiting.claim, &budget);
  *steps_left -= std::min(*steps_left, kClaimStepsMax - budget.left());
  if (budget.exhausted()) {
    RefuseTooMuchWork(asked);
  } else if (blocker.has_value()) {
    queue_.Watch(waiting.place, *blocker);
    return true;
  } else if (Grant(asked, waiting.claim) == TryOutcome::kTurnFull) {
    return false;
  }
  DropWaitingClaim(waiting.place);
  return true;
}

void LeaseRoom::ServeTimeOver(const WaitingClaim& waiting) {
  const Asked asked{*waiting.session->peer, *waiting.session, waiting.number, waiting.received_ns};
  AnswerHeld(asked, {asked.session.number, waiting.place}, waiting.claim);
  DropWaitingClaim(waiting.place);
}

uint64_t LeaseRoom::NextTimerNs() const {
  if (queue_.HasReady()) return 0;
  return std::min(parts_.table->NextExpiryNs(), queue_.NextDeadlineNs());
}

void LeaseRoom::OnTimer(uint64_t now_ns) {
  for (int i = 0; i < kExpiriesPerTurn && parts_.table->NextExpiryNs() <= now_ns; ++i) {
    const Lease lease = *parts_.table->Find(parts_.table->NextToExpire());
    EndLease(lease, kLeaseExpiredType, {});
    TellHolder(lease, kExpiredReason);
  }
}

}  // namespace roost
