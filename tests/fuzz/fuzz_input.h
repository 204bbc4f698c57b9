// The bytes of one try, taken apart piece by piece. Where they are used up there are zeros and empty texts, so any
// input is a whole one, and one that was cut says the same at its beginning. A view; one thread.
#ifndef ROOST_TESTS_FUZZ_FUZZ_INPUT_H_
#define ROOST_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace roost {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  template <typename T>
  T Take() {
    T value{};
    const std::string_view bytes = Bytes(sizeof(value));
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  uint8_t Byte() { return Take<uint8_t>(); }
  // REQUIRES: 0 < bound <= 256.
  uint32_t Below(size_t bound) { return static_cast<uint32_t>(Byte() % bound); }
  bool Flag() { return (Byte() & 1) != 0; }

  // At most so many bytes.
  std::string_view Bytes(size_t size) {
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  // A byte of length, then so many bytes.
  std::string_view Text() { return Bytes(Byte()); }

 private:
  std::string_view rest_;
};

// Changes up to three bytes, as the input says.
inline void Damage(FuzzInput* input, std::span<std::byte> bytes) {
  const size_t changes = input->Below(4);
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
    const size_t place = input->Take<uint16_t>() % bytes.size();
    bytes[place] = static_cast<std::byte>(input->Byte());
  }
}

}  // namespace roost

#endif  // ROOST_TESTS_FUZZ_FUZZ_INPUT_H_
