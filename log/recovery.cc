// What is taken for the log, in this order.
//
// It begins
//   B1. behind the newest valid checkpoint (log/checkpoint_format.h): the segments before it are deleted;
//   B2. else with event 1. A checkpoint that is damaged does not matter where B1 holds for an older one whose segment
//       is there, or B2 does.
// A segment belongs to it if
//   S1. its header is valid (log/segment_format.h), its file is named by its base sequence, and it bears
//       this log's id;
//   S2. it begins at the sequence and position where the one before it ended; or, where the one
//       before it says in its footer which events were left out, behind those.
// A record belongs to it if
//   R1 to R5. it is valid (log/record_format.h), behind the valid records before it;
//   R6. its batch is complete.
// The records of a segment must reach
//   E1. the end that its footer names; without one
//   E2. the place where the next segment begins; and in the newest one
//   E3. zeros up to the end of the file.
//
// What does not, from the end of the last complete batch on, is an incomplete batch, and is cut off, if
//   C1. it is in the newest segment, which has no footer;
//   C2. it is not before the segment's mark, so was not known to be on the disk; and
//   C3. no sound record follows what is bad: a broker that dies leaves the front of what it wrote.
// A power cut loses what was not on the disk in any order. So, if the kernel was started anew while a
// broker had the log open, it is also cut off if C2 holds, the segment has no footer, and
//   P1. no later segment has a footer or a mark: these were begun after, and are removed;
// and a segment
//   P2. whose header never reached the disk (zeros, or no bytes) is removed, with those behind it, if P1
//       holds.
//
// Everything else is damage: refused, or, with accept_damage, left out from the end of the last
// complete batch to the end of that segment. A log without a beginning begins with its first segment then.
// Segments against S1, or which begin before the end of the one before them, are set aside whole then; but a
// compressed one whose end alone is damaged is read from its frames. Which events are missing is noted in the
// footer of the segment before.
#include "log/recovery.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include <fmt/core.h>

#include "base/check.h"
#include "base/own_file.h"
#include "log/file_io.h"
#include "log/journal_start.h"
#include "log/record.h"
#include "log/record_chain.h"
#include "log/segment_bytes.h"
#include "log/segment_compactor.h"
#include "log/segment_file.h"
#include "log/segment_scanner.h"
#include "log/segment_survey.h"
#include "log/stream_checkpoint.h"
#include "log/unsynced.h"

namespace roost {
namespace {

// Where the records of a segment stop.
struct Stop {
  uint64_t end = 0;            // of the last complete batch
  const char* what = nullptr;  // what is wrong behind it; nullptr: nothing
  uint64_t bad = 0;            // where
  uint64_t skip = 0;           // how far behind `bad` a sound record would be another one
};

using Candidate = SurveyedSegment;

class Recovery {
 public:
  Recovery(const DataDirectory& directory, const RecoverySpec& spec, StreamDirectory* streams,
           RingWriter* ring, RecoveryObserver* observer, RecoveryReport* report)
      : directory_(directory),
        spec_(spec),
        streams_(streams),
        ring_(ring),
        observer_(observer),
        report_(report),
        chain_(streams) {}

  Status Run();
  RecoveredJournal TakeResult() { return std::move(result_); }

 private:
  // A record of the batch that is not complete yet.
  struct PendingRecord {
    RecordHeader header;
    uint64_t position;
    size_t offset;  // in pending_bytes_
  };

  Status FindCandidates();
  Status FindStart();
  Status CheckCheckpointsAreOurs() const;
  Status SetCheckpointsAside();
  Status SettleTroubles();
  Status ReadFromFrames(Candidate* candidate);
  void StartRing();
  Status LoadCheckpoint();
  Status BeginWith(const SegmentHeader& first);
  Status FinishRetention();

  Result<bool> Connect(const Candidate& candidate);
  Status NoteGap(uint64_t lost_last);
  Status TakeSegment(size_t index);
  Result<Stop> Scan(const Candidate& candidate, uint64_t scan_end, OpenSegment* open);
  const char* TakeRecord(const SegmentScanner& scanner, OpenSegment* open);
  void Deliver(const RecordHeader& record, uint64_t position, Bytes bytes, OpenSegment* open);

