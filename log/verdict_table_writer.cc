#include "log/verdict_table_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace roost {
namespace {

constexpr std::string_view kCut = "...";

// Copies as much as fits, without half a character at the end, and says how much that was.
size_t CopyText(std::string_view text, char* to, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    std::copy(text.begin(), text.end(), to);
    return text.size();
  }
  size_t length = bytes_max - kCut.size();
  while (length > 0 && (static_cast<uint8_t>(text[length]) & 0xc0) == 0x80) --length;
  std::copy_n(text.begin(), length, to);
  std::copy(kCut.begin(), kCut.end(), to + length);
  return length + kCut.size();
}

// What an entry has that its writer needs: it is the only one who changes it.
VerdictEntry FixedPart(const std::byte* at) {
  VerdictEntry entry{};
  CopyWordsFromShared(reinterpret_cast<std::byte*>(&entry), at, offsetof(VerdictEntry, by));
  return entry;
}

}  // namespace

VerdictTableWriter::VerdictTableWriter(const VerdictMemory& memory) : memory_(memory) {
  ROOST_CHECK(std::has_single_bit(memory_.slots) && memory_.slots >= kVerdictBucketSlots,
              "slots={}", memory_.slots);
}

void VerdictTableWriter::SetPolicyVersion(uint64_t version) {
  memory_.policy_version->store(version, std::memory_order_release);
}

uint64_t VerdictTableWriter::ChooseSlot(const PublishedVerdict& verdict, uint64_t now_ns) const {
  const uint64_t first = VerdictBucket(verdict.key.data(), memory_.slots);
  const uint64_t policy = memory_.policy_version->load(std::memory_order_relaxed);
  uint64_t chosen = first;
  uint64_t least = UINT64_MAX;
  for (uint64_t slot = first; slot < first + kVerdictBucketSlots; ++slot) {
    const VerdictEntry entry = FixedPart(memory_.entries + slot * sizeof(VerdictEntry));
    if (entry.generation != 0 && entry.uid == verdict.uid &&
        entry.policy_version == verdict.policy_version &&
        std::memcmp(entry.key, verdict.key.data(), kVerdictKeyBytes) == 0) {
      return slot;
    }
    const bool counts =
        entry.generation != 0 && entry.policy_version == policy && now_ns < entry.expires_ns;
    const uint64_t rank = counts ? entry.sequence : 0;
    if (rank < least) {
      least = rank;
      chosen = slot;
    }
  }
  return chosen;
}

void VerdictTableWriter::Publish(const PublishedVerdict& verdict, uint64_t now_ns) {
  std::byte* const at = memory_.entries + ChooseSlot(verdict, now_ns) * sizeof(VerdictEntry);
  VerdictEntry entry{};
  std::copy(verdict.key.begin(), verdict.key.end(), entry.key);
  entry.policy_version = verdict.policy_version;
  entry.expires_ns = verdict.expires_ns;
  entry.decided_ns = verdict.decided_ns;
  entry.sequence = verdict.sequence;
  entry.uid = verdict.uid;
  entry.verdict = verdict.verdict;
  entry.by_length = static_cast<uint8_t>(CopyText(verdict.by, entry.by, kVerdictByBytesMax));
  entry.reason_length =
      static_cast<uint16_t>(CopyText(verdict.reason, entry.reason, kVerdictReasonBytesMax));

  std::atomic_ref<uint64_t> generation(*reinterpret_cast<uint64_t*>(at));
  const uint64_t before = generation.load(std::memory_order_relaxed);
  generation.store(before + 1, std::memory_order_relaxed);  // step 1
  std::atomic_thread_fence(std::memory_order_release);
  constexpr size_t kBegin = sizeof(entry.generation);
  CopyWordsToShared(at + kBegin, reinterpret_cast<const std::byte*>(&entry) + kBegin,
                    sizeof(entry) - kBegin);                // step 2
  generation.store(before + 2, std::memory_order_release);  // step 3
}

}  // namespace roost
