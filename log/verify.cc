#include "log/verify.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "base/unique_fd.h"
#include "base/utf8.h"
#include "log/data_directory.h"
#include "log/file_io.h"
#include "log/record.h"
#include "log/record_chain.h"
#include "log/ring_format.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/segment_scanner.h"
#include "log/stream_directory.h"

namespace roost {
namespace {

using Severity = VerifyFinding::Severity;

// Address space for the streams' names, touched as they come.
class NameSpace {
 public:
  explicit NameSpace(uint64_t size) : size_(size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) memory_ = static_cast<char*>(memory);
  }
  ~NameSpace() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
  }
  NameSpace(const NameSpace&) = delete;
  NameSpace& operator=(const NameSpace&) = delete;
  bool valid() const { return memory_ != nullptr; }
  std::span<char> span() const { return {memory_, size_}; }

 private:
  char* memory_ = nullptr;
  uint64_t size_;
};

bool FitsText(const flatbuffers::String* text, uint64_t length_max) {
  return text == nullptr || text->size() <= length_max;
}

// What is wrong with an event's body, or nullptr. `stream` is the name of the header's stream.
const char* WrongInBody(const RecordHeader& record, Bytes body, std::string_view stream) {
  const wire::Event* event = DecodeEventBody(body);
  if (event == nullptr) return "the body is no event";
  if (event->stream()->string_view() != stream)
    return "the body names another stream than the header";
  if (FilterHash(event->type()->string_view()) != record.type) {
    return "the body names another type than the header";
  }
  if (FilterHash(event->agent()->string_view()) != record.agent) {
    return "the body names another agent than the header";
  }
  if ((event->id() != nullptr) != ((record.flags & kRecordHasId) != 0)) {
    return "body and header disagree on whether there is an id";
  }
  if (!IsPlainUtf8(event->stream()->string_view()) || !IsPlainUtf8(event->type()->string_view())) {
    return "the stream's or type's name is not plain UTF-8";
  }
  if (!FitsText(event->type(), kTypeBytesMax) || !FitsText(event->agent(), kAgentBytesMax) ||
      !FitsText(event->id(), kIdBytesMax) || !FitsText(event->correlation_id(), kIdBytesMax) ||
      !FitsText(event->causation_id(), kIdBytesMax) ||
      !FitsText(event->content_type(), kContentTypeBytesMax)) {
    return "a text of the body is longer than any may be";
  }
  return nullptr;
}

// Fields of a sound record that no rule of the log's order speaks of.
const char* WrongInHeader(const RecordHeader& record) {
  if (record.reserved != 0 || record.reserved2 != 0) return "a reserved field is not 0";
  if ((record.flags & ~kRecordHasId) != 0) return "an unknown flag is set";
  return nullptr;
}

struct Segment {
  std::string path;
  uint64_t name_sequence = 0;
  uint64_t file_bytes = 0;
  Status trouble;  // with the header
  SegmentHeader header{};
  std::optional<SegmentFooter> footer;
  std::vector<IndexEntry> index;  // while it is looked at
  uint64_t mark = 0;
  bool mark_is_sound = true;
};

class Verifier {
 public:
  Verifier(const std::string& directory, VerifyReport* report)
      : directory_(directory), report_(report) {}

  Status Run();

 private:
  Status CheckIdentity();
  Status FindSegments();
  Result<Segment> Inspect(const SegmentFile& file) const;
  void CheckNames(const Segment& segment);
  Status CheckSpare(int fd);
  void Connect(const Segment& segment);
  Status CheckSegment(size_t index);
  Status ScanRecords(size_t index, SegmentScanner* scanner);
  void CheckRecord(const SegmentScanner& scanner);
  void CheckIndex(const RecordHeader& record, uint64_t position);
  Status SettleBad(size_t index, SegmentScanner* scanner, const char* what, uint64_t bad_size);
  Result<bool> NextStartMends(size_t index, uint64_t search, SegmentScanner* scanner) const;
  Status GoOnBehind(uint64_t position, SegmentScanner* scanner);
  Status CheckEnd(size_t index, SegmentScanner* scanner);
  void CheckFooter();
  bool PowerMayHaveTaken(size_t index) const;

