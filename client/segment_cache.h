// The few segments of the journal that a reader has open: at most kSegmentsMax, the least recently used
// goes. One thread.
#ifndef ROOST_CLIENT_SEGMENT_CACHE_H_
#define ROOST_CLIENT_SEGMENT_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>

#include "base/status.h"
#include "log/segment_reader.h"

namespace roost {

class SegmentCache {
 public:
  static constexpr size_t kSegmentsMax = 4;

  struct Entry {
    SegmentReader reader;
    uint64_t end_position = 0;     // of a closed segment; 0: open, ends at head
    uint64_t last_sequence = 0;    // of a closed segment; 0: open
    uint64_t anchor_sequence = 0;  // a known place in an open one
    uint64_t anchor_position = 0;

    // Takes over from the reader where the segment ends, if it is closed; true if so.
    bool TakeFooter();
  };

  void Add(Entry entry);
  // The segment that has it, or nullptr: it must be fetched. An open segment counts as having everything
  // from its beginning on; a reader that runs into its end (kEnd before head) drops it and fetches again,
  // since it was closed meanwhile.
  Entry* FindBySequence(uint64_t sequence);
  Entry* FindByPosition(uint64_t position);
  void Drop(const Entry* entry);
  void Clear();
  // Gives read-ahead buffers back. For whoever is done with old events for now.
  void Release();
  // Only those of open segments, which may have been read before what they hold was final.
  void ReleaseOpen();

 private:
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace roost

#endif  // ROOST_CLIENT_SEGMENT_CACHE_H_
