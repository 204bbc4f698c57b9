// Frames of compressed segments as they were before, for whoever may look at them again soon. At most
// frames_max of kFrameBytes each; the least recently used goes. Keeps what zstd needs to unpack them, too:
// about 160 KiB. Keeps nothing after Clear().
//
// One thread. May be shared by all readers of one log: a frame is named by its position there.
#ifndef ROOST_LOG_FRAME_CACHE_H_
#define ROOST_LOG_FRAME_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

struct ZSTD_DCtx_s;

namespace roost {

class FrameCache {
 public:
  explicit FrameCache(size_t frames_max) : frames_max_(frames_max) {}

  // The frame that begins at `position`, or nullptr; until the next call of Make or Clear.
  const std::vector<std::byte>* Find(uint64_t position);
  // Room for a frame, which Find does not give out before Keep was called.
  std::vector<std::byte>* Make(size_t bytes);
  // What was made last is the frame that begins at `position`.
  const std::vector<std::byte>* Keep(uint64_t position);
  // nullptr: there is no memory for it.
  ZSTD_DCtx_s* Unpacker();
  void Clear();

 private:
  struct Frame {
    uint64_t position = 0;  // 0: none
    uint64_t last_use = 0;
    std::vector<std::byte> bytes;
  };

  struct FreeUnpacker {
    void operator()(ZSTD_DCtx_s* unpacker) const;
  };

  const size_t frames_max_;
  std::unique_ptr<ZSTD_DCtx_s, FreeUnpacker> unpacker_;
  std::vector<Frame> frames_;
  size_t made_ = 0;
  uint64_t uses_ = 0;
};

}  // namespace roost

#endif  // ROOST_LOG_FRAME_CACHE_H_
