#include "log/journal_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "base/check.h"
#include "base/clock.h"
#include "log/checkpoint_file.h"
#include "log/file_io.h"
#include "log/segment_file.h"

namespace roost {
namespace {

// The open segment has still room, or the event is refused: nothing is lost by trying again later.
bool MayWait(const Status& status) {
  return status.code() == StatusCode::kExhausted || status.code() == StatusCode::kBusy;
}

// How much running time may be forgotten where nothing is appended.
constexpr uint32_t kMarkEverySeconds = 60;

}  // namespace

JournalWriter::JournalWriter(DataDirectory* directory, const JournalSpec& spec)
    : directory_(directory), spec_(spec), opened_ns_(spec.now_ns()) {}

Result<std::unique_ptr<JournalWriter>> JournalWriter::Open(DataDirectory* directory,
                                                           const JournalSpec& spec,
                                                           std::vector<JournalSegment> segments,
                                                           uint64_t position, uint64_t sequence) {
  std::unique_ptr<JournalWriter> journal(new JournalWriter(directory, spec));
  // One that a crash has left may be of another size.
  ROOST_RETURN_IF_ERROR(directory->RemoveLeftover(kNextSegmentName));
  for (const JournalSegment& segment : segments) journal->bytes_ += segment.bytes;
  journal->segments_ = std::move(segments);
  if (!journal->segments_.empty()) journal->open_ = journal->segments_.back().open;
  if (journal->open_ != nullptr) {
    // Recovery says where it ended, and it does not end there any more.
    journal->segments_.back().end_position = 0;
    journal->segments_.back().last_sequence = 0;
  }
  if (journal->open_ == nullptr) ROOST_RETURN_IF_ERROR(journal->Begin(position, sequence));
  if (spec.durability == Durability::kPower) {
    // What a killed broker left in the page cache must not reach the disk after what comes now.
    for (const auto& segment : journal->OpenSegments()) ROOST_RETURN_IF_ERROR(segment->Sync());
  }
  ROOST_RETURN_IF_ERROR(directory->Sync());
  journal->names_synced_ = journal->names_given_.load(std::memory_order_relaxed);
  return journal;
}

Status JournalWriter::degraded_status() {
  const std::lock_guard lock(degraded_mutex_);
  return {StatusCode::kIoError,
          fmt::format("the journal takes nothing more since this failed: {}. Check the disk, then "
                      "restart the broker",
                      degradation_.why)};
}

Degradation JournalWriter::degradation() {
  const std::lock_guard lock(degraded_mutex_);
  return degradation_;
}

Status JournalWriter::Degrade(Status why) {
  {
    const std::lock_guard lock(degraded_mutex_);
    if (degradation_.since_ns == 0) degradation_ = {WallNs(), why.message()};
  }
  degraded_.store(true, std::memory_order_release);
  return degraded_status();
}

Status JournalWriter::NoRoomOr(const Status& why) const {
  const bool no_room = why.code() == StatusCode::kExhausted || why.code() == StatusCode::kTooLarge;
  if (!no_room) return why;
  return {StatusCode::kExhausted,
          fmt::format("{}: no room in {}; make some, the log goes on as soon as there is",
                      why.message(), directory_->path())};
}

// ---- sequencer ----

Status JournalWriter::Append(uint64_t position, uint64_t sequence, Bytes records) {
  if (degraded()) return degraded_status();
  if (!open_->HasRoomFor(records.size())) ROOST_RETURN_IF_ERROR(Rotate(position, sequence));
  if (wants_next_.load(std::memory_order_relaxed))
    ROOST_RETURN_IF_ERROR(BeginEarly(position, sequence));
  ROOST_CHECK(position == open_->end_position(), "position={} end={}", position,
              open_->end_position());
  bool erased = false;
  if (Status status = open_->Write(records, &erased); !status.ok()) {
    if (status.code() == StatusCode::kExhausted && erased) return NoRoomOr(status);
    return Degrade(std::move(status));
  }
  NoteRecords(records);
  return spec_.durability == Durability::kPower ? SyncAppended() : Status();
}

void JournalWriter::NoteRecords(Bytes records) {
  while (!records.empty()) {
    RecordHeader record;
    std::memcpy(&record, records.data(), sizeof(record));
    open_->Note(record);
    records = records.subspan(record.size);
  }
}

Status JournalWriter::SyncAppended() {
  if (Status status = open_->Sync(); !status.ok()) return Degrade(std::move(status));
  return SyncNames();
}

// Whoever comes while another thread is at it waits for that one's outcome: a name that is being synced
// is not on the disk yet.
Status JournalWriter::SyncNames() {
  const std::lock_guard lock(names_mutex_);
  if (degraded()) return degraded_status();  // maybe by whoever held the lock
  const uint64_t given = names_given_.load(std::memory_order_acquire);
  if (given == names_synced_) return {};
  if (Status status = directory_->Sync(); !status.ok()) return Degrade(std::move(status));
  names_synced_ = given;
  return {};
}

Status JournalWriter::Rotate(uint64_t position, uint64_t sequence) {
  // Its name is its first sequence: a segment without an event leaves none for the next.
  Status status = open_->has_events() ? Begin(position, sequence) : GrowOpenSegment();
  if (status.ok() || MayWait(status)) return status;
  return Degrade(std::move(status));
}

// For want of room or descriptors it can wait: there is room in the segment that is open.
Status JournalWriter::BeginEarly(uint64_t position, uint64_t sequence) {
  wants_next_.store(false, std::memory_order_relaxed);
  if (!open_->has_events()) return {};
  Status status = Begin(position, sequence);
  if (status.ok() || MayWait(status)) return {};
  return Degrade(std::move(status));
}

Status JournalWriter::GrowOpenSegment() {
  SegmentHeader header = open_->header();
  header.size = spec_.segment_bytes;
  if (Status status = Preallocate(open_->fd(), header.size, open_->name()); !status.ok()) {
    return NoRoomOr(status);
  }
  ROOST_RETURN_IF_ERROR(WriteSegmentHeader(open_->fd(), header, open_->name()));
  open_->Grow(header.size);
  const std::lock_guard lock(segments_mutex_);
  bytes_ += header.size - segments_.back().bytes;
  segments_.back().bytes = header.size;
  return {};
}

Result<UniqueFd> JournalWriter::CreateNextSegment() {
  auto file = directory_->OpenFile(kNextSegmentName, O_RDWR | O_CREAT | O_TRUNC);
  if (!file.ok()) return file.status();
  Status status =
      Preallocate(file->get(), spec_.segment_bytes, directory_->PathOf(kNextSegmentName));
  if (!status.ok()) {
    // A part of it may have been given; others need it more.
    if (Status removed = directory_->Remove(kNextSegmentName); !removed.ok()) return removed;
    return NoRoomOr(status);
  }
  return file;
}

Status JournalWriter::Begin(uint64_t position, uint64_t sequence) {
  const std::lock_guard next_lock(next_mutex_);
  if (!next_.valid()) {
    auto created = CreateNextSegment();
    if (!created.ok()) return created.status();
    next_ = std::move(*created);
  }
  SegmentHeader header{};
  std::memcpy(header.log_id, spec_.log_id, sizeof(header.log_id));
  header.epoch = spec_.epoch;
  header.base_sequence = sequence;
  header.base_position = position;
  header.created_ns = WallNs();
  header.size = spec_.segment_bytes;
  header.running_s = running_s();
  const std::string name = SegmentName(sequence);
  Status status = WriteSegmentHeader(next_.get(), header, directory_->PathOf(name));
  if (status.ok()) status = directory_->Rename(kNextSegmentName, name);
  // From here on only want of room is known to have done nothing.
  if (status.code() == StatusCode::kBusy) return {StatusCode::kIoError, status.message()};
  ROOST_RETURN_IF_ERROR(status);

  JournalSegment segment;
  segment.header = header;
  segment.name = name;
  segment.bytes = header.size;
  segment.open = std::make_shared<OpenSegment>(std::move(next_), directory_->PathOf(name), header);
  names_given_.fetch_add(1, std::memory_order_release);
  bytes_ += segment.bytes;
  const std::lock_guard lock(segments_mutex_);
  if (!segments_.empty()) {
    JournalSegment& full = segments_.back();
    if (full.open != nullptr) {
      full.end_position = full.open->end_position();
      full.last_sequence = full.open->last_sequence();
    }
  }
  open_ = segment.open;
  segments_.push_back(std::move(segment));
  return {};
}

Status JournalWriter::Close(Bytes closing_mark) {
  if (degraded()) return degraded_status();
  if (!closing_mark.empty()) {
    bool erased = false;
    ROOST_RETURN_IF_ERROR(open_->Write(closing_mark, &erased));
    NoteRecords(closing_mark);
  }
  ROOST_RETURN_IF_ERROR(Sync());
  ROOST_RETURN_IF_ERROR(CloseFullSegments());
  ROOST_RETURN_IF_ERROR(directory_->Remove(kNextSegmentName));
  return directory_->Sync();
}

// ---- any thread ----

std::vector<std::shared_ptr<OpenSegment>> JournalWriter::OpenSegments() {
  std::vector<std::shared_ptr<OpenSegment>> open;
  const std::lock_guard lock(segments_mutex_);
  for (const JournalSegment& segment : segments_) {
    if (segment.open != nullptr) open.push_back(segment.open);
  }
  return open;
}

Status JournalWriter::Sync() {
  const std::lock_guard lock(sync_mutex_);
  if (degraded()) return degraded_status();
  const auto segments = OpenSegments();
  // What is written while this runs is for the next time; the mark must not count it.
  const uint64_t end = segments.back()->end_position();
  for (const auto& segment : segments) {
    if (Status status = segment->Sync(); !status.ok()) return Degrade(std::move(status));
  }
  ROOST_RETURN_IF_ERROR(SyncNames());
  const uint32_t running = running_s();
  if (end == marked_position_ && running < marked_running_s_ + kMarkEverySeconds) return {};
  const OpenSegment& newest = *segments.back();
  Status status = WriteSyncMark(newest.fd(), end, running, newest.name());
  if (status.ok()) {
    marked_position_ = end;
    marked_running_s_ = running;
  }
  if (!status.ok() && status.code() != StatusCode::kExhausted) return Degrade(std::move(status));
  return {};
}

Status JournalWriter::Maintain() {
  if (degraded()) return degraded_status();
  const auto newest = OpenSegments().back();
  const uint64_t used = newest->end_position() - newest->header().base_position;
  if (used > newest->size() / 2) {
    const std::lock_guard lock(next_mutex_);
    if (!next_.valid()) {
      auto created = CreateNextSegment();
      if (!created.ok()) return created.status();
      next_ = std::move(*created);
    }
  }
  return CloseFullSegments();
}

Status JournalWriter::CloseFullSegments() {
  auto segments = OpenSegments();
  segments.pop_back();
  for (const auto& segment : segments) {
    if (Status status = segment->Close(); !status.ok()) {
      if (status.code() == StatusCode::kExhausted) return NoRoomOr(status);
      return Degrade(std::move(status));
    }
    const std::lock_guard lock(segments_mutex_);
    for (JournalSegment& entry : segments_) {
      if (entry.open != segment) continue;
      bytes_ -= entry.bytes - segment->closed_bytes();
      entry.bytes = segment->closed_bytes();
      entry.open.reset();
    }
  }
  return {};
}

uint32_t JournalWriter::running_s() const {
  return spec_.running_s + static_cast<uint32_t>((spec_.now_ns() - opened_ns_) / kNsPerSecond);
}

std::vector<JournalSegment> JournalWriter::Segments() {
  const std::lock_guard lock(segments_mutex_);
  return segments_;
}

Status JournalWriter::DeleteBefore(uint64_t sequence) {
  {
    const std::lock_guard lock(segments_mutex_);
    const auto kept = std::find_if(
        segments_.begin(), segments_.end(),
        [&](const JournalSegment& segment) { return segment.header.base_sequence == sequence; });
    ROOST_CHECK(kept != segments_.end(), "sequence={}", sequence);
    obsolete_.insert(obsolete_.end(), segments_.begin(), kept);
    segments_.erase(segments_.begin(), kept);
  }
  return DeleteObsolete();
}

Status JournalWriter::DeleteObsolete() {
  while (!obsolete_.empty()) {
    const JournalSegment& segment = obsolete_.front();
    ROOST_CHECK(segment.open == nullptr, "{}", segment.name);
    ROOST_RETURN_IF_ERROR(DeleteSegment(*directory_, segment.name));
    bytes_ -= segment.bytes;
    obsolete_.pop_front();
  }
  return {};
}

uint64_t JournalWriter::oldest_sequence() {
  const std::lock_guard lock(segments_mutex_);
  return segments_.front().header.base_sequence;
}

Result<SegmentPlace> JournalWriter::Find(uint64_t sequence, uint64_t position) {
  JournalSegment found;
  uint64_t next_sequence = 0;  // that the segment behind it begins with
  {
    const std::lock_guard lock(segments_mutex_);
    const auto after = std::upper_bound(
        segments_.begin(), segments_.end(), 0, [&](int, const JournalSegment& segment) {
          return position != 0 ? position < segment.header.base_position
                               : sequence < segment.header.base_sequence;
        });
    if (after == segments_.begin()) {
      return {StatusCode::kGone, "the journal does not have it any more"};
    }
    found = *(after - 1);
    if (after != segments_.end()) next_sequence = after->header.base_sequence;
  }
  const OpenSegment* open = found.open.get();
  const uint64_t end = found.end_position != 0 ? found.end_position : open->end_position();
  const uint64_t last = found.end_position != 0 ? found.last_sequence : open->last_sequence();
  SegmentPlace place;
  if (position != 0 ? position >= end : sequence > last) {
    if (found.end_position == 0) return {StatusCode::kNotFound, "the journal does not have it yet"};
    if (next_sequence == 0) return {StatusCode::kGone, "the journal ends before it"};
    place.next_sequence = next_sequence;
    return place;
  }
  place.base_sequence = found.header.base_sequence;
  place.base_position = found.header.base_position;
  place.end_position = found.end_position;
  if (open != nullptr) {
    const IndexEntry anchor =
        position != 0 ? open->AnchorOfPosition(position) : open->AnchorOfSequence(sequence);
    place.anchor_sequence = anchor.sequence;
    place.anchor_position = anchor.position;
  }
  auto file = directory_->OpenFile(found.name, O_RDONLY);
  if (!file.ok()) {
    if (file.status().code() != StatusCode::kNotFound) return file.status();
    return {StatusCode::kGone, "the journal does not have it any more"};
  }
  place.fd = std::move(*file);
  return place;
}

}  // namespace roost
