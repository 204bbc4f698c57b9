#include "log/verify.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "base/own_file.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "log/checkpoint_file.h"
#include "log/data_directory.h"
#include "log/file_io.h"
#include "log/journal_start.h"
#include "log/name_space.h"
#include "log/record.h"
#include "log/record_chain.h"
#include "log/ring_format.h"
#include "log/segment_bytes.h"
#include "log/segment_compactor.h"
#include "log/segment_file.h"
#include "log/segment_scanner.h"
#include "log/segment_survey.h"
#include "log/stream_checkpoint.h"
#include "log/stream_directory.h"

namespace roost {
namespace {

using Severity = VerifyFinding::Severity;

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
  // Logs of before this flag was there have such events without it, never others with it.
  if ((record.flags & kRecordIsOwn) != 0 && !stream.starts_with('$')) {
    return "marked as an event of one of Roost's own streams, which it is not in";
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
  if ((record.flags & ~(kRecordHasId | kRecordIsOwn)) != 0) return "an unknown flag is set";
  return nullptr;
}

using Segment = SurveyedSegment;

class Verifier {
 public:
  Verifier(const std::string& directory, VerifyReport* report)
      : directory_(directory), report_(report) {}

  Status Run();

 private:
  Status CheckIdentity();
  Status FindSegments();
  void CheckLeftovers();
  Status FindStart(std::vector<Segment>* segments);
  void MakeStreams();
  Status LoadCheckpoint();
  Status CheckSpare(int fd);
  Status CheckFrames(int fd);
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

  bool IsNewest(size_t index) const { return index + 1 == segments_.size(); }
  void Add(Severity severity, const std::string& file, uint64_t offset, std::string text);
  void AddAt(Severity severity, uint64_t position, std::string text) {
    Add(severity, segment_->path, OffsetOnDisk(segment_->path, segment_->header, position),
        std::move(text));
  }

  const std::string& directory_;
  VerifyReport* const report_;
  std::optional<IdentityFile> identity_;
  bool same_boot_ = true;
  std::vector<Segment> segments_;
  std::optional<Checkpoint> checkpoint_;  // that the journal begins behind
  std::unique_ptr<NameSpace> names_;
  std::unique_ptr<StreamDirectory> streams_;
  std::unique_ptr<RecordChain> chain_;

