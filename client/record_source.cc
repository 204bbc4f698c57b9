#include "client/record_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "client/link_preload.h"

namespace roost {

RecordSource::RecordSource(const RingReader* ring, SegmentCache* segments)
    : ring_(ring), segments_(segments) {}

void RecordSource::Begin(uint64_t head, Order order) {
  head_ = head;
  order_ = order;
  places_count_ = 0;
  header_position_ = UINT64_MAX;
  hot_sequence_ = ring_ != nullptr ? ring_->oldest() : UINT64_MAX;
  hot_position_ = ring_ != nullptr ? ring_->reclaimed() : UINT64_MAX;
  overtaken_ = false;
  gone_before_ = 0;
  gone_position_ = 0;
  oldest_ = 0;
  needed_sequence_ = 0;
  needed_position_ = 0;
  fetches_ = 0;
  status_ = Status();
  // What an open segment's buffer holds may be older than `head`.
  segments_->ReleaseOpen();
}

bool RecordSource::RingIsAll() const {
  return ring_ != nullptr && ring_->layout().durability == Durability::kMemory;
}

bool RecordSource::IsCold(uint64_t position) const {
  return ring_ == nullptr || position < ring_->reclaimed();
}

void RecordSource::Preload(const RecordHeader& newest, uint64_t count) const {
  if (ring_ != nullptr) PreloadLinks(*ring_, newest, count);
}

bool RecordSource::IsHot(uint64_t sequence) const {
  RecordHeader header;
  uint64_t position;
  return ring_ != nullptr &&
         ring_->ReadHeader(sequence, &header, &position) == RingReader::Outcome::kEvent;
}

ReadStep RecordSource::HeaderOf(uint64_t sequence, RecordHeader* header, uint64_t* position) {
  if (ring_ != nullptr && (RingIsAll() || sequence >= ring_->oldest())) {
    const RingReader::Outcome outcome = ring_->ReadHeader(sequence, header, position);
    if (outcome == RingReader::Outcome::kEvent) return ReadStep::kOk;
    if (outcome != RingReader::Outcome::kOverrun) return RingTrouble(outcome, *position);
  }
  if (sequence >= hot_sequence_) overtaken_ = true;
  if (RingIsAll()) {
    oldest_ = std::max(ring_->oldest(), sequence + 1);
    return ReadStep::kGone;
  }
  if (sequence < gone_before_) return ReadStep::kGone;
  return ColdHeaderOf(sequence, header, position);
}

ReadStep RecordSource::HeaderAt(uint64_t position, RecordHeader* header) {
  if (ring_ != nullptr) {
    const RingReader::Outcome outcome = ring_->ReadHeaderAt(position, header);
    if (outcome == RingReader::Outcome::kEvent) return ReadStep::kOk;
    if (outcome != RingReader::Outcome::kOverrun) return RingTrouble(outcome, position);
    if (position >= hot_position_) overtaken_ = true;
  }
  if (RingIsAll() || position <= gone_position_) return Overrun();
  SegmentCache::Entry* entry = segments_->FindByPosition(position);
  if (entry == nullptr) return NeedPosition(position);
  const SegmentReader::Outcome outcome = entry->reader.ReadHeaderAt(position, header);
  if (outcome != SegmentReader::Outcome::kRecord) return SegmentTrouble(entry, outcome, 0, position);
  header_ = *header;
  header_position_ = position;
  return ReadStep::kOk;
}

ReadStep RecordSource::RecordAt(uint64_t position, std::vector<std::byte>* out) {
  // The ring had not got what a segment gave the header of.
  const bool has_header = position == header_position_;
  if (ring_ != nullptr && !has_header) {
    const RingReader::Outcome outcome = ring_->ReadRecordAt(position, out);
    if (outcome == RingReader::Outcome::kEvent) return ReadStep::kOk;
    if (outcome != RingReader::Outcome::kOverrun) return RingTrouble(outcome, position);
    if (position >= hot_position_) overtaken_ = true;
  }
  if (RingIsAll() || position <= gone_position_) return Overrun();
  SegmentCache::Entry* entry = segments_->FindByPosition(position);
  if (entry == nullptr) return NeedPosition(position);
  SegmentReader& reader = entry->reader;
  const SegmentReader::Outcome outcome =
      has_header ? reader.ReadRecordAt(position, header_, out) : reader.ReadRecordAt(position, out);
  if (outcome == SegmentReader::Outcome::kRecord) return ReadStep::kOk;
  return SegmentTrouble(entry, outcome, 0, position);
}

uint64_t RecordSource::oldest() const {
  return oldest_ != 0 || ring_ == nullptr ? oldest_ : ring_->log_oldest();
}

ReadStep RecordSource::Overrun() {
  if (RingIsAll()) oldest_ = ring_->oldest();
  return ReadStep::kGone;
}

ReadStep RecordSource::RingTrouble(RingReader::Outcome outcome, uint64_t position) {
  return Fail(StatusCode::kCorruption,
              fmt::format("the ring is damaged at position {} ({}); restart the broker", position,
                          outcome == RingReader::Outcome::kNotYet ? "its head went back"
                                                                  : "no record can be like this"));
}

ReadStep RecordSource::NeedSequence(uint64_t sequence) { return Need(sequence, 0); }
ReadStep RecordSource::NeedPosition(uint64_t position) { return Need(0, position); }

ReadStep RecordSource::Need(uint64_t sequence, uint64_t position) {
  const bool again = sequence == needed_sequence_ && position == needed_position_;
  fetches_ = again ? fetches_ + 1 : 1;
  needed_sequence_ = sequence;
  needed_position_ = position;
  if (fetches_ <= kFetchesMax) return ReadStep::kNeedsSegment;
  return Fail(StatusCode::kCorruption,
              sequence != 0
                  ? fmt::format("event {} is not in the segment that should have it", sequence)
                  : fmt::format("no event is at position {} of the journal", position));
}

void RecordSource::MarkGone(uint64_t oldest) {
  if (needed_position_ != 0) {
    gone_position_ = std::max(gone_position_, needed_position_);
  } else {
    // Whoever says that something older than it is gone must not make us ask for ever.
    oldest = std::max(oldest, needed_sequence_ + 1);
  }
  gone_before_ = std::max(gone_before_, oldest);
  oldest_ = gone_before_;
}

ReadStep RecordSource::Fail(StatusCode code, std::string message) {
  status_ = Status(code, std::move(message));
  return ReadStep::kFailed;
}

// A segment that ends before what it should have was closed since it was opened, unless it is closed
// already; one that retention took may have a successor that is asked for by the same words.
ReadStep RecordSource::SegmentTrouble(SegmentCache::Entry* entry, SegmentReader::Outcome outcome,
                                      uint64_t sequence, uint64_t position) {
  if (outcome == SegmentReader::Outcome::kError) {
    return Fail(StatusCode::kIoError, entry->reader.status().message());
  }
  const bool closed = entry->last_sequence != 0;
  if (closed && outcome == SegmentReader::Outcome::kDamaged) {
    return Fail(StatusCode::kCorruption, entry->reader.status().message());
  }
  const bool just_closed = !closed && entry->TakeFooter();
  if (!just_closed || outcome == SegmentReader::Outcome::kGone) segments_->Drop(entry);
  return Need(sequence, position);
}

ReadStep RecordSource::ColdHeaderOf(uint64_t sequence, RecordHeader* header, uint64_t* position) {
  SegmentCache::Entry* entry = segments_->FindBySequence(sequence);
  if (entry == nullptr) return NeedSequence(sequence);
  if (entry->salvage != nullptr) {
    lost_ = entry->salvage->LossOf(sequence);
    if (lost_ != nullptr) return ReadStep::kLost;
  }
  const uint64_t known = KnownPlace(sequence);
  const bool inside = known >= entry->reader.base_position() &&
                      (entry->end_position == 0 || known < entry->end_position);
  // Between two events that are there may be damage that took none.
  const bool is_anchor =
      entry->salvage != nullptr && entry->salvage->AnchorOf(sequence).sequence == sequence;
  if (!inside || is_anchor) {
    const ReadStep step = FindPlaces(entry, sequence);
    if (step != ReadStep::kOk) return step;
  }
  *position = KnownPlace(sequence);
  const ReadStep step = NextEvent(entry, sequence, position, header);
  if (step != ReadStep::kOk) return step;
  header_ = *header;
  header_position_ = *position;
  if (order_ == Order::kOldestFirst) {
    places_first_ = sequence;
    places_count_ = 2;
    places_[0] = *position;
    places_[1] = *position + header->size;
  }
  return ReadStep::kOk;
}

uint64_t RecordSource::KnownPlace(uint64_t sequence) const {
  const bool known = sequence >= places_first_ && sequence - places_first_ < places_count_;
  return known ? places_[sequence - places_first_] : 0;
}

ReadStep RecordSource::FindPlaces(SegmentCache::Entry* entry, uint64_t sequence) {
  SegmentReader& reader = entry->reader;
  const IndexEntry anchor = entry->salvage != nullptr
                                ? entry->salvage->AnchorOf(sequence)
                                : IndexEntry{entry->anchor_sequence, entry->anchor_position};
  const bool anchored =
      anchor.sequence != 0 && (entry->salvage != nullptr || entry->last_sequence == 0);
  if (anchored && anchor.sequence > sequence) {
    // An open segment has no index: from its beginning it would be a long walk, so ask for a nearer place.
    segments_->Drop(entry);
    return NeedSequence(sequence);
  }
  uint64_t first = sequence;
  if (order_ == Order::kNewestFirst) {
    const uint64_t base = reader.base_sequence();
    first = base + (sequence - base) / kPlacesMax * kPlacesMax;
    if (anchored) first = std::max(first, anchor.sequence);
    if (sequence - first >= kPlacesMax) first = sequence;
  }
  const Result<uint64_t> found = reader.FindSequence(first, anchored ? anchor.position : 0);
  if (!found.ok()) {
    switch (found.status().code()) {
      case StatusCode::kNotFound:
        return SegmentTrouble(entry, SegmentReader::Outcome::kEnd, sequence, 0);
      case StatusCode::kGone:
        return SegmentTrouble(entry, SegmentReader::Outcome::kGone, sequence, 0);
      case StatusCode::kCorruption:
        if (entry->last_sequence == 0) {
          return SegmentTrouble(entry, SegmentReader::Outcome::kDamaged, sequence, 0);
        }
        [[fallthrough]];
      default:
        return Fail(found.status().code(), found.status().message());
    }
  }
  uint64_t position = *found;
  places_first_ = first;
  places_count_ = 0;
  for (uint64_t s = first; s <= sequence; ++s) {
    RecordHeader header;
    const ReadStep step = NextEvent(entry, s, &position, &header);
    if (step != ReadStep::kOk) return step;
    places_[places_count_++] = position;
    position += header.size;
  }
  return ReadStep::kOk;
}

// Passes over what is no event, to event `sequence` which must come next.
ReadStep RecordSource::NextEvent(SegmentCache::Entry* entry, uint64_t sequence, uint64_t* position,
                                 RecordHeader* header) {
  while (true) {
    if (entry->end_position != 0 && *position >= entry->end_position) {
      return SegmentTrouble(entry, SegmentReader::Outcome::kEnd, sequence, 0);
    }
    const SegmentReader::Outcome outcome = entry->reader.ReadHeaderAt(*position, header);
    if (outcome != SegmentReader::Outcome::kRecord) {
      return SegmentTrouble(entry, outcome, sequence, 0);
    }
    if (header->kind == RecordKind::kEvent) break;
    *position += header->size;
  }
  if (header->sequence == sequence) return ReadStep::kOk;
  if (entry->last_sequence == 0) {
    return SegmentTrouble(entry, SegmentReader::Outcome::kDamaged, sequence, 0);
  }
  return Fail(StatusCode::kCorruption,
              fmt::format("{}: at position {} is event {} where {} should be", entry->reader.name(),
                          *position, header->sequence, sequence));
}

}  // namespace roost