  bool IsNewest(size_t index) const { return index + 1 == segments_.size(); }
  void Add(Severity severity, const std::string& file, uint64_t offset, std::string text);
  void AddAt(Severity severity, uint64_t position, std::string text) {
    Add(severity, segment_->path, OffsetInSegment(segment_->header, position), std::move(text));
  }

  const std::string& directory_;
  VerifyReport* const report_;
  std::optional<IdentityFile> identity_;
  bool same_boot_ = true;
  std::vector<Segment> segments_;
  std::unique_ptr<NameSpace> names_;
  std::unique_ptr<StreamDirectory> streams_;
  std::unique_ptr<RecordChain> chain_;

  // Of the segment that is looked at.
  Segment* segment_ = nullptr;
  uint64_t batch_begin_ = 0;  // of the newest batch
  uint64_t end_ = 0;          // of the last complete batch
  bool is_damaged_ = false;   // so that what follows from it is not said again
  uint64_t time_ns_min_ = 0;
  uint64_t time_ns_max_ = 0;
  // Of the one before.
  bool has_before_ = false;
  uint64_t lost_last_ = 0;
};

void Verifier::Add(Severity severity, const std::string& file, uint64_t offset, std::string text) {
  ++(severity == Severity::kError ? report_->errors : report_->warnings);
  if (report_->findings.size() == VerifyReport::kFindingsMax) {
    ++report_->findings_dropped;
    return;
  }
  report_->findings.push_back({severity, file, offset, std::move(text)});
}

Status Verifier::Run() {
  ROOST_RETURN_IF_ERROR(CheckIdentity());
  ROOST_RETURN_IF_ERROR(FindSegments());
  if (segments_.empty() && !identity_) {
    return {StatusCode::kNotFound, "there is no log in " + directory_};
  }
  // Each name is in the body of its stream's first event, so the journal bounds them.
  names_ = std::make_unique<NameSpace>(report_->file_bytes + kRingPage);
  if (!names_->valid()) return Status::FromErrno(ENOMEM, "verify " + directory_);
  streams_ = std::make_unique<StreamDirectory>(
      names_->span(), std::min(kStreamsMaxMax, report_->file_bytes / kEventBytesMin + 1));
  chain_ = std::make_unique<RecordChain>(streams_.get());
  for (size_t index = 0; index < segments_.size(); ++index) {
    ROOST_RETURN_IF_ERROR(CheckSegment(index));
  }
  report_->last_sequence = report_->events == 0 ? 0 : chain_->sequence();
  report_->streams = streams_->count();
  report_->ends_with_mark = chain_->closed() || report_->records == 0;
  report_->broker = DescribeLockHolder(directory_);
  return {};
}

// ---- which files ----

Status Verifier::CheckIdentity() {
  const std::string path = directory_ + "/identity";
  auto identity = ReadIdentityFile(path);
  if (identity.status().code() == StatusCode::kIoError ||
      identity.status().code() == StatusCode::kPermissionDenied) {
    return identity.status();
  }
  if (!identity.ok()) {
    Add(Severity::kError, path, 0, identity.status().message());
    return {};
  }
  if (!*identity) return {};
  identity_ = **identity;
  same_boot_ = WasClosedOrSameBoot(*identity_);
  report_->log_id = FormatLogId(identity_->log_id);
  report_->epoch = identity_->epoch;
  return {};
}

Result<Segment> Verifier::Inspect(const SegmentFile& file) const {
  Segment segment;
  segment.path = file.path;
  segment.name_sequence = file.base_sequence;
  const UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + file.path);
  auto size = FileSize(fd.get(), file.path);
  if (!size.ok()) return size.status();
  segment.file_bytes = *size;
  auto header = ReadSegmentHeader(fd.get(), file.path);
  if (header.status().code() == StatusCode::kIoError) return header.status();
  segment.trouble = header.status();
  if (!header.ok()) return segment;
  segment.header = *header;
  auto footer = ReadFooter(fd.get(), *header, file.path);
  if (!footer.ok()) return footer.status();
  segment.footer = *footer;
  auto mark = ReadSyncMark(fd.get(), *header, file.path, &segment.mark_is_sound);
  if (!mark.ok()) return mark.status();
  segment.mark = *mark;
  return segment;
}