  Status FindEnd(size_t index, uint64_t scan_end, Stop* stop, const OpenSegment& open) const;
  Result<bool> MayCut(size_t index, const Stop& stop, SegmentScanner* scanner) const;
  Status Cut(size_t index, const Stop& stop, const OpenSegment& open, uint64_t length);
  Status LeaveOut(size_t index, const Stop& stop, uint64_t length,
                  std::shared_ptr<OpenSegment>* open);
  Result<std::shared_ptr<OpenSegment>> Expand(const std::string& name, SegmentHeader* header,
                                              uint64_t end) const;
  static Status CutFile(const SegmentHeader& header, uint64_t end, const OpenSegment& open);
  Status CutWhatWasSetAside();
  Status ClearSpare();
  Status RemoveAfter(size_t index);

  Status Damage(const std::string& text) const;
  Status SetAside(const Candidate& candidate, const std::string& why);
  Status NoteLoss(const std::string& text);
  std::string Place(const Candidate& candidate, uint64_t position) const {
    return fmt::format("{} at offset {}", candidate.path,
                       OffsetOnDisk(candidate.path, candidate.header, position));
  }

  const DataDirectory& directory_;
  const RecoverySpec spec_;
  StreamDirectory* const streams_;
  RingWriter* const ring_;
  RecoveryObserver* const observer_;
  RecoveryReport* const report_;
  RecordChain chain_;
  std::vector<Candidate> candidates_;
  JournalStart start_;
  std::vector<StreamTail> tails_;               // as the checkpoint has them
  std::vector<std::string> obsolete_segments_;  // names
  std::vector<PendingRecord> pending_;
  std::vector<std::byte> pending_bytes_;
  uint64_t lost_last_ = 0;  // as the footer of the segment before says
  RecoveredJournal result_;
};

Status Recovery::Damage(const std::string& text) const {
  return {
      StatusCode::kCorruption,
      fmt::format("{}. `roost verify --data {}` lists all damage; roostd --accept-damage starts "
                  "without what is damaged",
                  text, directory_.path())};
}

// Comes before what it speaks of is done.
Status Recovery::NoteLoss(const std::string& text) {
  if (!result_.sequences_may_repeat && spec_.before_loss) {
    ROOST_RETURN_IF_ERROR(spec_.before_loss());
  }
  result_.sequences_may_repeat = true;
  if (!report_->damage.empty()) report_->damage += "; ";
  report_->damage += text;
  return {};
}

Status Recovery::SetAside(const Candidate& candidate, const std::string& why) {
  if (!spec_.accept_damage) return Damage(why);
  ROOST_RETURN_IF_ERROR(NoteLoss(fmt::format("set {} aside: {}", candidate.name, why)));
  return directory_.Rename(candidate.name, candidate.name + ".damaged");
}

Status Recovery::Run() {
  ROOST_RETURN_IF_ERROR(FindCandidates());
  ROOST_RETURN_IF_ERROR(FindStart());
  ROOST_RETURN_IF_ERROR(SettleTroubles());
  StartRing();
  ROOST_RETURN_IF_ERROR(LoadCheckpoint());
  for (size_t index = 0; index < candidates_.size(); ++index) {
    auto connected = Connect(candidates_[index]);
    if (!connected.ok()) return connected.status();
    if (*connected) ROOST_RETURN_IF_ERROR(TakeSegment(index));
  }
  ROOST_RETURN_IF_ERROR(CutWhatWasSetAside());
  // After a start of the kernel what can be read has been read from the disk.
  if (spec_.same_boot && !spec_.was_closed) {
    ROOST_RETURN_IF_ERROR(WriteUnsyncedAgain(directory_, result_.segments));
  }
  ROOST_RETURN_IF_ERROR(FinishRetention());
  if (spec_.accept_damage) ROOST_RETURN_IF_ERROR(ClearSpare());
  ring_->FinishLoading(*streams_);
  result_.head = chain_.sequence();
  result_.ends_with_mark = chain_.closed() || result_.segments.empty();
  return {};
}

// The segments behind the last one taken were set aside, and one of them may have ended the scan of that
// one too soon. It is the newest now, so it must have nothing behind its end.
Status Recovery::CutWhatWasSetAside() {
  if (result_.segments.empty() || result_.segments.back().open == nullptr) return {};
  JournalSegment& last = result_.segments.back();
  if (last.name == candidates_.back().name) return {};
  last.bytes = last.header.size;
  return CutFile(last.header, last.end_position, *last.open);
}

// Bytes that nothing is read from, and marks whose checksum is wrong, hinder no start, but `verify` would find them for
// ever.
Status Recovery::ClearSpare() {
  for (const JournalSegment& segment : result_.segments) {
    const std::string path = directory_.PathOf(segment.name);
    auto file = directory_.OpenFile(segment.name, O_RDWR);
    if (!file.ok()) return file.status();
    auto spare = FindSpareDamage(file->get(), segment.header, path);
    if (!spare.ok()) return spare.status();
    if (spare->empty()) continue;
    for (const SpareDamage& damage : *spare) {
      if (!report_->damage.empty()) report_->damage += "; ";
      report_->damage += fmt::format("{} at offset {}: {}: made zeros", path, damage.offset,
                                     damage.what);
      const std::vector<std::byte> zeros(damage.end - damage.begin);
      ROOST_RETURN_IF_ERROR(WriteAt(file->get(), zeros, damage.begin, path));
    }
    ROOST_RETURN_IF_ERROR(SyncData(file->get(), path));
  }
  return {};
}

// ---- which files ----

// S1.
Status Recovery::FindCandidates() {
  auto segments = SurveySegments(directory_.path());
  if (!segments.ok()) return segments.status();
  candidates_ = std::move(*segments);
  for (Candidate& candidate : candidates_) {
    if (candidate.trouble.code() == StatusCode::kIncompatible) return candidate.trouble;
    if (candidate.trouble.ok()) candidate.trouble = CheckBelongs(candidate, spec_.log_id);
  }
  return {};
}

// B1 and B2.
Status Recovery::FindStart() {
  ROOST_RETURN_IF_ERROR(CheckCheckpointsAreOurs());
  auto start = FindJournalStart(directory_.path(), candidates_, spec_.log_id);
  if (!start.ok()) return start.status();
  start_ = std::move(*start);
  const auto kept = candidates_.begin() + static_cast<ptrdiff_t>(start_.segments_before);
  for (auto segment = candidates_.begin(); segment != kept; ++segment) {
    obsolete_segments_.push_back(segment->name);
  }
  candidates_.erase(candidates_.begin(), kept);
  for (const Candidate& candidate : candidates_) {
    result_.running_s = std::max(result_.running_s, candidate.running_s);
  }
  if (start_.trouble.ok()) return {};
  if (!spec_.accept_damage) return Damage(start_.trouble.message());
  ROOST_RETURN_IF_ERROR(NoteLoss(start_.trouble.message()));
  return SetCheckpointsAside();
}

// As the segments, which are opened for writing.
Status Recovery::CheckCheckpointsAreOurs() const {
  const auto checkpoints = ListCheckpoints(directory_.path());
  if (!checkpoints.ok()) return checkpoints.status();
  for (const uint64_t sequence : *checkpoints) {
    const std::string name = CheckpointName(sequence);
    ROOST_RETURN_IF_ERROR(CheckOwnFileAt(directory_.fd(), name, directory_.PathOf(name)));
  }
  return {};
}

Status Recovery::SetCheckpointsAside() {
  for (const DamagedCheckpoint& damaged : start_.damaged) {
    const std::string name = CheckpointName(damaged.first_sequence);
    ROOST_RETURN_IF_ERROR(directory_.Rename(name, name + ".damaged"));
  }
  start_.damaged.clear();
  return {};
}

// Before the first record.
Status Recovery::LoadCheckpoint() {
  if (!start_.checkpoint) {
    const bool begins_later = !candidates_.empty() && candidates_[0].header.base_sequence > 1;
    return begins_later ? BeginWith(candidates_[0].header) : Status();
  }
  const Status loaded = LoadStreams(*start_.checkpoint, streams_, &chain_,
                                    [this](uint32_t id, const StreamTail& tail) {
                                      ring_->LoadStream(id, tail);
                                      tails_.resize(id + 1);
                                      tails_[id] = tail;
                                    });
  ROOST_RETURN_IF_ERROR(loaded);
  if (observer_ != nullptr) ROOST_RETURN_IF_ERROR(observer_->LoadState(*start_.checkpoint));
  start_.checkpoint->bytes = std::vector<std::byte>();  // {} would keep its memory
  return {};
}

// What came before this segment is lost, and that was accepted: a checkpoint of what is known says so to the next
// start.
Status Recovery::BeginWith(const SegmentHeader& first) {
  chain_.SkipTo(first.base_sequence - 1);
  result_.position = first.base_position;
  tails_.resize(streams_->count());
  std::vector<StateSection> sections = {SaveStreams(*streams_, chain_, tails_)};
  if (observer_ != nullptr) observer_->SaveState(&sections);
  CheckpointHeader header{};
  std::memcpy(header.log_id, spec_.log_id, sizeof(header.log_id));
  header.first_sequence = first.base_sequence;
  header.first_position = first.base_position;
  if (start_.checkpoint) start_.obsolete.push_back(start_.checkpoint->first_sequence());
  return WriteCheckpoint(directory_, first.base_sequence, MakeCheckpoint(header, sections));
}

// What a broker was about to delete when it died, and what it or `roost compact` had not finished. The checkpoint's
// name must be on the disk before.
Status Recovery::FinishRetention() {
  if (!obsolete_segments_.empty()) ROOST_RETURN_IF_ERROR(directory_.Sync());
  for (const std::string& name : obsolete_segments_) {
    ROOST_RETURN_IF_ERROR(DeleteSegment(directory_, name));
  }
  for (const DamagedCheckpoint& damaged : start_.damaged) {
    if (!report_->cut.empty()) report_->cut += "; ";
    report_->cut +=
        fmt::format("removed a checkpoint that is not needed ({})", damaged.why.message());
    ROOST_RETURN_IF_ERROR(directory_.Remove(CheckpointName(damaged.first_sequence)));
  }
  for (const uint64_t sequence : start_.obsolete) {
    ROOST_RETURN_IF_ERROR(directory_.Remove(CheckpointName(sequence)));
  }
  ROOST_RETURN_IF_ERROR(directory_.RemoveLeftover(kCompactName));
  return directory_.RemoveLeftover(kNewCheckpointName);
}

// S1, P2.
Status Recovery::SettleTroubles() {
  const size_t blank = spec_.same_boot ? candidates_.size() : FirstOfBlankTail(candidates_);
  if (blank < candidates_.size()) {
    report_->cut =
        fmt::format("removed {}, whose header a power cut took", candidates_[blank].path);
    ROOST_RETURN_IF_ERROR(RemoveAfter(blank));
    ROOST_RETURN_IF_ERROR(directory_.Remove(candidates_.back().name));
    candidates_.pop_back();
  }
  for (Candidate& candidate : candidates_) {
    if (candidate.trouble.ok()) continue;
    const bool is_ours = candidate.has_lost_end && CheckBelongs(candidate, spec_.log_id).ok();
    ROOST_RETURN_IF_ERROR(is_ours && spec_.accept_damage
                              ? ReadFromFrames(&candidate)
                              : SetAside(candidate, candidate.trouble.message()));
  }
  std::erase_if(candidates_, [](const Candidate& candidate) { return !candidate.trouble.ok(); });
  return {};
}

// A compressed segment without its end is made plain again, as far as its frames go: what they have may be all.
Status Recovery::ReadFromFrames(Candidate* candidate) {
  ROOST_RETURN_IF_ERROR(NoteLoss(candidate->trouble.message() + ": read from its frames"));
  auto file = directory_.OpenFile(candidate->name, O_RDONLY);
  if (!file.ok()) return file.status();
  auto bytes = SegmentBytes::Open(file->get(), candidate->path, candidate->header);
  if (!bytes.ok()) return bytes.status();
  auto expanded = ExpandSegment(directory_, candidate->name, bytes->end_position());
  if (!expanded.ok()) return expanded.status();
  auto again = SurveySegment({candidate->name_sequence, candidate->path});
  if (!again.ok()) return again.status();
  *candidate = std::move(*again);
  return candidate->trouble;
}

// The ring begins where it will surely not be reclaimed again, so that most of the journal need not be
// copied into it.
void Recovery::StartRing() {
  uint64_t position = kFirstPosition;
  uint64_t sequence = 1;
  if (start_.checkpoint) {
    position = start_.checkpoint->first_position();
    sequence = start_.checkpoint->first_sequence();
  } else if (!candidates_.empty()) {
    position = candidates_.front().header.base_position;
    sequence = candidates_.front().header.base_sequence;
  }
  const uint64_t newest = candidates_.empty() ? position : candidates_.back().header.base_position;
  const uint64_t reach = ring_->records_size();
  const bool is_long = newest > position && newest - position > reach;
  ring_->StartAt(is_long ? newest - reach : position, sequence - 1);
  result_.position = position;
}

// ---- one segment after the other ----

// S2. False: the candidate is set aside.
Result<bool> Recovery::Connect(const Candidate& candidate) {
  const SegmentHeader& header = candidate.header;
  const uint64_t expected = chain_.sequence() + 1;
  if (header.base_sequence == expected && header.base_position == result_.position) return true;
  const std::string text = fmt::format(
      "{}: it begins with event {} at position {}, where event {} at position {} is due",
      candidate.path, header.base_sequence, header.base_position, expected, result_.position);
  if (header.base_sequence < expected || header.base_position < result_.position) {
    if (Status status = SetAside(candidate, text); !status.ok()) return status;
    return false;
  }
  if (lost_last_ + 1 != header.base_sequence) {
    if (!spec_.accept_damage) return Damage(text);
    Status noted = NoteLoss(
        header.base_sequence == expected
            ? text
            : fmt::format("events {} to {} are left out", expected, header.base_sequence - 1));
    if (!noted.ok()) return noted;
    Status status =
        result_.segments.empty() ? BeginWith(header) : NoteGap(header.base_sequence - 1);
    if (!status.ok()) return status;
  }
  chain_.SkipTo(header.base_sequence - 1);
  result_.position = header.base_position;
  return true;
}

// Writes into the footer of the segment before that events up to this one are missing behind it.
Status Recovery::NoteGap(uint64_t lost_last) {
  JournalSegment& before = result_.segments.back();
  if (before.open != nullptr) {
    ROOST_RETURN_IF_ERROR(before.open->Close(lost_last));
    before.bytes = before.open->closed_bytes();
    before.open.reset();
    return {};
  }
  if (IsCompressed(before.header)) {
    auto open = Expand(before.name, &before.header, before.end_position);
    if (!open.ok()) return open.status();
    ROOST_RETURN_IF_ERROR((*open)->Close(lost_last));
    before.bytes = (*open)->closed_bytes();
    return {};
  }
  const std::string path = directory_.PathOf(before.name);
  auto file = directory_.OpenFile(before.name, O_RDWR);
  if (!file.ok()) return file.status();
  std::vector<IndexEntry> index;
  auto footer = ReadFooter(file->get(), before.header, path, &index);
  if (!footer.ok()) return footer.status();
  if (!*footer) return {StatusCode::kIoError, path + ": its footer was there a moment ago"};
  (*footer)->lost_last = lost_last;
  return WriteFooter(file->get(), before.header, **footer, index, path);
}

Status Recovery::TakeSegment(size_t index) {
  Candidate& candidate = candidates_[index];
  const bool is_newest = index + 1 == candidates_.size();
  uint64_t scan_end = candidate.file_end();
  if (candidate.footer) {
    scan_end = candidate.footer->end_position;
  } else if (!is_newest) {
    scan_end = std::clamp(candidates_[index + 1].header.base_position,
                          candidate.header.base_position, candidate.file_end());
  }
  auto file = directory_.OpenFile(candidate.name, O_RDWR);
  if (!file.ok()) return file.status();
  auto open = std::make_shared<OpenSegment>(std::move(*file), candidate.path, candidate.header,
                                            scan_end - candidate.header.base_position);
  auto stop = Scan(candidate, scan_end, open.get());
  if (!stop.ok()) return stop.status();
  ROOST_RETURN_IF_ERROR(FindEnd(index, scan_end, &*stop, *open));

  JournalSegment segment;
  segment.header = candidate.header;
  segment.name = candidate.name;
  segment.bytes = candidate.file_bytes;
  if (stop->what != nullptr) {
    SegmentScanner scanner(open->fd(), open->name(), candidate.header, candidate.file_end());
    auto length = scanner.LengthBehind(stop->end);
    if (!length.ok()) return length.status();
    auto may_cut = MayCut(index, *stop, &scanner);
    if (!may_cut.ok()) return may_cut.status();
    ROOST_RETURN_IF_ERROR(*may_cut ? Cut(index, *stop, *open, *length)
                                   : LeaveOut(index, *stop, *length, &open));
    segment.header = candidate.header;
    segment.bytes = candidate.header.size;
    candidate.footer.reset();
  } else if (is_newest && !candidate.footer && candidate.file_bytes < candidate.header.size) {
    ROOST_RETURN_IF_ERROR(Preallocate(open->fd(), candidate.header.size, open->name()));
    segment.bytes = candidate.header.size;
  }
  segment.end_position = open->end_position();
  segment.last_sequence = open->last_sequence();
  lost_last_ = candidate.footer ? candidate.footer->lost_last : 0;
  if (!candidate.footer) segment.open = std::move(open);
  result_.position = segment.end_position;
  result_.segments.push_back(std::move(segment));
  return {};
}

// R1 to R6.
Result<Stop> Recovery::Scan(const Candidate& candidate, uint64_t scan_end, OpenSegment* open) {
  SegmentScanner scanner(open->fd(), open->name(), candidate.header, scan_end);
  Stop stop;
  while (stop.what == nullptr) {
    const SegmentScanner::Outcome outcome = scanner.Next();
    if (outcome == SegmentScanner::Outcome::kError) return scanner.status();
    if (outcome == SegmentScanner::Outcome::kEnd) {
      if (chain_.batch_is_complete()) break;
      stop.what = "the batch is incomplete";
    } else if (outcome == SegmentScanner::Outcome::kBad) {
      stop.what = scanner.what();
      // Behind the place that the record claims: its body may hold what looks like one.
      if (scanner.record_header().sequence == chain_.sequence() + 1) stop.skip = scanner.bad_size();
    } else {
      const RecordHeader& record = scanner.record_header();
      if (record.kind == RecordKind::kEvent && record.stream >= streams_->streams_max()) {
        return {
            StatusCode::kExhausted,
            fmt::format("{}: the log has more than {} streams: start with a larger --max-streams",
                        Place(candidate, scanner.position()), streams_->streams_max())};
      }
      stop.what = TakeRecord(scanner, open);
    }
    stop.bad = scanner.position();
  }
  chain_.DropBatch();
  pending_.clear();
  pending_bytes_.clear();
  stop.end = open->end_position();
  return stop;
}

// Events are for nobody before their batch is complete.
const char* Recovery::TakeRecord(const SegmentScanner& scanner, OpenSegment* open) {
  const RecordHeader& record = scanner.record_header();
  const Bytes bytes = scanner.record();
  if (pending_bytes_.size() + bytes.size() > kRecordBytesMax) return "no batch is as large as this";
  if (const char* wrong = chain_.Add(record, scanner.body(), scanner.position())) return wrong;
  if (pending_.empty() && chain_.batch_is_complete()) {
    Deliver(record, scanner.position(), bytes, open);
    return nullptr;
  }
  pending_.push_back({record, scanner.position(), pending_bytes_.size()});
  pending_bytes_.insert(pending_bytes_.end(), bytes.begin(), bytes.end());
  if (!chain_.batch_is_complete()) return nullptr;
  for (const PendingRecord& one : pending_) {
    Deliver(one.header, one.position, Bytes(pending_bytes_).subspan(one.offset, one.header.size),
            open);
  }
  pending_.clear();
  pending_bytes_.clear();
  return nullptr;
}

void Recovery::Deliver(const RecordHeader& record, uint64_t position, Bytes bytes,
                       OpenSegment* open) {
  open->Note(record);
  if (record.kind != RecordKind::kEvent) return;
  ring_->Load(position, bytes);
  ++report_->events;
  if (observer_ != nullptr) {
    observer_->OnEvent(record, bytes.subspan(kRecordHeaderBytes, record.body_length));
  }
}

// ---- where it ends ----

// E1 to E3: completes `stop` where nothing was wrong so far, but the end is not as it must be.
Status Recovery::FindEnd(size_t index, uint64_t scan_end, Stop* stop,
                         const OpenSegment& open) const {
  if (stop->what != nullptr) return {};
  const Candidate& candidate = candidates_[index];
  const bool is_newest = index + 1 == candidates_.size();
  stop->bad = stop->end;
  if (candidate.footer) {
    if (stop->end != scan_end || chain_.sequence() != candidate.footer->last_sequence) {
      stop->what = "the records end elsewhere than the footer says";
    }
  } else if (!is_newest) {
    if (stop->end != candidates_[index + 1].header.base_position) {
      stop->what = "the records end before the next segment begins";
    }
  } else {
    SegmentScanner scanner(open.fd(), open.name(), candidate.header, scan_end);
    auto length = scanner.LengthBehind(stop->end);
    if (!length.ok()) return length.status();
    if (*length > 0) {
      stop->what = "there are bytes behind the last record";
    } else if (stop->end < candidate.mark) {
      stop->what = "records that were on the disk are missing";
    }
  }
  return {};
}

// C1 to C3, P1.
Result<bool> Recovery::MayCut(size_t index, const Stop& stop, SegmentScanner* scanner) const {
  const Candidate& candidate = candidates_[index];
  if (candidate.footer || stop.end < candidate.mark) return false;
  if (!spec_.same_boot && MayFollowAHole(std::span(candidates_).subspan(index + 1))) return true;
  if (index + 1 != candidates_.size()) return false;
  auto sound = scanner->FindRecord(stop.bad + stop.skip, chain_.sequence());
  if (!sound.ok()) return sound.status();
  return !sound->has_value();
}

Status Recovery::Cut(size_t index, const Stop& stop, const OpenSegment& open, uint64_t length) {
  const Candidate& candidate = candidates_[index];
  report_->bytes_cut = length;
  if (!report_->cut.empty()) report_->cut += "; ";
  report_->cut +=
      fmt::format("cut {} bytes of an incomplete batch off {}", length, Place(candidate, stop.end));
  ROOST_RETURN_IF_ERROR(RemoveAfter(index));
  return CutFile(candidate.header, stop.end, open);
}

// They are gone before what makes them useless is mended: should this be interrupted, the rules still find
// the same end.
Status Recovery::RemoveAfter(size_t index) {
  while (candidates_.size() > index + 1) {
    ROOST_RETURN_IF_ERROR(directory_.Remove(candidates_.back().name));
    report_->cut += fmt::format(", removed {} behind it", candidates_.back().name);
    candidates_.pop_back();
  }
  return directory_.Sync();
}

// What was cut must not come back behind what is written next, so it is gone from the disk before.
Status Recovery::CutFile(const SegmentHeader& header, uint64_t end, const OpenSegment& open) {
  if (::ftruncate(open.fd(), static_cast<off_t>(OffsetInSegment(header, end))) != 0) {
    return Status::FromErrno(errno, "cut " + open.name());
  }
  ROOST_RETURN_IF_ERROR(Preallocate(open.fd(), header.size, open.name()));
  return SyncFile(open.fd(), open.name());
}

Status Recovery::LeaveOut(size_t index, const Stop& stop, uint64_t length,
                          std::shared_ptr<OpenSegment>* open) {
  Candidate& candidate = candidates_[index];
  const std::string text = fmt::format("{}: {}", Place(candidate, stop.bad), stop.what);
  if (!spec_.accept_damage) return Damage(text);
  ROOST_RETURN_IF_ERROR(NoteLoss(
      fmt::format("left out {} bytes from {} on ({})", length, Place(candidate, stop.end), text)));
  if (!IsCompressed(candidate.header)) return CutFile(candidate.header, stop.end, **open);
  auto expanded = Expand(candidate.name, &candidate.header, stop.end);
  if (!expanded.ok()) return expanded.status();
  *open = std::move(*expanded);
  return {};
}

// Makes a compressed segment plain again, up to `end`: nothing else can be gone on with, or given another
// footer.
Result<std::shared_ptr<OpenSegment>> Recovery::Expand(const std::string& name,
                                                      SegmentHeader* header, uint64_t end) const {
  auto file = ExpandSegment(directory_, name, end);
  if (!file.ok()) return file.status();
  header->version = kSegmentVersion;
  const std::string path = directory_.PathOf(name);
  auto open = std::make_shared<OpenSegment>(std::move(*file), path, *header,
                                            end - header->base_position);
  SegmentScanner scanner(open->fd(), path, *header, end);
  SegmentScanner::Outcome outcome = SegmentScanner::Outcome::kRecord;
  while ((outcome = scanner.Next()) == SegmentScanner::Outcome::kRecord) {
    open->Note(scanner.record_header());
  }
  if (outcome != SegmentScanner::Outcome::kEnd) {
    return Status(StatusCode::kIoError, path + ": what was just written reads otherwise");
  }
  return open;
}

}  // namespace

Result<RecoveredJournal> RecoverJournal(const DataDirectory& directory, const RecoverySpec& spec,
                                        StreamDirectory* streams, RingWriter* ring,
                                        RecoveryObserver* observer, RecoveryReport* report) {
  RecoveryReport unused;
  Recovery recovery(directory, spec, streams, ring, observer, report != nullptr ? report : &unused);
  ROOST_RETURN_IF_ERROR(recovery.Run());
  return recovery.TakeResult();
}

}  // namespace roost
