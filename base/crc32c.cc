#include "base/crc32c.h"

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
// One instruction waits three cycles for the one before it, and three streams of them need no longer than one: a block is
// three lanes side by side, whose sums are then put together. A sum moves past n bytes when it is multiplied by x^(8n), and
// that is what a carry-less product and the instruction itself do (the method of Gopal, Ozturk and others, "Fast CRC
// Computation for iSCSI Polynomial Using CRC32 Instruction", Intel 2011).
constexpr size_t kLane = 64;

// What to multiply with to move past `bytes`: the product in bits turned round is one power of x too small, and the
// instruction takes 32 more.
consteval uint64_t PastBytes(size_t bytes) {
  uint32_t power = 0x80000000u;  // x^0
  for (size_t i = 0; i < 8 * bytes - 33; ++i) power = TimesX(power);
  return power;
}

constexpr uint64_t kPastOneLane = PastBytes(kLane);
constexpr uint64_t kPastTwoLanes = PastBytes(2 * kLane);

__attribute__((target("sse4.2,pclmul"))) uint64_t MovePast(uint64_t value, uint64_t past) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(value)),
                                               _mm_cvtsi64_si128(static_cast<int64_t>(past)), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

__attribute__((target("sse4.2,pclmul"))) uint32_t Crc32cHardware(uint32_t crc, Bytes bytes) {
  const std::byte* data = bytes.data();
  size_t size = bytes.size();
  const auto word = [&data](size_t offset) {
    uint64_t value;
    std::memcpy(&value, data + offset, sizeof(value));
    return value;
  };
  uint64_t value = ~crc;
  for (; size >= 3 * kLane; size -= 3 * kLane, data += 3 * kLane) {
    uint64_t second = 0;
    uint64_t third = 0;
#pragma GCC unroll 8
    for (size_t offset = 0; offset < kLane; offset += 8) {
      value = _mm_crc32_u64(value, word(offset));
      second = _mm_crc32_u64(second, word(kLane + offset));
      third = _mm_crc32_u64(third, word(2 * kLane + offset));
    }
    value = MovePast(value, kPastTwoLanes) ^ MovePast(second, kPastOneLane) ^ third;
  }
  for (; size >= 32; size -= 32, data += 32) {
    value = _mm_crc32_u64(value, word(0));
    value = _mm_crc32_u64(value, word(8));
    value = _mm_crc32_u64(value, word(16));
    value = _mm_crc32_u64(value, word(24));
  }
  for (; size >= 8; size -= 8, data += 8) value = _mm_crc32_u64(value, word(0));
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