Status Verifier::FindSegments() {
  auto files = ListSegments(directory_);
  if (!files.ok()) return files.status();
  for (const SegmentFile& file : *files) {
    auto segment = Inspect(file);
    // Retention may have taken it since the directory was listed.
    if (segment.status().code() == StatusCode::kNotFound) continue;
    if (!segment.ok()) return segment.status();
    ++report_->segments;
    report_->file_bytes += segment->file_bytes;
    if (segment->footer) ++report_->segments_closed;
    if (segment->trouble.ok()) {
      segments_.push_back(std::move(*segment));
    } else {
      Add(Severity::kError, file.path, 0, segment->trouble.message());
    }
  }
  if (report_->segments > 0 && !identity_ && report_->errors == 0) {
    Add(Severity::kError, directory_ + "/identity", 0, "the log's identity is missing");
  }
  return {};
}

void Verifier::CheckNames(const Segment& segment) {
  if (identity_ &&
      std::memcmp(segment.header.log_id, identity_->log_id, sizeof(identity_->log_id)) != 0) {
    Add(Severity::kError, segment.path, offsetof(SegmentHeader, log_id), "it is another log's");
  }
  if (segment.header.base_sequence != segment.name_sequence) {
    Add(Severity::kError, segment.path, offsetof(SegmentHeader, base_sequence),
        fmt::format("it begins with event {}, not with that of its name",
                    segment.header.base_sequence));
  }
}

// What no checksum covers, and recovery does not need.
Status Verifier::CheckSpare(int fd) {
  const auto check_zeros = [&](uint64_t from, uint64_t to) -> Status {
    std::vector<std::byte> bytes(to - from);
    auto got = ReadAt(fd, bytes, from, segment_->path);
    if (!got.ok()) return got.status();
    const auto bad = std::find_if(bytes.begin(), bytes.end(),
                                  [](std::byte byte) { return byte != std::byte{0}; });
    if (bad == bytes.end()) return {};
    Add(Severity::kError, segment_->path, from + static_cast<uint64_t>(bad - bytes.begin()),
        "a byte that must be zero is not");
    return {};
  };
  ROOST_RETURN_IF_ERROR(check_zeros(sizeof(SegmentHeader), kSyncMarkOffset));
  ROOST_RETURN_IF_ERROR(check_zeros(kSyncMarkOffset + sizeof(SyncMark), kSegmentHeaderBytes));
  if (!segment_->mark_is_sound) {
    Add(Severity::kError, segment_->path, kSyncMarkOffset, "the mark's checksum is wrong");
  }
  if (!segment_->footer) return {};
  const uint64_t index = IndexOffset(segment_->header, *segment_->footer);
  return check_zeros(index - kSegmentEndBytes, index);
}

// Whether the segment goes on where the one before ended.
void Verifier::Connect(const Segment& segment) {
  const SegmentHeader& header = segment.header;
  const uint64_t expected = chain_->sequence() + 1;
  if (has_before_) {
    if (header.base_sequence == expected && header.base_position == end_) return;
    const bool accepted = lost_last_ != 0 && lost_last_ + 1 == header.base_sequence;
    const uint64_t offset = offsetof(SegmentHeader, base_sequence);
    if (accepted) {
      Add(Severity::kWarning, segment.path, offset,
          fmt::format("events {} to {} are left out: damage that was accepted", expected,
                      lost_last_));
    } else if (!is_damaged_) {
      Add(Severity::kError, segment.path, offset,
          fmt::format(
              "it begins with event {} at position {}, where event {} at position {} is due",
              header.base_sequence, header.base_position, expected, end_));
    }
  } else if (header.base_sequence == 1) {
    return;
  }
  // Of an overlap, which was reported, no event will fit, and each says so.
  if (header.base_sequence > chain_->sequence()) chain_->SkipTo(header.base_sequence - 1);
}

// ---- one segment ----

