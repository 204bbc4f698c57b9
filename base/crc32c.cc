#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace roost {
namespace {

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0);
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = MakeTable();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Crc32cHardware(uint32_t crc, Bytes bytes) {
  const std::byte* data = bytes.data();
  size_t size = bytes.size();
  uint64_t value = ~crc;
  for (; size >= 32; size -= 32, data += 32) {
    uint64_t words[4];
    std::memcpy(words, data, sizeof(words));
    value = _mm_crc32_u64(value, words[0]);
    value = _mm_crc32_u64(value, words[1]);
    value = _mm_crc32_u64(value, words[2]);
    value = _mm_crc32_u64(value, words[3]);
  }
  for (; size >= 8; size -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof(word));
    value = _mm_crc32_u64(value, word);
  }
  auto narrow = static_cast<uint32_t>(value);
  for (; size > 0; --size, ++data) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(*data));
  return ~narrow;
}
bool HardwareHasCrc32c() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
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
