#include "broker/leases/key_index.h"

#include <algorithm>

#include "base/check.h"

namespace roost {

KeyIndex::Keys& KeyIndex::KeysFor(std::string_view key) {
  if (!IsGlob(key)) return literals_;
  const std::string_view prefix = LiteralPrefix(key);
  const auto found = globs_.find(prefix);
  if (found != globs_.end()) return found->second;
  ++prefixes_by_length_[prefix.size()];
  return globs_[std::string(prefix)];
}

void KeyIndex::Add(std::string_view key, uint64_t owner) {
  std::vector<uint64_t>& owners = KeysFor(key)[std::string(key)];
  const auto place = std::ranges::lower_bound(owners, owner);
  ROOST_CHECK(place == owners.end() || *place != owner, "owner={}", owner);
  owners.insert(place, owner);
  ++size_;
}

void KeyIndex::Remove(std::string_view key, uint64_t owner) {
  Keys& keys = KeysFor(key);
  const auto found = keys.find(key);
  ROOST_CHECK(found != keys.end(), "owner={}", owner);
  std::vector<uint64_t>& owners = found->second;
  const auto place = std::ranges::lower_bound(owners, owner);
  ROOST_CHECK(place != owners.end() && *place == owner, "owner={}", owner);
  owners.erase(place);
  --size_;
  if (!owners.empty()) return;
  keys.erase(found);
  if (&keys == &literals_ || !keys.empty()) return;
  const auto group = globs_.find(LiteralPrefix(key));
  --prefixes_by_length_[group->first.size()];
  globs_.erase(group);
}

const std::vector<uint64_t>& KeyIndex::OwnersOf(std::string_view key) const {
  static const std::vector<uint64_t> kNobody;
  const Keys* keys = &literals_;
  if (IsGlob(key)) {
    const auto group = globs_.find(LiteralPrefix(key));
    if (group == globs_.end()) return kNobody;
    keys = &group->second;
  }
  const auto found = keys->find(key);
  return found == keys->end() ? kNobody : found->second;
}

bool KeyIndex::VisitAll(const Keys& keys, std::string_view key, MatchBudget* budget,
                        const Visit& visit) {
  for (const auto& [text, owners] : keys) {
    const bool overlap = KeysOverlap(text, key, budget);
    if (budget->exhausted() || (overlap && !visit(text, owners))) return false;
  }
  return true;
}

// Globs whose beginning is one of the key's, shorter than `length_end`.
bool KeyIndex::VisitGlobsBefore(std::string_view key, size_t length_end, MatchBudget* budget,
                                const Visit& visit) const {
  for (size_t length = 0; length < length_end; ++length) {
    if (prefixes_by_length_[length] == 0) continue;
    budget->Spend(1);
    const auto group = globs_.find(key.substr(0, length));
    if (group != globs_.end() && !VisitAll(group->second, key, budget, visit)) return false;
  }
  return true;
}

void KeyIndex::ForEachOverlap(std::string_view key, MatchBudget* budget, const Visit& visit) const {
  budget->Spend(1);
  if (budget->exhausted()) return;
  if (!IsGlob(key)) {
    const std::vector<uint64_t>& owners = OwnersOf(key);
    if (!owners.empty() && !visit(key, owners)) return;
    VisitGlobsBefore(key, key.size() + 1, budget, visit);
    return;
  }
  const std::string_view prefix = LiteralPrefix(key);
  if (!VisitGlobsBefore(key, prefix.size(), budget, visit)) return;
  for (auto group = globs_.lower_bound(prefix);
       group != globs_.end() && group->first.starts_with(prefix); ++group) {
    if (!VisitAll(group->second, key, budget, visit)) return;
  }
  for (auto literal = literals_.lower_bound(prefix);
       literal != literals_.end() && literal->first.starts_with(prefix); ++literal) {
    const bool overlap = KeysOverlap(literal->first, key, budget);
    if (budget->exhausted() || (overlap && !visit(literal->first, literal->second))) return;
  }
}

}  // namespace roost
