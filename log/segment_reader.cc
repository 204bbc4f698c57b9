#include "log/segment_reader.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/core.h>

#include "log/file_io.h"
#include "log/record.h"
#include "log/segment_file.h"

namespace roost {

Result<SegmentReader> SegmentReader::Open(UniqueFd fd, std::string name) {
  auto header = ReadSegmentHeader(fd.get(), name);
  if (!header.ok()) return header.status();
  return OpenAs(std::move(fd), std::move(name), *header);
}

Result<SegmentReader> SegmentReader::OpenAs(UniqueFd fd, std::string name,
                                            const SegmentHeader& header) {
  SegmentReader reader;
  auto footer = ReadFooter(fd.get(), header, name);
  if (!footer.ok()) return footer.status();
  auto bytes = SegmentBytes::Open(fd.get(), name, header);
  if (!bytes.ok()) return bytes.status();
  reader.bytes_ = std::move(*bytes);
  reader.fd_ = std::move(fd);
  reader.name_ = std::move(name);
  reader.header_ = header;
  ROOST_RETURN_IF_ERROR(reader.TakeFooter(*footer));
  return reader;
}

Status SegmentReader::TakeFooter(std::optional<SegmentFooter> footer) {
  footer_ = footer;
  if (!footer_) return {};
  auto size = FileSize(fd_.get(), name_);
  if (!size.ok()) return size.status();
  file_bytes_ = *size;
  return {};
}

uint64_t SegmentReader::EndPosition() const {
  if (footer_) return footer_->end_position;
  if (IsCompressed(header_)) return bytes_.end_position();
  return header_.base_position + kSegmentBytesMax;  // the file's end comes first
}

SegmentReader::Outcome SegmentReader::Damaged(uint64_t position, std::string_view what) {
  status_ = {StatusCode::kCorruption,
             fmt::format("{} at offset {}: {}", name_, bytes_.OffsetOf(position), what)};
  return Outcome::kDamaged;
}

SegmentReader::Outcome SegmentReader::ReadFailed(Status status) {
  if (status.code() == StatusCode::kGone) return Outcome::kGone;
  const bool damaged = status.code() == StatusCode::kCorruption;
  status_ = std::move(status);
  return damaged ? Outcome::kDamaged : Outcome::kError;
}

SegmentReader::Outcome SegmentReader::Failed(Status status) {
  status_ = std::move(status);
  return Outcome::kError;
}

void SegmentReader::Release() {
  bytes_.Release();
  buffer_.Release();
  buffer_position_ = 0;
  trusted_end_ = 0;
}

void SegmentReader::ReleaseIfLarge() {
  if (buffer_.capacity() <= kReadNearBytes / 4) return;
  buffer_.Release();
  buffer_position_ = 0;
  trusted_end_ = 0;
}

SegmentReader::Outcome SegmentReader::Fill(uint64_t position, uint64_t size, uint64_t* available) {
  const uint64_t trusted = footer_ ? buffer_position_ + buffer_.size() : trusted_end_;
  Outcome outcome = Outcome::kRecord;
  if (position >= buffer_position_ && position + size <= trusted) {
    *available = buffer_position_ + buffer_.size() - position;
  } else {
    outcome = Refill(position, size, available);
  }
  used_end_ = position + size;
  return outcome;
}

uint64_t SegmentReader::ChooseWindow(uint64_t position, uint64_t size) {
  const bool goes_on = !buffer_.empty() && position >= buffer_position_ &&
                       position <= used_end_ + kReadNearBytes / 4;
  if (goes_on) {
    read_ahead_ = std::clamp(4 * read_ahead_, kReadNearBytes, kReadAheadBytes);
    return position;
  }
  // Backwards only in a closed segment: an open one is trusted from a record's beginning on.
  const bool goes_back = footer_ && !buffer_.empty() && position < buffer_position_ &&
                         buffer_position_ - position <= kReadNearBytes;
  read_ahead_ = goes_back ? kReadNearBytes : kReadPlaceBytes;
  if (!goes_back) return position;
  const uint64_t window_end = position + std::max<uint64_t>(size, kReadPlaceBytes);
  return std::max(header_.base_position, window_end - std::min(window_end, kReadNearBytes));
}

SegmentReader::Outcome SegmentReader::Refill(uint64_t position, uint64_t size,
                                             uint64_t* available) {
  const uint64_t begin = std::min(ChooseWindow(position, size), position);
  const Outcome outcome = ReadWindow(begin, position, size, available);
  // What is before it, and not asked for, may be damaged.
  const bool again = outcome == Outcome::kDamaged && begin < position;
  return again ? ReadWindow(position, position, size, available) : outcome;
}

SegmentReader::Outcome SegmentReader::ReadWindow(uint64_t begin, uint64_t position, uint64_t size,
                                                 uint64_t* available) {
  const uint64_t before = position - begin;
  const uint64_t needed = before + size;
  const uint64_t wanted = std::min(std::max<uint64_t>(read_ahead_, needed), EndPosition() - begin);
  buffer_position_ = begin;
  auto got = bytes_.Read(buffer_.Begin(wanted), begin);
  if (!got.ok()) {
    Release();
    return ReadFailed(got.status());
  }
  buffer_.Cut(*got);
  *available = *got - std::min<uint64_t>(before, *got);
  if (*got < std::min(needed, wanted)) {
    if (Status why = WhyShort(begin + *got); !why.ok()) return ReadFailed(std::move(why));
    auto file_size = FileSize(fd_.get(), name_);
    if (!file_size.ok()) return Failed(file_size.status());
    if (footer_ || *file_size < kSegmentHeaderBytes) return Outcome::kGone;
  }
  if (!footer_) TrustBuffer();
  return Outcome::kRecord;
}

// A compressed segment that gave less than was asked for has a damaged frame there.
Status SegmentReader::WhyShort(uint64_t position) {
  std::byte byte;
  return IsCompressed(header_) ? bytes_.Read({&byte, 1}, position).status() : Status();
}

// Of an open segment: trusts the records at the front of the buffer whose checksums are right.
void SegmentReader::TrustBuffer() {
  Bytes rest = buffer_.bytes();
  while (RecordIsSound(rest)) {
    RecordHeader record;
    std::memcpy(&record, rest.data(), sizeof(record));
    rest = rest.subspan(record.size);
  }
  trusted_end_ = buffer_position_ + (buffer_.size() - rest.size());
}

// At `position` there is no record: the end, or damage.
SegmentReader::Outcome SegmentReader::AfterTheRecords(uint64_t position) {
  if (footer_) return position == footer_->end_position ? Outcome::kEnd : Outcome::kDamaged;
  // The broker may have closed the segment since it was opened here.
  auto footer = ReadFooter(fd_.get(), header_, name_);
  if (!footer.ok()) return Failed(footer.status());
  if (Status status = TakeFooter(*footer); !status.ok()) return Failed(std::move(status));
  if (footer_ && position == footer_->end_position) return Outcome::kEnd;
  return Outcome::kDamaged;
}

SegmentReader::Outcome SegmentReader::HeaderAt(uint64_t position, RecordHeader* record) {
  if (position < header_.base_position || !IsAligned(position, kRecordAlignment) ||
      position > EndPosition()) {
    status_ = {StatusCode::kCorruption,
               fmt::format("{}: no record can be at position {}", name_, position)};
    return Outcome::kDamaged;
  }
  if (position == EndPosition()) return Outcome::kEnd;
  uint64_t available = 0;
  const Outcome filled = Fill(position, sizeof(*record), &available);
  if (filled != Outcome::kRecord) return filled;
  if (available < sizeof(*record)) {
    const Outcome outcome = AfterTheRecords(position);
    if (outcome == Outcome::kDamaged && !footer_)
      return Outcome::kEnd;  // an end that was cut short
    return outcome == Outcome::kDamaged ? Damaged(position, "the file ends within a record")
                                        : outcome;
  }
  std::memcpy(record, buffer_.bytes().data() + (position - buffer_position_), sizeof(*record));
  static constexpr RecordHeader kZeros{};
  if (!footer_ && std::memcmp(record, &kZeros, sizeof(kZeros)) == 0) return Outcome::kEnd;
  if (RecordSizesAreSound(*record, EndPosition() - position)) return Outcome::kRecord;
  const Outcome outcome = AfterTheRecords(position);
  return outcome == Outcome::kDamaged ? Damaged(position, "this is no record's header") : outcome;
}

SegmentReader::Outcome SegmentReader::ReadHeaderAt(uint64_t position, RecordHeader* header) {
  return HeaderAt(position, header);
}

SegmentReader::Outcome SegmentReader::ReadLarge(uint64_t position, uint64_t size,
                                                std::vector<std::byte>* out) {
  const size_t before = out->size();
  out->resize(before + size);
  auto got = bytes_.Read(std::span(*out).subspan(before), position);
  if (!got.ok()) return ReadFailed(got.status());
  if (*got == size) return Outcome::kRecord;
  if (Status why = WhyShort(position + *got); !why.ok()) return ReadFailed(std::move(why));
  if (footer_) return Outcome::kGone;
  return Damaged(position, "the file ends within a record");
}

SegmentReader::Outcome SegmentReader::ReadRecordAt(uint64_t position, const RecordHeader& header,
                                                   std::vector<std::byte>* out) {
  const size_t before = out->size();
  Outcome outcome = Outcome::kRecord;
  if (header.size > kReadAheadBytes) {
    outcome = ReadLarge(position, header.size, out);
  } else {
    uint64_t available = 0;
    outcome = Fill(position, header.size, &available);
    if (outcome == Outcome::kRecord && available < header.size) {
      outcome = Damaged(position, "the file ends within a record");
    }
    if (outcome == Outcome::kRecord) {
      const Bytes record = buffer_.bytes().subspan(position - buffer_position_, header.size);
      out->insert(out->end(), record.begin(), record.end());
    }
  }
  if (outcome == Outcome::kRecord && !RecordIsSound(Bytes(*out).subspan(before))) {
    outcome = Damaged(position, "the record's checksum is wrong");
  }
  if (outcome != Outcome::kRecord) out->resize(before);
  return outcome;
}

SegmentReader::Outcome SegmentReader::ReadRecordAt(uint64_t position, std::vector<std::byte>* out) {
  RecordHeader header;
  const Outcome outcome = HeaderAt(position, &header);
  return outcome == Outcome::kRecord ? ReadRecordAt(position, header, out) : outcome;
}

// The position nearest before event `sequence` that is known.
Result<uint64_t> SegmentReader::SearchStart(uint64_t sequence, uint64_t anchor_position) {
  if (anchor_position != 0) return anchor_position;
  return footer_ ? IndexedStart(sequence) : header_.base_position;
}

Result<uint64_t> SegmentReader::IndexedStart(uint64_t sequence) {
  const uint64_t number = (sequence - header_.base_sequence) / kIndexStride;
  IndexEntry entries[2]{};
  const size_t count = number + 1 < footer_->index_count ? 2 : 1;
  auto got = ReadAt(fd_.get(), std::as_writable_bytes(std::span(entries).first(count)),
                    file_bytes_ - FooterBytes(*footer_) + number * sizeof(IndexEntry), name_);
  if (!got.ok()) return got.status();
  if (*got != count * sizeof(IndexEntry)) {
    return {StatusCode::kGone, fmt::format("{}: cut", name_)};
  }
  ReadUpTo(sequence, entries[0], count == 2 ? entries[1].position : footer_->end_position);
  return entries[0].position;
}

void SegmentReader::ReadUpTo(uint64_t sequence, const IndexEntry& from, uint64_t next_position) {
  const bool is_sound = from.sequence <= sequence && from.position >= header_.base_position &&
                        from.position < next_position && next_position <= EndPosition();
  const uint64_t span = next_position - from.position;
  // Large events are passed over one by one.
  if (!is_sound || span > kReadAheadBytes) return;
  const uint64_t events = std::min(sequence - from.sequence + 1, kIndexStride);
  const uint64_t wanted = std::min({span * events / kIndexStride + kReadNearBytes / 2,
                                    kReadAheadBytes, EndPosition() - from.position});
  const bool in_buffer = from.position >= buffer_position_ &&
                         from.position + wanted <= buffer_position_ + buffer_.size();
  if (in_buffer) return;
  uint64_t available = 0;
  read_ahead_ = wanted;
  ReadWindow(from.position, from.position, kRecordHeaderBytes, &available);
  read_ahead_ = kReadPlaceBytes;  // it may be all that is read here
}

Result<uint64_t> SegmentReader::FindSequence(uint64_t sequence, uint64_t anchor_position) {
  const Status not_here(StatusCode::kNotFound, fmt::format("{}: no event {}", name_, sequence));
  if (sequence < header_.base_sequence) return not_here;
  if (footer_ && sequence > footer_->last_sequence) return not_here;
  auto start = SearchStart(sequence, anchor_position);
  if (!start.ok()) return start.status();
  uint64_t position = *start;
  // Ends: every record moves on by at least its header, and the segment has an end.
  while (true) {
    RecordHeader record;
    switch (HeaderAt(position, &record)) {
      case Outcome::kRecord:
        break;
      case Outcome::kEnd:
        return not_here;
      case Outcome::kGone:
        return {StatusCode::kGone, fmt::format("{}: cut", name_)};
      case Outcome::kDamaged:
      case Outcome::kError:
        return status_;
    }
    if (record.kind == RecordKind::kEvent && record.sequence == sequence) return position;
    if (record.sequence > sequence) return not_here;
    position += record.size;
  }
}

Result<std::vector<SegmentFile>> ListSegments(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), &::closedir);
  if (listing == nullptr) return Status::FromErrno(errno, "open directory " + directory);
  std::vector<SegmentFile> files;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (const auto sequence = ParseSegmentName(entry->d_name)) {
      files.push_back({*sequence, directory + "/" + entry->d_name});
    }
  }
  if (errno != 0) return Status::FromErrno(errno, "list directory " + directory);
  std::sort(files.begin(), files.end(), [](const SegmentFile& a, const SegmentFile& b) {
    return a.base_sequence < b.base_sequence;
  });
  return files;
}

}  // namespace roost
