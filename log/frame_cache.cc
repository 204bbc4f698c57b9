#include "log/frame_cache.h"

#include <zstd.h>

#include <algorithm>

namespace roost {

const std::vector<std::byte>* FrameCache::Find(uint64_t position) {
  const auto found = std::find_if(frames_.begin(), frames_.end(), [position](const Frame& frame) {
    return frame.position == position;
  });
  if (found == frames_.end()) return nullptr;
  found->last_use = ++uses_;
  return &found->bytes;
}

std::vector<std::byte>* FrameCache::Make(size_t bytes) {
  if (frames_.size() < frames_max_) {
    frames_.emplace_back();
    made_ = frames_.size() - 1;
  } else {
    const auto oldest =
        std::min_element(frames_.begin(), frames_.end(),
                         [](const Frame& a, const Frame& b) { return a.last_use < b.last_use; });
    made_ = static_cast<size_t>(oldest - frames_.begin());
  }
  frames_[made_].position = 0;
  frames_[made_].last_use = 0;
  frames_[made_].bytes.resize(bytes);
  return &frames_[made_].bytes;
}

const std::vector<std::byte>* FrameCache::Keep(uint64_t position) {
  frames_[made_].position = position;
  frames_[made_].last_use = ++uses_;
  return &frames_[made_].bytes;
}

ZSTD_DCtx_s* FrameCache::Unpacker() {
  if (unpacker_ == nullptr) unpacker_.reset(::ZSTD_createDCtx());
  return unpacker_.get();
}

void FrameCache::FreeUnpacker::operator()(ZSTD_DCtx_s* unpacker) const {
  ::ZSTD_freeDCtx(unpacker);
}

void FrameCache::Clear() {
  frames_ = std::vector<Frame>();  // {} would keep its memory
  unpacker_.reset();
}

}  // namespace roost
