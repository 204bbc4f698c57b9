// Connection's requests about claims, groups and verdicts.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "client/connection.h"
#include "client/connection_core.h"
#include "client/coordination_check.h"
#include "client/coordination_replies.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kListPage = 100;
constexpr uint32_t kParkedPageMax = 500;

uint32_t Ms(milliseconds time) { return static_cast<uint32_t>(time.count()); }

ConnectionCore::Terms TermsOf(uint64_t deadline_ns, milliseconds wait) {
  ConnectionCore::Terms terms{.deadline_ns = deadline_ns};
  if (wait.count() > 0) {
    terms.wait_until_ns = MonotonicNs() + static_cast<uint64_t>(wait.count()) * kNsPerMs;
  }
  return terms;
}

wire::Outcome WireOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return wire::Outcome::Done;
    case Outcome::kRetry:
      return wire::Outcome::Retry;
    case Outcome::kPark:
      break;
  }
  return wire::Outcome::Park;
}

wire::Verdict WireOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUndecided:
      break;
    case Verdict::kAllow:
      return wire::Verdict::Allow;
    case Verdict::kDeny:
      return wire::Verdict::Deny;
    case Verdict::kAsk:
      return wire::Verdict::Ask;
  }
  return wire::Verdict::Undecided;
}

// Hands `done` the reply's value, or why there is none.
template <typename T, typename Decode>
ConnectionCore::Done Decoded(std::function<void(const Result<T>&)> done, Decode decode) {
  return [done = std::move(done), decode = std::move(decode)](const Status& status,
                                                              const wire::Reply* reply) {
    done(status.ok() ? decode(*reply) : Result<T>(status));
  };
}

}  // namespace

uint64_t Connection::Claim(const ClaimRequest& request, uint64_t deadline_ns, ClaimDone done) {
  Status status = CheckClaim(request);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) {
    done(status);
    return 0;
  }
  const Bytes bytes = core_->encoder().Claim(core_->next_number(), {.keys = request.keys,
                                                                    .ttl_ms = Ms(request.ttl),
                                                                    .wait_ms = Ms(request.wait),
                                                                    .note = request.note});
  const auto decode = [this, keys = request.keys](const wire::Reply& reply) {
    Result<ClaimResult> result = ClaimResultOf(reply);
    if (result.ok() && result->granted) core_->claims().Granted(result->token, keys);
    // It was granted to a request that is asked again, and has ended meanwhile.
    if (result.ok() && result->granted && result->expires_in_ms == 0) {
      core_->claims().EndedHeld(result->token, "expired");
    }
    return result;
  };
  return core_->SubmitCancellable(bytes, TermsOf(deadline_ns, request.wait),
                                  Decoded<ClaimResult>(std::move(done), decode));
}

void Connection::Release(uint64_t token, std::string_view note, uint64_t deadline_ns,
                         ReleaseDone done) {
  Status status = CheckNote(note);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) return done(status);
  const auto decode = [this, token](const wire::Reply& reply) {
    const Result<bool> released = ReleasedOf(reply);
    if (released.ok()) core_->claims().Released(token);
    return released;
  };
  core_->Submit(core_->encoder().Release(core_->next_number(), token, note),
                {.deadline_ns = deadline_ns}, Decoded<bool>(std::move(done), decode));
}

uint64_t Connection::Take(const TakeRequest& request, uint64_t deadline_ns, TakeDone done) {
  Status status = CheckTake(request);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) {
    done(status);
    return 0;
  }
  const Bytes bytes = core_->encoder().Take(core_->next_number(), {.stream = request.stream,
                                                                   .group = request.group,
                                                                   .from_head = request.from_head,
                                                                   .max = request.max,
                                                                   .lease_ms = Ms(request.lease),
                                                                   .wait_ms = Ms(request.wait)});
  const auto decode = [max = request.max](const wire::Reply& reply) {
    return TakeResultOf(reply, max);
  };
  return core_->SubmitCancellable(bytes, TermsOf(deadline_ns, request.wait),
                                  Decoded<TakeResult>(std::move(done), decode));
}

void Connection::Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
                        uint64_t deadline_ns, SettleDone done) {
  Status status = CheckSettle(tokens, note);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) return done(status);
  std::vector<wire::ItemToken> items;
  items.reserve(tokens.size());
  for (const ItemToken& token : tokens) items.emplace_back(token.lease, token.index);
  const auto decode = [count = tokens.size()](const wire::Reply& reply) {
    return SettledOf(reply, count);
  };
  // In another session nothing of it would be settled, which is not what became of it.
  core_->Submit(core_->encoder().Settle(core_->next_number(), items, WireOf(outcome), note),
                {.deadline_ns = deadline_ns, .is_repeatable = false},
                Decoded<std::vector<bool>>(std::move(done), decode));
}

void Connection::ListParked(std::string_view stream, std::string_view group, uint64_t after,
                            uint32_t limit, uint64_t deadline_ns, ParkedDone done) {
  Status status = CheckGroup(stream, group);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) return done(status);
  limit = std::clamp(limit, 1u, kParkedPageMax);
  const auto decode = [after, limit](const wire::Reply& reply) {
    return ParkedPageOf(reply, after, limit);
  };
  core_->Submit(core_->encoder().ListParked(core_->next_number(), stream, group, after, limit),
                {.deadline_ns = deadline_ns}, Decoded<ParkedPage>(std::move(done), decode));
}

