// The segments of the journal that a reader has open: at most kSegmentsMax, the least recently used goes.
// The events of one stream among many lie in as many segments as the page has events, so there is room for
// more than one page needs. One thread.
//
// Memory: a descriptor and about 500 bytes a segment; kFramesMax frames of compressed ones; 4 KiB of buffer for each that was read, and up to
// SegmentReader::kReadAheadBytes for the one that was read last.
#ifndef ROOST_CLIENT_SEGMENT_CACHE_H_
#define ROOST_CLIENT_SEGMENT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "log/segment_reader.h"
#include "log/segment_salvage.h"

namespace roost {

class SegmentCache {
 public:
  static constexpr size_t kSegmentsMax = 64;
  static constexpr size_t kFramesMax = 16;  // of compressed segments, all together

  struct Entry {
    SegmentReader reader;
    uint64_t end_position = 0;     // of a closed segment; 0: open, ends at head
    uint64_t last_sequence = 0;    // of a closed segment; 0: open
    uint64_t anchor_sequence = 0;  // a known place in an open one
    uint64_t anchor_position = 0;
    // Of a segment with damage that was looked into; then the two above it are as of a closed one.
    std::shared_ptr<const SegmentSalvage> salvage = nullptr;
    uint64_t last_use = 0;  // the cache's own

    // Takes over from the reader where the segment ends, if it is closed; true if so.
    bool TakeFooter();
  };

  void Add(Entry entry);
  // The segment that has it, or nullptr: it must be fetched. An open segment counts as having everything
  // from its beginning on; a reader that runs into its end (kEnd before head) drops it and fetches again,
  // since it was closed meanwhile.
  // What is returned lives until the next call of Add, Drop or Clear.
  Entry* FindBySequence(uint64_t sequence);
  Entry* FindByPosition(uint64_t position);
  void Drop(const Entry* entry);
  void Clear();
  // Gives read-ahead buffers back. For whoever is done with old events for now.
  void Release();
  // Only those of open segments, which may have been read before what they hold was final.
  void ReleaseOpen();

 private:
  static constexpr size_t kNone = SIZE_MAX;

  template <typename Base>
  size_t LastBeginningBefore(uint64_t wanted, Base base) const;
  Entry* Use(size_t index);
  // Mostly it is the one that is wanted again.
  Entry* UsedLast() { return used_last_ != kNone ? &entries_[used_last_] : nullptr; }
  void ForgetLastUse();

  std::shared_ptr<FrameCache> frames_ = std::make_shared<FrameCache>(kFramesMax);
  std::vector<Entry> entries_;  // by base sequence, and so by base position
  size_t used_last_ = kNone;
  uint64_t uses_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_SEGMENT_CACHE_H_
