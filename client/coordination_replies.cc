#include "client/coordination_replies.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "schemas/text.h"

namespace roost {
namespace {

// What one list may have; a broker that never comes to an end does not fill our memory.
constexpr size_t kListedMax = 100'000;

Status Wrong(const char* what) {
  return {StatusCode::kCorruption, fmt::format("the broker answered {} with something else", what)};
}

std::vector<std::string> TextsOf(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& texts) {
  std::vector<std::string> all;
  all.reserve(texts.size());
  for (const flatbuffers::String* text : texts) all.push_back(text->str());
  return all;
}

Status CheckListed(size_t count) {
  if (count <= kListedMax) return {};
  return {StatusCode::kTooLarge,
          fmt::format("there are more than {} of them; ask for those with a prefix", kListedMax)};
}

std::optional<Verdict> VerdictOf(wire::Verdict verdict) {
  switch (verdict) {
    case wire::Verdict::Undecided:
      return Verdict::kUndecided;
    case wire::Verdict::Allow:
      return Verdict::kAllow;
    case wire::Verdict::Deny:
      return Verdict::kDeny;
    case wire::Verdict::Ask:
      return Verdict::kAsk;
  }
  return std::nullopt;
}

// False: no broker says such a thing.
bool TakeAnswer(const wire::Answer& told, Answer* answer) {
  const std::optional<Verdict> verdict = VerdictOf(told.verdict());
  if (!verdict.has_value()) return false;
  answer->verdict = *verdict;
  answer->you_decide = told.you_decide();
  answer->token = told.token();
  answer->reason = CopyOf(told.reason());
  answer->by = CopyOf(told.by());
  answer->decided_ns = told.decided_ns();
  answer->cached = told.cached();
  answer->error = CopyOf(told.error());
  // A question that can't be answered has no key.
  if (told.key() == nullptr || told.key()->size() == 0) return !answer->error.empty();
  if (told.key()->size() != answer->key.size()) return false;
  std::copy(told.key()->begin(), told.key()->end(), answer->key.begin());
  return true;
}

}  // namespace

Result<ClaimResult> ClaimResultOf(const wire::Reply& reply) {
  ClaimResult result;
  if (const wire::Granted* granted = reply.body_as_Granted();
      granted != nullptr && granted->token() != 0) {
    result.granted = true;
    result.token = granted->token();
    result.expires_in_ms = granted->expires_in_ms();
    return result;
  }
  const wire::Held* held = reply.body_as_Held();
  if (held == nullptr) return Wrong("a claim");
  for (const wire::Holder* holder : *held->held()) {
    result.held.push_back({holder->key()->str(), holder->held()->str(), CopyOf(holder->by()),
                           holder->session(), holder->expires_in_ms(), holder->waiting()});
  }
  return result;
}

Result<bool> ReleasedOf(const wire::Reply& reply) {
  const wire::Released* released = reply.body_as_Released();
  if (released == nullptr) return Wrong("a release");
  return released->released();
}

Result<TakeResult> TakeResultOf(const wire::Reply& reply, uint32_t max) {
  const wire::Taken* taken = reply.body_as_Taken();
  if (taken == nullptr) return Wrong("a take");
  TakeResult result;
  result.parked = taken->parked();
  if (taken->lease() == 0 || taken->items() == nullptr) return result;
  if (taken->items()->size() > max) return Wrong("a take");
  uint32_t index = 0;
  for (const wire::TakenItem* item : *taken->items()) {
    result.items.push_back({{taken->lease(), index++}, item->revision(), item->tries()});
  }
  return result;
}

Result<std::vector<bool>> SettledOf(const wire::Reply& reply, size_t tokens) {
  const wire::Settled* settled = reply.body_as_Settled();
  if (settled == nullptr || settled->settled()->size() != tokens) return Wrong("a settle");
  std::vector<bool> result;
  result.reserve(tokens);
  for (const uint8_t one : *settled->settled()) result.push_back(one != 0);
  return result;
}

Result<ParkedPage> ParkedPageOf(const wire::Reply& reply, uint64_t after, uint32_t limit) {
  const wire::Parked* parked = reply.body_as_Parked();
  if (parked == nullptr) return Wrong("a list of parked events");
  ParkedPage page;
  page.more = parked->more();
  uint64_t last = after;
  if (parked->items() != nullptr) {
    if (parked->items()->size() > limit) return Wrong("a list of parked events");
    for (const wire::TakenItem* item : *parked->items()) {
      if (item->revision() <= last) return Wrong("a list of parked events");
      last = item->revision();
      page.items.push_back({{}, item->revision(), item->tries()});
    }
  }
  if (page.more && page.items.empty()) return Wrong("a list of parked events");
  return page;
}

Result<uint64_t> UnparkedOf(const wire::Reply& reply) {
  const wire::Unparked* unparked = reply.body_as_Unparked();
  if (unparked == nullptr) return Wrong("what becomes of parked events");
  return unparked->count();
}

Result<GroupRemoval> GroupRemovalOf(const wire::Reply& reply) {
  const wire::GroupRemoved* removed = reply.body_as_GroupRemoved();
  if (removed == nullptr) return Wrong("what becomes of a group");
  return GroupRemoval{removed->removed(), removed->taken(), removed->waiting(), removed->parked()};
}

Result<std::vector<Answer>> AnswersOf(const wire::Reply& reply, size_t questions) {
  const wire::Validated* validated = reply.body_as_Validated();
  if (validated == nullptr || validated->answers()->size() != questions) return Wrong("a question");
  std::vector<Answer> answers(questions);
  for (size_t i = 0; i < questions; ++i) {
    const auto index = static_cast<flatbuffers::uoffset_t>(i);
    if (!TakeAnswer(*validated->answers()->Get(index), &answers[i])) return Wrong("a question");
  }
  return answers;
}

Result<DecideResult> DecideResultOf(const wire::Reply& reply) {
  const wire::Decided* decided = reply.body_as_Decided();
  if (decided == nullptr) return Wrong("a decision");
  const std::optional<Verdict> verdict = VerdictOf(decided->verdict());
  if (!verdict.has_value()) return Wrong("a decision");
  return DecideResult{decided->recorded(), *verdict, CopyOf(decided->reason())};
}

Status AddLeases(const wire::Reply& reply, std::vector<LeaseInfo>* leases, bool* more) {
  const wire::Leases* told = reply.body_as_Leases();
  if (told == nullptr) return Wrong("a list of claims");
  const size_t before = leases->size();
  *more = told->more();
  if (told->leases() != nullptr) {
    for (const wire::Lease* lease : *told->leases()) {
      if (!leases->empty() && lease->token() <= leases->back().token)
        return Wrong("a list of claims");
      leases->push_back({lease->token(), TextsOf(*lease->keys()), lease->agent()->str(),
                         lease->session(), lease->ttl_ms(), lease->expires_in_ms(),
                         CopyOf(lease->note())});
    }
  }
  if (*more && leases->size() == before) return Wrong("a list of claims");
  return CheckListed(leases->size());
}

Status AddGroups(const wire::Reply& reply, std::vector<GroupInfo>* groups, bool* more) {
  const wire::Groups* told = reply.body_as_Groups();
  if (told == nullptr) return Wrong("a list of groups");
  const size_t before = groups->size();
  *more = told->more();
  if (told->groups() != nullptr) {
    for (const wire::Group* group : *told->groups()) {
      GroupInfo info{group->stream()->str(), group->group()->str(), group->checkpoint(),
                     group->next(),          group->head(),         group->taken(),
                     group->returned(),      group->parked(),       group->consumers(),
                     group->waiting()};
      if (!groups->empty() && std::tie(info.stream, info.group) <=
                                  std::tie(groups->back().stream, groups->back().group)) {
        return Wrong("a list of groups");
      }
      groups->push_back(std::move(info));
    }
  }
  if (*more && groups->size() == before) return Wrong("a list of groups");
  return CheckListed(groups->size());
}

EndedLease EndedLeaseOf(const wire::LeaseEnded& ended) {
  return {ended.token(), TextsOf(*ended.keys()), ended.reason()->str()};
}

}  // namespace roost
