// Who has which keys: finds, for a key, all others that overlap with it, without comparing it with all.
// Literal keys are in order, so that a glob looks at those that begin like it; globs are under their literal
// beginning, so that a key looks at those whose beginning it shares.
//
// An owner is a number of the user's. Many may have the same key; of one key, owners are kept in the order of their
// numbers. Not bounded by itself. Sequencer thread, and before it starts the thread that recovers.
#ifndef ROOST_BROKER_LEASES_KEY_INDEX_H_
#define ROOST_BROKER_LEASES_KEY_INDEX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/leases/key_pattern.h"

namespace roost {

class KeyIndex {
 public:
  // REQUIRES: it is a key, and the owner does not have it.
  void Add(std::string_view key, uint64_t owner);
  // REQUIRES: the owner has it.
  void Remove(std::string_view key, uint64_t owner);

  // Whoever has exactly this key, in the order of their numbers. Valid until the next change.
  const std::vector<uint64_t>& OwnersOf(std::string_view key) const;

  // Visits the keys that overlap, each with its owners, until `visit` returns false or the budget is
  // exhausted. What it is given is valid until the next change.
  using Visit = std::function<bool(std::string_view key, const std::vector<uint64_t>& owners)>;
  void ForEachOverlap(std::string_view key, MatchBudget* budget, const Visit& visit) const;

  size_t size() const { return size_; }  // keys, counted once for each owner

 private:
  using Keys = std::map<std::string, std::vector<uint64_t>, std::less<>>;

  static bool VisitAll(const Keys& keys, std::string_view key, MatchBudget* budget,
                       const Visit& visit);
  bool VisitGlobsBefore(std::string_view key, size_t length_end, MatchBudget* budget,
                        const Visit& visit) const;
  Keys& KeysFor(std::string_view key);

  Keys literals_;
  std::map<std::string, Keys, std::less<>> globs_;  // by their literal beginning
  std::array<uint32_t, kKeyBytesMax + 1>
      prefixes_by_length_{};  // of globs_, so that few are looked for
  size_t size_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_KEY_INDEX_H_
