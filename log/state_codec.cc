#include "log/state_codec.h"

namespace roost {

void StateWriter::Number(uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<std::byte>(value));
}

void StateWriter::Text(std::string_view text) {
  Number(text.size());
  Raw(AsBytes(text));
}

bool StateReader::Fail() {
  ok_ = false;
  rest_ = {};
  return false;
}

uint64_t StateReader::Number() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) break;
    const auto byte = static_cast<uint64_t>(rest_.front());
    rest_ = rest_.subspan(1);
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  Fail();
  return 0;
}

uint64_t StateReader::Number(uint64_t most) {
  const uint64_t value = Number();
  if (value <= most) return value;
  Fail();
  return 0;
}

size_t StateReader::Count(size_t most) {
  const uint64_t count = Number(most);
  if (count <= rest_.size()) return count;
  Fail();
  return 0;
}

Bytes StateReader::Raw(size_t size) {
  if (size > rest_.size()) {
    Fail();
    return {};
  }
  const Bytes bytes = rest_.first(size);
  rest_ = rest_.subspan(size);
  return bytes;
}

std::string_view StateReader::Text(size_t length_max) { return AsText(Raw(Number(length_max))); }

}  // namespace roost
