#include "log/open_segment.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "log/file_io.h"
#include "log/segment_file.h"

namespace roost {
namespace {

// Events are not smaller than kEventBytesMin, so no more of them fit.
uint64_t IndexCapacity(uint64_t records_bytes) {
  return records_bytes / (kEventBytesMin * kIndexStride) + 1;
}

}  // namespace

OpenSegment::OpenSegment(UniqueFd fd, std::string name, const SegmentHeader& header,
                         uint64_t records_bytes)
    : fd_(std::move(fd)),
      name_(std::move(name)),
      header_(header),
      size_(header.size),
      index_capacity_(IndexCapacity(std::max<uint64_t>(header.size, records_bytes))),
      index_(std::make_unique_for_overwrite<IndexEntry[]>(index_capacity_)),
      entries_(index_.get()),
      end_position_(header.base_position),
      last_sequence_(header.base_sequence - 1) {}

void OpenSegment::Grow(uint64_t size) {
  ROOST_CHECK(!has_events());
  if (IndexCapacity(size) > index_capacity_) {
    index_capacity_ = IndexCapacity(size);
    index_ = std::make_unique_for_overwrite<IndexEntry[]>(index_capacity_);
    // Released with the first entry's count.
    entries_.store(index_.get(), std::memory_order_relaxed);
  }
  size_.store(size, std::memory_order_relaxed);
}

bool OpenSegment::HasRoomFor(uint64_t size) const {
  const uint64_t entries = index_count_.load(std::memory_order_relaxed) + IndexCapacity(size);
  const uint64_t behind =
      kRecordHeaderBytes + kSegmentEndBytes + entries * sizeof(IndexEntry) + sizeof(SegmentFooter);
  // Less than all: closing always cuts something off (WriteFooter).
  return OffsetInSegment(header_, end_position()) + size + behind < this->size();
}

Status OpenSegment::Write(Bytes records, bool* erased) {
  const uint64_t offset = OffsetInSegment(header_, end_position());
  size_t written = 0;
  Status status = WriteAt(fd_.get(), records, offset, name_, &written);
  *erased = true;
  if (!status.ok() && written > 0) {
    *erased = WriteAt(fd_.get(), std::vector<std::byte>(written), offset, name_).ok();
  }
  return status;
}

void OpenSegment::Note(const RecordHeader& record) {
  const uint64_t position = end_position_.load(std::memory_order_relaxed);
  if (record.kind == RecordKind::kEvent) {
    const uint64_t number = record.sequence - header_.base_sequence;
    if (number % kIndexStride == 0) {
      const uint64_t count = index_count_.load(std::memory_order_relaxed);
      ROOST_CHECK(count < index_capacity_ && count == number / kIndexStride, "count={} number={}",
                  count, number);
      index_[count] = {.sequence = record.sequence, .position = position};
      index_count_.store(count + 1, std::memory_order_release);  // before the entry is looked at
    }
    time_ns_min_ = number == 0 ? record.time_ns : std::min(time_ns_min_, record.time_ns);
    time_ns_max_ = std::max(time_ns_max_, record.time_ns);
  }
  last_sequence_.store(record.sequence, std::memory_order_release);
  end_position_.store(position + record.size, std::memory_order_release);
}

std::span<const IndexEntry> OpenSegment::index() const {
  const uint64_t count = index_count_.load(std::memory_order_acquire);
  return {entries_.load(std::memory_order_relaxed), count};
}

IndexEntry OpenSegment::AnchorOfSequence(uint64_t sequence) const {
  const auto entries = index();
  const auto after = std::upper_bound(
      entries.begin(), entries.end(), sequence,
      [](uint64_t value, const IndexEntry& entry) { return value < entry.sequence; });
  if (after == entries.begin()) return {header_.base_sequence, header_.base_position};
  return *(after - 1);
}

IndexEntry OpenSegment::AnchorOfPosition(uint64_t position) const {
  const auto entries = index();
  const auto after = std::upper_bound(
      entries.begin(), entries.end(), position,
      [](uint64_t value, const IndexEntry& entry) { return value < entry.position; });
  if (after == entries.begin()) return {header_.base_sequence, header_.base_position};
  return *(after - 1);
}

Status OpenSegment::Sync() {
  const std::lock_guard lock(sync_mutex_);
  ROOST_RETURN_IF_ERROR(sync_failure_);
  const uint64_t target = end_position();
  if (target == synced_position_) return {};
  sync_failure_ = SyncData(fd_.get(), name_);
  if (sync_failure_.ok()) synced_position_ = target;
  return sync_failure_;
}

SegmentFooter OpenSegment::footer() const {
  SegmentFooter footer{};
  footer.last_sequence = last_sequence();
  footer.end_position = end_position();
  footer.index_count = index().size();
  footer.time_ns_min = time_ns_min_;
  footer.time_ns_max = time_ns_max_;
  return footer;
}

Status OpenSegment::Close(uint64_t lost_last) {
  SegmentFooter closing = footer();
  closing.lost_last = lost_last;
  const std::lock_guard lock(sync_mutex_);
  ROOST_RETURN_IF_ERROR(sync_failure_);
  Status status = WriteFooter(fd_.get(), header_, closing, index(), name_);
  if (!status.ok() && status.code() != StatusCode::kExhausted) sync_failure_ = status;
  return status;
}

uint64_t OpenSegment::closed_bytes() const { return ClosedSegmentBytes(header_, footer()); }

}  // namespace roost
