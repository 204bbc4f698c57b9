#include "base/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace roost {
namespace {

// Of a polynomial whose bits are turned round, modulo Castagnoli's.
constexpr uint32_t TimesX(uint32_t value) { return (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0); }

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = TimesX(value);
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = MakeTable();

#if defined(__x86_64__)
// One instruction waits three cycles for the one before it, and three streams of them need no longer than one: what there
// is becomes three lanes side by side, whose sums are then put together. A sum moves past n bytes when it is multiplied by
// x^(8n), and that is what a carry-less product and the instruction itself do (the method of Gopal, Ozturk and others, "Fast
// CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel 2011). Lanes are as long as they can be, so that most
// of what is summed here is put together once.
constexpr size_t kWord = sizeof(uint64_t);
constexpr size_t kLaneWordsMin = 4;  // shorter ones cost more than they save
constexpr size_t kLaneWordsMax = 128;

// What to multiply with to move past so many words: the product in bits turned round is one power of x too small, and the
// instruction takes 32 more.
consteval std::array<uint64_t, 2 * kLaneWordsMax + 1> MakePastWords() {
  std::array<uint64_t, 2 * kLaneWordsMax + 1> past{};
  uint32_t power = 0x80000000u;  // x^0
  size_t exponent = 0;
  for (size_t words = 1; words < past.size(); ++words) {
    for (; exponent < 64 * words - 33; ++exponent) power = TimesX(power);
    past[words] = power;
  }
  return past;
}
constexpr auto kPastWords = MakePastWords();

__attribute__((target("sse4.2,pclmul"))) inline uint64_t MovePast(uint64_t value, uint64_t past) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(value)),
                                               _mm_cvtsi64_si128(static_cast<int64_t>(past)), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

__attribute__((target("sse4.2,pclmul"))) uint32_t Crc32cHardware(uint32_t crc, Bytes bytes) {
  const std::byte* data = bytes.data();
  size_t size = bytes.size();
  const auto word_at = [](const std::byte* place) {
    uint64_t value;
    std::memcpy(&value, place, sizeof(value));
    return value;
  };
  uint64_t value = ~crc;
  while (size >= 3 * kWord * kLaneWordsMin) {
    const size_t lane_words = std::min(size / (3 * kWord), kLaneWordsMax);
    const size_t lane = lane_words * kWord;
    uint64_t second = 0;
    uint64_t third = 0;
    for (const std::byte* const end = data + lane; data != end; data += kWord) {
      value = _mm_crc32_u64(value, word_at(data));
      second = _mm_crc32_u64(second, word_at(data + lane));
      third = _mm_crc32_u64(third, word_at(data + 2 * lane));
    }
    value = MovePast(value, kPastWords[2 * lane_words]) ^ MovePast(second, kPastWords[lane_words]) ^ third;
    data += 2 * lane;
    size -= 3 * lane;
  }
  for (; size >= 8; size -= 8, data += 8) value = _mm_crc32_u64(value, word_at(data));
  auto narrow = static_cast<uint32_t>(value);
  if (size >= 4) {
    uint32_t half;
    std::memcpy(&half, data, sizeof(half));
    narrow = _mm_crc32_u32(narrow, half);
    size -= 4, data += 4;
  }
  for (; size > 0; --size, ++data) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(*data));
  return ~narrow;
}
bool HardwareHasCrc32c() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0;
  return has;
}
#elif defined(__ARM_FEATURE_CRC32)
uint32_t Crc32cHardware(uint32_t crc, Bytes bytes) {
  const std::byte* data = bytes.data();
  size_t size = bytes.size();
  uint32_t value = ~crc;
  for (; size >= 8; size -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof(word));
    value = __crc32cd(value, word);
  }
  for (; size > 0; --size, ++data) value = __crc32cb(value, static_cast<uint8_t>(*data));
  return ~value;
}
constexpr bool HardwareHasCrc32c() { return true; }
#else
uint32_t Crc32cHardware(uint32_t crc, Bytes bytes) { return Crc32cPortable(crc, bytes); }
constexpr bool HardwareHasCrc32c() { return false; }
#endif

}  // namespace

uint32_t Crc32cPortable(uint32_t crc, Bytes bytes) {
  uint32_t value = ~crc;
  for (const std::byte b : bytes) {
    value = (value >> 8) ^ kTable[(value ^ static_cast<uint32_t>(b)) & 0xFF];
  }
  return ~value;
}

uint32_t Crc32c(uint32_t crc, Bytes bytes) {
  return HardwareHasCrc32c() ? Crc32cHardware(crc, bytes) : Crc32cPortable(crc, bytes);
}

}  // namespace roost