void Connection::Unpark(std::string_view stream, std::string_view group,
                        std::span<const uint64_t> revisions, bool drop, std::string_view note,
                        uint64_t deadline_ns, UnparkDone done) {
  Status status = CheckGroup(stream, group);
  if (status.ok()) status = CheckNote(note);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) return done(status);
  core_->Submit(
      core_->encoder().Unpark(
          core_->next_number(),
          {.stream = stream, .group = group, .revisions = revisions, .drop = drop, .note = note}),
      {.deadline_ns = deadline_ns, .is_repeatable = false},
      Decoded<uint64_t>(std::move(done), UnparkedOf));
}

void Connection::RemoveGroup(std::string_view stream, std::string_view group, std::string_view note,
                             uint64_t deadline_ns, RemoveGroupDone done) {
  Status status = CheckGroup(stream, group);
  if (status.ok()) status = CheckNote(note);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) return done(status);
  core_->Submit(core_->encoder().RemoveGroup(core_->next_number(), stream, group, note),
                {.deadline_ns = deadline_ns, .is_repeatable = false},
                Decoded<GroupRemoval>(std::move(done), GroupRemovalOf));
}

uint64_t Connection::Validate(std::span<const Question> questions, milliseconds wait,
                              uint64_t deadline_ns, ValidateDone done, Asking asking) {
  Status status = CheckQuestions(questions, wait);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) {
    done(status);
    return 0;
  }
  std::vector<RequestEncoder::QuestionFields> fields;
  fields.reserve(questions.size());
  for (const Question& question : questions) fields.push_back({question.kind, question.input});
  const auto decode = [count = questions.size()](const wire::Reply& reply) {
    return AnswersOf(reply, count);
  };
  return core_->SubmitCancellable(core_->encoder().Validate(core_->next_number(), fields, Ms(wait),
                                                            asking == Asking::kOnlyKnown),
                                  TermsOf(deadline_ns, wait),
                                  Decoded<std::vector<Answer>>(std::move(done), decode));
}

void Connection::Decide(const Decision& decision, uint64_t deadline_ns, DecideDone done) {
  Status status = CheckDecision(decision);
  if (status.ok()) status = core_->CheckRoom();
  if (!status.ok()) return done(status);
  const RequestEncoder::DecideFields fields{
      .key = decision.key,
      .token = wire::ItemToken(decision.token.lease, decision.token.index),
      .verdict = WireOf(decision.verdict),
      .reason = decision.reason,
      .ttl_ms = static_cast<uint64_t>(decision.ttl.count())};
  core_->Submit(core_->encoder().Decide(core_->next_number(), fields),
                {.deadline_ns = deadline_ns, .is_repeatable = false},
                Decoded<DecideResult>(std::move(done), DecideResultOf));
}

void Connection::ListLeases(std::string_view prefix, uint64_t deadline_ns, LeasesDone done) {
  ListLeasesAfter(std::string(prefix), deadline_ns, std::make_shared<std::vector<LeaseInfo>>(),
                  std::move(done));
}

void Connection::ListLeasesAfter(std::string prefix, uint64_t deadline_ns,
                                 std::shared_ptr<std::vector<LeaseInfo>> found, LeasesDone done) {
  if (const Status room = core_->CheckRoom(); !room.ok()) return done(room);
  const uint64_t after = found->empty() ? 0 : found->back().token;
  const Bytes bytes = core_->encoder().ListLeases(core_->next_number(), prefix, after, kListPage);
  core_->Submit(
      bytes, {.deadline_ns = deadline_ns},
      [this, prefix, deadline_ns, found, done](const Status& status, const wire::Reply* reply) {
        if (!status.ok()) return done(status);
        bool more = false;
        if (const Status added = AddLeases(*reply, found.get(), &more); !added.ok()) {
          return done(added);
        }
        if (more) return ListLeasesAfter(prefix, deadline_ns, found, done);
        done(std::move(*found));
      });
}

void Connection::ListGroups(std::string_view prefix, uint64_t deadline_ns, GroupsDone done) {
  ListGroupsAfter(std::string(prefix), deadline_ns, std::make_shared<std::vector<GroupInfo>>(),
                  std::move(done));
}

void Connection::ListGroupsAfter(std::string prefix, uint64_t deadline_ns,
                                 std::shared_ptr<std::vector<GroupInfo>> found, GroupsDone done) {
  if (const Status room = core_->CheckRoom(); !room.ok()) return done(room);
  RequestEncoder::ListGroupsFields fields{.prefix = prefix, .limit = kListPage};
  if (!found->empty()) {
    fields.after_stream = found->back().stream;
    fields.after_group = found->back().group;
  }
  const Bytes bytes = core_->encoder().ListGroups(core_->next_number(), fields);
  core_->Submit(
      bytes, {.deadline_ns = deadline_ns},
      [this, prefix, deadline_ns, found, done](const Status& status, const wire::Reply* reply) {
        if (!status.ok()) return done(status);
        bool more = false;
        if (const Status added = AddGroups(*reply, found.get(), &more); !added.ok()) {
          return done(added);
        }
        if (more) return ListGroupsAfter(prefix, deadline_ns, found, done);
        done(std::move(*found));
      });
}

void Connection::Cancel(uint64_t request) { core_->Cancel(request); }
void Connection::NoteActivity() { core_->NoteActivity(); }

OwnWork& Connection::own_work() { return core_->own_work(); }
std::vector<EndedLease> Connection::TakeEndedLeases() { return core_->claims().TakeEnded(); }

}  // namespace roost