  // Of the segment that is looked at.
  const Segment* segment_ = nullptr;
  std::vector<IndexEntry> index_;
  uint64_t end_ = 0;         // of the last complete batch
  bool is_damaged_ = false;  // so that what follows from it is not said again
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
  CheckLeftovers();
  if (segments_.empty() && !identity_) {
    return {StatusCode::kNotFound, "there is no log in " + directory_};
  }
  MakeStreams();
  if (!names_->valid()) return Status::FromErrno(ENOMEM, "verify " + directory_);
  if (checkpoint_) ROOST_RETURN_IF_ERROR(LoadCheckpoint());
  for (size_t index = 0; index < segments_.size(); ++index) {
    ROOST_RETURN_IF_ERROR(CheckSegment(index));
  }
  report_->last_sequence = report_->events == 0 ? 0 : chain_->sequence();
  report_->streams = streams_->count();
  report_->ends_with_mark = chain_->closed() || report_->records == 0;
  if (identity_ && WasClosed(*identity_) && !report_->ends_with_mark && report_->errors == 0) {
    // The mark is written before the identity says so.
    Add(Severity::kError, directory_ + "/identity", 0,
        "the log was closed, and the journal does not end with its closing mark: its newest events "
        "are missing");
  }
  report_->broker = DescribeLockHolder(directory_);
  return {};
}

// Each name is in the body of its stream's first event or in the checkpoint, so their sizes bound names and streams.
void Verifier::MakeStreams() {
  const uint64_t checkpoint_bytes = checkpoint_ ? checkpoint_->bytes.size() : 0;
  names_ = std::make_unique<NameSpace>(report_->file_bytes + checkpoint_bytes + kRingPage);
  streams_ = std::make_unique<StreamDirectory>(
      names_->span(),
      std::min(kStreamsMaxMax, report_->file_bytes / kEventBytesMin + checkpoint_bytes + 1));
  chain_ = std::make_unique<RecordChain>(streams_.get());
}

Status Verifier::LoadCheckpoint() {
  const Status loaded =
      LoadStreams(*checkpoint_, streams_.get(), chain_.get(), [](uint32_t, const StreamTail&) {});
  if (loaded.code() == StatusCode::kCorruption) {
    const CheckpointView::Section* section = checkpoint_->view.Find(SectionKind::kStreams);
    Add(Severity::kError, checkpoint_->path, section == nullptr ? 0 : section->offset,
        loaded.message());
    MakeStreams();
    if (!names_->valid()) return Status::FromErrno(ENOMEM, "verify " + directory_);
    chain_->SkipTo(checkpoint_->first_sequence() - 1);
  } else if (!loaded.ok()) {
    return loaded;
  }
  // The first segment must go on behind it.
  has_before_ = true;
  end_ = checkpoint_->first_position();
  return {};
}

// ---- which files ----

// B1 and B2 of recovery.cc.
Status Verifier::FindStart(std::vector<Segment>* segments) {
  auto start = FindJournalStart(directory_, *segments, identity_ ? identity_->log_id : nullptr);
  if (!start.ok()) return start.status();
  for (const DamagedCheckpoint& damaged : start->damaged) {
    Add(Severity::kError, directory_ + "/" + CheckpointName(damaged.first_sequence), 0,
        damaged.why.message());
  }
  if (!start->trouble.ok() && start->damaged.empty()) {
    Add(Severity::kError, segments->front().path, 0, start->trouble.message());
  }
  for (size_t index = 0; index < start->segments_before; ++index) {
    Add(Severity::kWarning, (*segments)[index].path, 0,
        "retention was deleting it: a checkpoint has what its events came to; the next start goes "
        "on with that");
  }
  segments->erase(segments->begin(),
                  segments->begin() + static_cast<ptrdiff_t>(start->segments_before));
  checkpoint_ = std::move(start->checkpoint);
  return {};
}

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

Status Verifier::FindSegments() {
  auto segments = SurveySegments(directory_);
  if (!segments.ok()) return segments.status();
  ROOST_RETURN_IF_ERROR(FindStart(&*segments));
  // P2 of recovery.cc.
  const size_t kept = same_boot_ ? segments->size() : FirstOfBlankTail(*segments);
  for (size_t index = kept; index < segments->size(); ++index) {
    Add(Severity::kWarning, (*segments)[index].path, 0,
        index == kept ? "a power cut took its header: the next start removes it"
                      : "it follows one whose header a power cut took: the next start removes it");
  }
  segments->resize(kept);
  for (Segment& segment : *segments) {
    ++report_->segments;
    report_->file_bytes += segment.file_bytes;
    if (segment.footer) ++report_->segments_closed;
    if (!segment.trouble.ok()) {
      Add(Severity::kError, segment.path, 0, segment.trouble.message());
      continue;
    }
    if (identity_) {
      if (const Status status = CheckBelongs(segment, identity_->log_id); !status.ok()) {
        Add(Severity::kError, segment.path, 0, status.message());
      }
    }
    segments_.push_back(std::move(segment));
  }
  if (report_->segments > 0 && !identity_ && report_->errors == 0) {
    Add(Severity::kError, directory_ + "/identity", 0, "the log's identity is missing");
  }
  return {};
}

// What no checksum covers, and recovery does not need.
Status Verifier::CheckSpare(int fd) {
  auto spare = FindSpareDamage(fd, segment_->header, segment_->path);
  if (!spare.ok()) return spare.status();
  for (const SpareDamage& damage : *spare) {
    Add(Severity::kError, segment_->path, damage.offset, damage.what);
  }
  return {};
}

// Names that are used for a while: what died may leave a file there, what is none of ours hinders the next start.
void Verifier::CheckLeftovers() {
  for (const std::string_view name :
       {kNewIdentityName, kNextSegmentName, kNewCheckpointName, kCompactName}) {
    const std::string path = directory_ + "/" + std::string(name);
    if (const Status plain = CheckPlainFile(path); !plain.ok()) {
      Add(Severity::kError, path, 0, plain.message());
    } else if (name == kCompactName && ::access(path.c_str(), F_OK) == 0) {
      Add(Severity::kWarning, path, 0,
          "a segment that was being compressed: the next start removes it");
    }
  }
}

// The frames lie one behind the other, so that no byte of the file is without a checksum.
Status Verifier::CheckFrames(int fd) {
  auto trailer = ReadFrameTrailer(fd, segment_->header, *segment_->footer, segment_->path);
  if (!trailer.ok()) return trailer.status();
  if (!*trailer) return {};
  uint64_t begin = kSegmentHeaderBytes;
  for (uint64_t frame = 1; frame <= (*trailer)->frame_count; ++frame) {
    FrameHeader header{};
    auto got = ReadAt(fd, std::as_writable_bytes(std::span<FrameHeader, 1>(&header, 1)), begin,
                      segment_->path);
    if (!got.ok()) return got.status();
    uint64_t next = (*trailer)->table_offset;
    if (frame < (*trailer)->frame_count) {
      got = ReadAt(fd, std::as_writable_bytes(std::span<uint64_t, 1>(&next, 1)),
                   (*trailer)->table_offset + frame * sizeof(next), segment_->path);
      if (!got.ok()) return got.status();
    }
    if (begin + sizeof(header) + header.stored != next) {
      Add(Severity::kError, segment_->path, begin, "the frame does not end where the next begins");
      return {};
    }
    begin = next;
  }
  return {};
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
  const Segment& segment = segments_[index];
  index_.clear();
  segment_ = &segment;
  Connect(segment);
  has_before_ = true;
  is_damaged_ = false;
  time_ns_min_ = UINT64_MAX;
  time_ns_max_ = 0;
  end_ = segment.header.base_position;
  lost_last_ = segment.footer ? segment.footer->lost_last : 0;

  const auto opened = OpenPlainFile(segment.path, O_RDONLY);
  if (opened.status().code() == StatusCode::kNotFound) {
    Add(Severity::kWarning, segment.path, 0, "retention has deleted it meanwhile");
    is_damaged_ = true;
    return {};
  }
  if (!opened.ok()) return opened.status();
  const UniqueFd& fd = *opened;
  uint64_t scan_end = segment.header.base_position;
  if (!IsCompressed(segment.header)) scan_end = segment.file_end();
  if (segment.footer) {
    scan_end = segment.footer->end_position;
    if (IsCompressed(segment.header)) {
      ++report_->segments_compressed;
      ROOST_RETURN_IF_ERROR(CheckFrames(fd.get()));
    }
    auto footer = ReadFooter(fd.get(), segment.header, segment.path, &index_);
    if (!footer.ok()) return footer.status();
  } else if (!IsNewest(index)) {
    scan_end = std::clamp(segments_[index + 1].header.base_position, end_, segment.file_end());
  }
  ROOST_RETURN_IF_ERROR(CheckSpare(fd.get()));
  SegmentScanner scanner(fd.get(), segment.path, segment.header, scan_end);
  ROOST_RETURN_IF_ERROR(ScanRecords(index, &scanner));
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
  if (entry < index_.size() && index_[entry].sequence == record.sequence &&
      index_[entry].position == position) {
    return;
  }
  Add(Severity::kError, segment_->path,
      segment_->file_bytes - FooterBytes(*segment_->footer) + entry * sizeof(IndexEntry),
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
  if (!same_boot_ && MayFollowAHole(std::span(segments_).subspan(index + 1))) return true;
  if (!IsNewest(index)) return false;
  auto sound = scanner->FindRecord(search, chain_->sequence());
  if (!sound.ok()) return sound.status();
  return !sound->has_value();
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
    } else if (segment_->file_bytes != segment_->header.size) {
      // A full segment is cut to its length when it is closed, after its footer was written.
      AddAt(Severity::kError, end_,
            "the footer is damaged or not at the file's end; the next start makes it again");
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