Status Verifier::CheckSegment(size_t index) {
  Segment& segment = segments_[index];
  segment_ = &segment;
  CheckNames(segment);
  Connect(segment);
  has_before_ = true;
  is_damaged_ = false;
  time_ns_min_ = UINT64_MAX;
  time_ns_max_ = 0;
  end_ = segment.header.base_position;
  lost_last_ = segment.footer ? segment.footer->lost_last : 0;

  const UniqueFd fd(::open(segment.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + segment.path);
  const uint64_t file_end = end_ + segment.file_bytes - kSegmentHeaderBytes;
  uint64_t scan_end = file_end;
  if (segment.footer) {
    scan_end = segment.footer->end_position;
    auto footer = ReadFooter(fd.get(), segment.header, segment.path, &segment.index);
    if (!footer.ok()) return footer.status();
  } else if (!IsNewest(index)) {
    scan_end = std::clamp(segments_[index + 1].header.base_position, end_, file_end);
  }
  ROOST_RETURN_IF_ERROR(CheckSpare(fd.get()));
  SegmentScanner scanner(fd.get(), segment.path, segment.header, scan_end);
  ROOST_RETURN_IF_ERROR(ScanRecords(index, &scanner));
  segment.index = {};
  if (time_ns_max_ == 0) return {};
  const bool first = report_->time_ns_max == 0;
  report_->time_ns_min = first ? time_ns_min_ : std::min(report_->time_ns_min, time_ns_min_);
  report_->time_ns_max = std::max(report_->time_ns_max, time_ns_max_);
  return {};
}

Status Verifier::ScanRecords(size_t index, SegmentScanner* scanner) {
  bool at_end = false;
  while (!at_end) {
    const char* wrong = nullptr;
    uint64_t bad_size = 0;
    const SegmentScanner::Outcome outcome = scanner->Next();
    switch (outcome) {
      case SegmentScanner::Outcome::kError:
        return scanner->status();
      case SegmentScanner::Outcome::kRecord:
        wrong = chain_->Add(scanner->record_header(), scanner->body(), scanner->position());
        if (wrong == nullptr) CheckRecord(*scanner);
        break;
      case SegmentScanner::Outcome::kBad:
        wrong = scanner->what();
        if (scanner->record_header().sequence == chain_->sequence() + 1) {
          bad_size = scanner->bad_size();
        }
        break;
      case SegmentScanner::Outcome::kEnd:
        if (!chain_->batch_is_complete()) wrong = "the batch is incomplete";
        break;
    }
    if (outcome == SegmentScanner::Outcome::kEnd) {
      scanner->SeekToEnd();  // what is said about this end may find something behind it
      if (wrong == nullptr) ROOST_RETURN_IF_ERROR(CheckEnd(index, scanner));
    }
    if (wrong != nullptr) ROOST_RETURN_IF_ERROR(SettleBad(index, scanner, wrong, bad_size));
    at_end = outcome == SegmentScanner::Outcome::kEnd && scanner->AtEnd();
  }
  return {};
}

// A record that the chain has taken.
void Verifier::CheckRecord(const SegmentScanner& scanner) {
  const RecordHeader& record = scanner.record_header();
  ++report_->records;
  report_->record_bytes += record.size;
  if (chain_->batch_is_complete()) end_ = scanner.position() + record.size;
  if (const char* wrong = WrongInHeader(record)) {
    AddAt(Severity::kError, scanner.position(), wrong);
  }
  if (record.kind != RecordKind::kEvent) return;
  ++report_->events;
  if (record.batch_index + 1 == record.batch_count) ++report_->batches;
  if (report_->first_sequence == 0) report_->first_sequence = record.sequence;
  time_ns_min_ = std::min(time_ns_min_, record.time_ns);
  time_ns_max_ = std::max(time_ns_max_, record.time_ns);
  const std::string_view stream = streams_->Name(record.stream);
  if (const char* wrong = WrongInBody(record, scanner.body(), stream)) {
    AddAt(Severity::kError, scanner.position(), wrong);
  }
  CheckIndex(record, scanner.position());
}

void Verifier::CheckIndex(const RecordHeader& record, uint64_t position) {
  if (!segment_->footer) return;
  const uint64_t number = record.sequence - segment_->header.base_sequence;
  if (number % kIndexStride != 0) return;
  const uint64_t entry = number / kIndexStride;
  if (entry < segment_->index.size() && segment_->index[entry].sequence == record.sequence &&
      segment_->index[entry].position == position) {
    return;
  }
  Add(Severity::kError, segment_->path,
      IndexOffset(segment_->header, *segment_->footer) + entry * sizeof(IndexEntry),
      fmt::format("the index does not lead to event {}", record.sequence));
}

// ---- what is not as it must be ----

// Says what is wrong at the scanner's place, and moves it behind: to where a batch begins, or the end.
Status Verifier::SettleBad(size_t index, SegmentScanner* scanner, const char* what,
                           uint64_t bad_size) {
  const uint64_t bad = scanner->position();
  chain_->DropBatch();
  auto mends = NextStartMends(index, bad + bad_size, scanner);
  if (!mends.ok()) return mends.status();
  if (!*mends) {
    is_damaged_ = true;
    AddAt(Severity::kError, bad, what);
    return GoOnBehind(bad, scanner);
  }
  auto length = scanner->LengthBehind(end_);
  if (!length.ok()) return length.status();
  AddAt(Severity::kWarning, end_,
        fmt::format("{} bytes of an incomplete batch ({}): the next start cuts them off", *length,
                    what));
  is_damaged_ = true;
  scanner->SeekToEnd();
  return {};
}

// C1 to C3 and P1 of recovery.cc.
Result<bool> Verifier::NextStartMends(size_t index, uint64_t search,
                                      SegmentScanner* scanner) const {
  if (segment_->footer || end_ < segment_->mark || is_damaged_) return false;
  if (PowerMayHaveTaken(index)) return true;
  if (!IsNewest(index)) return false;
  auto sound = scanner->FindRecord(search, chain_->sequence());
  if (!sound.ok()) return sound.status();
  return !sound->has_value();
}

bool Verifier::PowerMayHaveTaken(size_t index) const {
  if (same_boot_) return false;
  return std::all_of(segments_.begin() + static_cast<ptrdiff_t>(index) + 1, segments_.end(),
                     [](const Segment& later) {
                       return !later.footer && later.mark == later.header.base_position;
                     });
}

Status Verifier::GoOnBehind(uint64_t position, SegmentScanner* scanner) {
  uint64_t from = position + kRecordAlignment;
  while (true) {
    auto found = scanner->FindRecord(from, chain_->sequence());
    if (!found.ok()) return found.status();
    if (!*found) break;
    scanner->SeekTo(**found);
    if (scanner->Next() != SegmentScanner::Outcome::kRecord) break;
    const RecordHeader& record = scanner->record_header();
    if (record.kind == RecordKind::kEvent && record.batch_index == 0) {
      chain_->SkipTo(record.sequence - 1);
      scanner->SeekTo(**found);
      return {};
    }
    from = **found + record.size;
  }
  scanner->SeekToEnd();
  return scanner->status();
}

// E1 to E3 of recovery.cc.
Status Verifier::CheckEnd(size_t index, SegmentScanner* scanner) {
  const char* wrong = nullptr;
  if (is_damaged_) return {};
  if (segment_->footer) {
    if (end_ == segment_->footer->end_position) {
      CheckFooter();
    } else {
      wrong = "zeros where a record must be";
    }
  } else if (!IsNewest(index)) {
    if (end_ != segments_[index + 1].header.base_position) {
      wrong = "the records end before the next segment begins";
    } else if (segment_->file_bytes < segment_->header.size) {
      // A full segment is cut to its length when it is closed, after its footer was written.
      AddAt(Severity::kError, end_, "the footer is damaged; the next start makes it again");
    }
  } else {
    auto length = scanner->LengthBehind(end_);
    if (!length.ok()) return length.status();
    if (*length > 0) {
      wrong = "there are bytes behind the last record";
    } else if (end_ < segment_->mark) {
      wrong = "records that were on the disk are missing";
    }
  }
  return wrong == nullptr ? Status() : SettleBad(index, scanner, wrong, 0);
}

void Verifier::CheckFooter() {
  const SegmentFooter& footer = *segment_->footer;
  const uint64_t offset = segment_->file_bytes - sizeof(footer);
  if (footer.last_sequence != chain_->sequence()) {
    Add(Severity::kError, segment_->path, offset,
        fmt::format("the last event is {}, not {} as the footer says", chain_->sequence(),
                    footer.last_sequence));
  }
  const bool has_events = footer.index_count > 0;
  if (has_events && (footer.time_ns_min != time_ns_min_ || footer.time_ns_max != time_ns_max_)) {
    Add(Severity::kError, segment_->path, offset, "the footer's times are not those of its events");
  }
}

}  // namespace

Result<VerifyReport> VerifyJournal(const std::string& directory) {
  VerifyReport report;
  Verifier verifier(directory, &report);
  ROOST_RETURN_IF_ERROR(verifier.Run());
  return report;
}

}  // namespace roost
