// Spans of bytes, alignment, and copies of memory that another process or thread may be writing.
#ifndef ROOST_BASE_BYTES_H_
#define ROOST_BASE_BYTES_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace roost {

using Bytes = std::span<const std::byte>;

inline Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// `alignment` is a power of two.
constexpr uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
constexpr bool IsAligned(uint64_t value, uint64_t alignment) {
  return (value & (alignment - 1)) == 0;
}

// One word of shared memory, relaxed. `word` is aligned to 8.
inline uint64_t LoadWordRelaxed(const std::byte* word) {
  // atomic_ref takes no const object before C++26; nothing is written.
  auto* value = const_cast<uint64_t*>(reinterpret_cast<const uint64_t*>(word));
  return std::atomic_ref<uint64_t>(*value).load(std::memory_order_relaxed);
}
inline void StoreWordRelaxed(std::byte* word, uint64_t value) {
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(word))
      .store(value, std::memory_order_relaxed);
}

// Calls copy(offset) for each word of `size` bytes. Eight words a step: compilers do not unroll loops over atomics, and half of
// the instructions would be the loop's.
template <typename CopyWord>
[[gnu::always_inline]] inline void ForEachWord(size_t size, CopyWord copy) {
  constexpr size_t kWord = sizeof(uint64_t);
  size_t offset = 0;
  for (; size - offset >= 8 * kWord; offset += 8 * kWord) {
    copy(offset), copy(offset + kWord), copy(offset + 2 * kWord), copy(offset + 3 * kWord);
    copy(offset + 4 * kWord), copy(offset + 5 * kWord), copy(offset + 6 * kWord),
        copy(offset + 7 * kWord);
  }
  for (; offset < size; offset += kWord) copy(offset);
}

// Copies `size` bytes, word by word with relaxed atomics, so that a concurrent writer makes the copy
// useless but not undefined. Both addresses and `size` are multiples of 8.
inline void CopyWordsFromShared(std::byte* to, const std::byte* from, size_t size) {
  ForEachWord(size, [&](size_t offset) {
    const uint64_t word = LoadWordRelaxed(from + offset);
    std::memcpy(to + offset, &word, sizeof(word));
  });
}
inline void CopyWordsToShared(std::byte* to, const std::byte* from, size_t size) {
  ForEachWord(size, [&](size_t offset) {
    uint64_t word;
    std::memcpy(&word, from + offset, sizeof(word));
    StoreWordRelaxed(to + offset, word);
  });
}

static_assert(std::endian::native == std::endian::little, "Roost's formats are little-endian");
static_assert(std::atomic_ref<uint64_t>::is_always_lock_free);

}  // namespace roost

#endif  // ROOST_BASE_BYTES_H_
