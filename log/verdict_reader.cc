#include "log/verdict_reader.h"

#include <cstring>

#include "base/bytes.h"

namespace roost {
namespace {

constexpr uint8_t kVerdictLast = 3;  // roost.wire.Verdict has 1 to 3 besides Undecided

uint64_t LoadGeneration(const std::byte* at, std::memory_order order) {
  // atomic_ref takes no const object before C++26; nothing is written.
  auto* word = const_cast<uint64_t*>(reinterpret_cast<const uint64_t*>(at));
  return std::atomic_ref<uint64_t>(*word).load(order);
}

// Steps 2 to 5. False: pass it by.
bool CopyEntry(const std::byte* at, const uint8_t* key, uint64_t policy, uint32_t uid,
               VerdictEntry* entry) {
  const uint64_t generation = LoadGeneration(at, std::memory_order_acquire);  // step 2
  if (generation == 0 || generation % 2 != 0) return false;
  auto* const copy = reinterpret_cast<std::byte*>(entry);
  constexpr size_t kFixed = offsetof(VerdictEntry, by);
  CopyWordsFromShared(copy, at, kFixed);  // step 3
  if (std::memcmp(entry->key, key, kVerdictKeyBytes) != 0 || entry->policy_version != policy ||
      (entry->uid != uid && entry->uid != kVerdictAnyUid)) {
    return false;
  }
  CopyWordsFromShared(copy + kFixed, at + kFixed, sizeof(VerdictEntry) - kFixed);  // step 4
  std::atomic_thread_fence(std::memory_order_acquire);
  return LoadGeneration(at, std::memory_order_relaxed) == generation;  // step 5
}

}  // namespace

std::optional<PublishedVerdict> VerdictReader::Find(const uint8_t* key, uint32_t uid,
                                                    uint64_t now_ns) const {
  const uint64_t policy = policy_version();
  const uint64_t first = VerdictBucket(key, region_.slots);
  for (uint64_t slot = first; slot < first + kVerdictBucketSlots; ++slot) {
    VerdictEntry entry;
    if (!CopyEntry(region_.entries + slot * sizeof(VerdictEntry), key, policy, uid, &entry)) {
      continue;
    }
    // Step 6.
    if (entry.by_length > kVerdictByBytesMax || entry.reason_length > kVerdictReasonBytesMax ||
        entry.verdict == 0 || entry.verdict > kVerdictLast || now_ns >= entry.expires_ns) {
      continue;
    }
    PublishedVerdict found;
    std::memcpy(found.key.data(), entry.key, kVerdictKeyBytes);
    found.policy_version = entry.policy_version;
    found.expires_ns = entry.expires_ns;
    found.decided_ns = entry.decided_ns;
    found.sequence = entry.sequence;
    found.uid = entry.uid;
    found.verdict = entry.verdict;
    found.by.assign(entry.by, entry.by_length);
    found.reason.assign(entry.reason, entry.reason_length);
    return found;
  }
  return std::nullopt;
}

}  // namespace roost
