// How tables are put into the sections of a checkpoint: numbers as base-128 varints, texts with their length
// before them. Nothing that is read is trusted: a StateReader that meets what can't be fails once and for all,
// gives zeros from then on, and never allocates more than what is there.
//
// Pure, any thread.
#ifndef ROOST_LOG_STATE_CODEC_H_
#define ROOST_LOG_STATE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace roost {

class StateWriter {
 public:
  void Number(uint64_t value);
  void Flag(bool value) { Number(value ? 1 : 0); }
  void Text(std::string_view text);
  // Without a length: the reader knows it.
  void Raw(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  std::vector<std::byte> Take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class StateReader {
 public:
  explicit StateReader(Bytes bytes) : rest_(bytes) {}

  uint64_t Number();
  // At most `most`, else it fails.
  uint64_t Number(uint64_t most);
  uint32_t Number32() { return static_cast<uint32_t>(Number(UINT32_MAX)); }
  bool Flag() { return Number(1) == 1; }
  // Points into the bytes.
  std::string_view Text(size_t length_max);
  Bytes Raw(size_t size);
  // How many entries follow, of which each takes at least one byte.
  size_t Count(size_t most);

  // What was read makes no sense. Returns false, so that a caller can return it.
  bool Fail();
  bool ok() const { return ok_; }
  // All was read, and it was right.
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  Bytes rest_;
  bool ok_ = true;
};

}  // namespace roost

#endif  // ROOST_LOG_STATE_CODEC_H_
