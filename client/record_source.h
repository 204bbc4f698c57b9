// Records by sequence and by position, from the ring while it has them and from segments of the journal
// behind it: where the two meet is nobody else's business.
//
// One thread. Never blocks: a segment that is not in the cache is asked for by kNeedsSegment, and the
// same call is made again when it is there.
#ifndef ROOST_CLIENT_RECORD_SOURCE_H_
#define ROOST_CLIENT_RECORD_SOURCE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/status.h"
#include "client/segment_cache.h"
#include "log/ring_reader.h"
#include "roost/read.h"

namespace roost {

enum class ReadStep {
  kOk,
  kNeedsSegment,  // the one with needed_sequence(), or needed_position() if that is not 0
  kGone,          // nowhere any more; oldest() is the oldest event that there is
  kLost,    // damage has taken it and its neighbours: lost(). Where that was looked into alone
  kFailed,  // status() says why
};

class RecordSource {
 public:
  // `ring` may be nullptr. Both outlive the source.
  RecordSource(const RingReader* ring, SegmentCache* segments);

  // For each query: `head` is the newest event that exists for it, and what was said to be gone is
  // forgotten.
  void Begin(uint64_t head, Order order);

  // Of event `sequence`. REQUIRES: 1 <= sequence <= head.
  ReadStep HeaderOf(uint64_t sequence, RecordHeader* header, uint64_t* position);
  // Of the event that a link leads to.
  ReadStep HeaderAt(uint64_t position, RecordHeader* header);
  // Appends the whole record to `out`; on any other step `out` is as before.
  ReadStep RecordAt(uint64_t position, std::vector<std::byte>* out);

  // True if the ring has overwritten what was at `position` (or there is no ring).
  bool IsCold(uint64_t position) const;
  // Makes the `count` events of a stream before `newest` quick to read, as far as the ring has them.
  void Preload(const RecordHeader& newest, uint64_t count) const;
  // True if the ring has event `sequence`.
  bool IsHot(uint64_t sequence) const;

  // The answer to kNeedsSegment when the segment is gone: what was needed and everything before it is
  // kGone from now on.
  void MarkGone(uint64_t oldest);

  // An event that is kGone is older than oldest().
  void NoteGone(uint64_t sequence) { oldest_ = std::max(oldest(), sequence + 1); }

  uint64_t needed_sequence() const { return needed_sequence_; }
  uint64_t needed_position() const { return needed_position_; }
  uint64_t oldest() const;
  // Whether the ring lost something since Begin() that was to be read: it went on, or gave up, without the ring.
  bool overtaken() const { return overtaken_; }
  // For who has only tried whether there is something to be read.
  void SetOvertaken(bool overtaken) { overtaken_ = overtaken; }
  const LostStretch& lost() const { return *lost_; }
  const Status& status() const { return status_; }

  // Remembers why the caller cannot go on with what it got.
  ReadStep Fail(StatusCode code, std::string message);

 private:
  // As many events as one index entry of a segment stands for: going backwards, so many places are
  // found at once.
  static constexpr size_t kPlacesMax = kIndexStride;
  static constexpr int kFetchesMax = 3;

  bool RingIsAll() const;  // there is no journal
  ReadStep Overrun();
  ReadStep RingTrouble(RingReader::Outcome outcome, uint64_t position);
  ReadStep NeedSequence(uint64_t sequence);
  ReadStep NeedPosition(uint64_t position);
  ReadStep Need(uint64_t sequence, uint64_t position);
  ReadStep SegmentTrouble(SegmentCache::Entry* entry, SegmentReader::Outcome outcome,
                          uint64_t sequence, uint64_t position);

  ReadStep ColdHeaderOf(uint64_t sequence, RecordHeader* header, uint64_t* position);
  // 0: not known yet.
  uint64_t KnownPlace(uint64_t sequence) const;
  ReadStep FindPlaces(SegmentCache::Entry* entry, uint64_t sequence);
  ReadStep NextEvent(SegmentCache::Entry* entry, uint64_t sequence, uint64_t* position,
                     RecordHeader* header);

  const RingReader* ring_;
  SegmentCache* segments_;
  Order order_ = Order::kOldestFirst;
  uint64_t head_ = 0;

  // Where events [places_first_, places_first_ + places_count_) of some segment are.
  uint64_t places_first_ = 0;
  size_t places_count_ = 0;
  std::array<uint64_t, kPlacesMax> places_{};

  // The header that was read last from a segment, and where: mostly its record is wanted next.
  uint64_t header_position_ = UINT64_MAX;
  RecordHeader header_{};

  uint64_t hot_sequence_ = 0;  // what the ring had when the query began, from here on,
  uint64_t hot_position_ = 0;  // and from here on
  bool overtaken_ = false;

  uint64_t gone_before_ = 0;    // sequence
  uint64_t gone_position_ = 0;  // and everything before it
  uint64_t oldest_ = 0;
  const LostStretch* lost_ = nullptr;
  uint64_t needed_sequence_ = 0;
  uint64_t needed_position_ = 0;
  int fetches_ = 0;  // of the same segment without having found in it what was wanted
  Status status_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_RECORD_SOURCE_H_
