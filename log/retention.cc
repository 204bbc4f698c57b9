#include "log/retention.h"

#include <fcntl.h>

#include <algorithm>

#include "base/clock.h"
#include "log/file_io.h"

namespace roost {
namespace {

Result<uint64_t> SizeOf(const DataDirectory& directory, std::string_view name) {
  auto file = directory.OpenFile(name, O_RDONLY);
  if (!file.ok()) return file.status();
  return FileSize(file->get(), directory.PathOf(name));
}

}  // namespace

Result<RetentionRound> Retention::Run(const ObserverMaker& make) {
  ROOST_RETURN_IF_ERROR(failure_);
  if (!has_looked_) {
    // Recovery has left the one that is in force, or none.
    auto checkpoints = ListCheckpoints(directory_->path());
    if (!checkpoints.ok()) return checkpoints.status();
    if (!checkpoints->empty()) {
      auto size = SizeOf(*directory_, CheckpointName(checkpoints->back()));
      if (!size.ok()) return size.status();
      checkpoint_ = checkpoints->back();
      checkpoint_bytes_ = *size;
    }
    has_looked_ = true;
  }
  Status finished = FinishDeleting();
  if (!finished.ok()) return Failed(std::move(finished));
  const Segments segments = journal_->Segments();
  if (spec_.age_ns != 0) CloseEarly(segments.back());
  const size_t due = CountDue(segments, checkpoint_bytes_);
  if (due == 0) return RetentionRound();
  auto round = Delete(segments, due, make);
  return round.ok() ? round : Failed(round.status());
}

// For want of room, descriptors or memory it is tried again.
Status Retention::Failed(Status why) {
  if (why.code() != StatusCode::kExhausted && why.code() != StatusCode::kBusy) failure_ = why;
  return why;
}

// Steps 4 and 5, also those of a round before that came no further.
Status Retention::FinishDeleting() {
  ROOST_RETURN_IF_ERROR(journal_->DeleteObsolete());
  if (obsolete_ == 0) return {};
  ROOST_RETURN_IF_ERROR(directory_->Remove(CheckpointName(obsolete_)));
  obsolete_ = 0;
  return {};
}

void Retention::CloseEarly(const JournalSegment& newest) const {
  const uint64_t old_s = std::max<uint64_t>(1, spec_.age_ns / kNsPerSecond / 4);
  if (newest.open == nullptr || !newest.open->has_events()) return;
  if (journal_->running_s() >= newest.header.running_s + old_s) journal_->WantNextSegment();
}

// No event of the segment before `next` is younger than this one's beginning.
bool Retention::IsTooOld(const JournalSegment& next) const {
  const uint64_t now_s = journal_->running_s();
  return spec_.age_ns != 0 && now_s > next.header.running_s &&
         (now_s - next.header.running_s) * kNsPerSecond >= spec_.age_ns;
}

size_t Retention::CountDue(const Segments& segments, uint64_t checkpoint_bytes) const {
  uint64_t bytes = checkpoint_bytes;
  for (const JournalSegment& segment : segments) bytes += segment.bytes;
  size_t due = 0;
  while (due + 1 < segments.size() && segments[due].open == nullptr) {
    const bool is_too_much = spec_.bytes != 0 && bytes > spec_.bytes;
    if (!is_too_much && !IsTooOld(segments[due + 1])) break;
    bytes -= segments[due].bytes;
    ++due;
  }
  return due;
}

Status Retention::Fold(LogFold* fold, const Segments& segments, size_t count) const {
  if (checkpoint_ != 0) {
    auto before = ReadCheckpoint(directory_->path(), checkpoint_, spec_.log_id);
    if (!before.ok()) return before.status();
    ROOST_RETURN_IF_ERROR(fold->Load(*before));
  }
  for (size_t i = 0; i < count; ++i) {
    auto file = directory_->OpenFile(segments[i].name, O_RDONLY);
    if (!file.ok()) return file.status();
    ROOST_RETURN_IF_ERROR(fold->Take(file->get(), directory_->PathOf(segments[i].name)));
  }
  return {};
}

Result<std::vector<std::byte>> Retention::MakeFile(const Segments& segments, size_t count,
                                                   const ObserverMaker& make) const {
  const std::unique_ptr<RecoveryObserver> observer = make();
  auto fold = LogFold::Begin(spec_.streams_max, observer.get());
  if (!fold.ok()) return fold.status();
  ROOST_RETURN_IF_ERROR(Fold(fold->get(), segments, count));
  return (*fold)->MakeFile(spec_.log_id, segments[count].header);
}

// What the next start will do with it. It is tried while the events are still there.
Result<std::unique_ptr<LogFold>> Retention::LoadAgain(const std::vector<std::byte>& file,
                                                      const SegmentHeader& next,
                                                      RecoveryObserver* observer) const {
  Checkpoint checkpoint;
  checkpoint.path = "the new checkpoint";
  checkpoint.bytes = file;
  auto view = ParseCheckpoint(checkpoint.bytes, checkpoint.path);
  if (!view.ok()) return view.status();
  checkpoint.view = std::move(*view);
  auto fold = LogFold::Begin(spec_.streams_max, observer);
  if (!fold.ok()) return fold.status();
  ROOST_RETURN_IF_ERROR((*fold)->Load(checkpoint));
  auto again = (*fold)->MakeFile(spec_.log_id, next);
  if (!again.ok()) return again.status();
  if (*again != file) {
    return {StatusCode::kCorruption, "the new checkpoint does not say what was put into it"};
  }
  return fold;
}

Result<RetentionRound> Retention::Delete(const Segments& segments, size_t count,
                                         const ObserverMaker& make) {
  const SegmentHeader& next = segments[count].header;
  // The segment behind, and its name, must be on the disk when those before it are not.
  ROOST_RETURN_IF_ERROR(journal_->Sync());
  auto file = MakeFile(segments, count, make);
  if (!file.ok()) return file.status();
  const std::unique_ptr<RecoveryObserver> observer = make();
  auto fold = LoadAgain(*file, next, observer.get());
  if (!fold.ok()) return fold.status();
  ROOST_RETURN_IF_ERROR(WriteCheckpoint(*directory_, next.base_sequence, *file));  // steps 1 and 2
  obsolete_ = checkpoint_;
  checkpoint_ = next.base_sequence;
  checkpoint_bytes_ = file->size();

  announce_(next.base_sequence, **fold);                              // step 3
  ROOST_RETURN_IF_ERROR(journal_->DeleteBefore(next.base_sequence));  // step 4
  ROOST_RETURN_IF_ERROR(FinishDeleting());                            // step 5
  RetentionRound round{
      .segments = count, .oldest = next.base_sequence, .checkpoint_bytes = checkpoint_bytes_};
  for (size_t i = 0; i < count; ++i) round.bytes += segments[i].bytes;
  return round;
}

}  // namespace roost
