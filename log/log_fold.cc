#include "log/log_fold.h"

#include <cerrno>
#include <cstring>

#include <fmt/core.h>

#include "log/ring_format.h"
#include "log/segment_file.h"
#include "log/segment_scanner.h"
#include "log/stream_checkpoint.h"

namespace roost {

LogFold::LogFold(uint64_t streams_max, uint64_t names_bytes, RecoveryObserver* observer)
    : observer_(observer),
      names_(names_bytes),
      streams_(names_.span(), streams_max),
      chain_(&streams_),
      position_(kFirstPosition) {}

Result<std::unique_ptr<LogFold>> LogFold::Begin(uint64_t streams_max, RecoveryObserver* observer) {
  std::unique_ptr<LogFold> fold(
      new LogFold(streams_max, streams_max * kStreamNameBytesMax + kRingPage, observer));
  if (!fold->names_.valid()) return Status::FromErrno(ENOMEM, "fold the journal");
  return fold;
}

Status LogFold::Load(const Checkpoint& checkpoint) {
  ROOST_RETURN_IF_ERROR(
      LoadStreams(checkpoint, &streams_, &chain_, [this](uint32_t id, const StreamTail& tail) {
        tails_.resize(id + 1);
        tails_[id] = tail;
      }));
  tails_.resize(streams_.count());
  position_ = checkpoint.first_position();
  // What is missing before it is not missing behind it.
  lost_last_ = checkpoint.first_sequence() - 1;
  return observer_->LoadState(checkpoint);
}

Status LogFold::Connect(const SegmentHeader& header, const std::string& path) {
  const uint64_t expected = chain_.sequence() + 1;
  if (header.base_sequence == expected && header.base_position == position_) return {};
  if (header.base_sequence < expected || header.base_position < position_ ||
      lost_last_ + 1 != header.base_sequence) {
    return {StatusCode::kCorruption,
            fmt::format("{} begins with event {} at position {}, where event {} at position {} is "
                        "due",
                        path, header.base_sequence, header.base_position, expected, position_)};
  }
  chain_.SkipTo(header.base_sequence - 1);
  position_ = header.base_position;
  return {};
}

Status LogFold::Take(int fd, const std::string& path) {
  auto header = ReadSegmentHeader(fd, path);
  if (!header.ok()) return header.status();
  auto footer = ReadFooter(fd, *header, path);
  if (!footer.ok()) return footer.status();
  if (!*footer) return {StatusCode::kCorruption, path + ": its footer is damaged"};
  ROOST_RETURN_IF_ERROR(Connect(*header, path));
  SegmentScanner scanner(fd, path, *header, (*footer)->end_position);
  const char* wrong = nullptr;
  while (wrong == nullptr) {
    const SegmentScanner::Outcome outcome = scanner.Next();
    if (outcome == SegmentScanner::Outcome::kError) return scanner.status();
    if (outcome == SegmentScanner::Outcome::kEnd) break;
    if (outcome == SegmentScanner::Outcome::kBad) {
      wrong = scanner.what();
      break;
    }
    const RecordHeader& record = scanner.record_header();
    wrong = chain_.Add(record, scanner.body(), scanner.position());
    if (wrong != nullptr) break;
    position_ = scanner.position() + record.size;
    if (record.kind != RecordKind::kEvent) continue;
    if (tails_.size() <= record.stream) tails_.resize(record.stream + 1);
    tails_[record.stream] = {record.revision, scanner.position(), record.sequence, record.time_ns};
    observer_->OnEvent(record, scanner.body());
  }
  const bool is_whole = chain_.batch_is_complete() && position_ == (*footer)->end_position &&
                        chain_.sequence() == (*footer)->last_sequence;
  if (wrong == nullptr && !is_whole) wrong = "the records end elsewhere than the footer says";
  if (wrong != nullptr) {
    return {StatusCode::kCorruption,
            fmt::format("{} at offset {}: {}", path, scanner.OffsetOf(scanner.position()),
                        wrong)};
  }
  lost_last_ = (*footer)->lost_last;
  return {};
}

Result<std::vector<std::byte>> LogFold::MakeFile(const uint8_t (&log_id)[16],
                                                 const SegmentHeader& next) {
  ROOST_RETURN_IF_ERROR(Connect(next, SegmentName(next.base_sequence)));
  tails_.resize(streams_.count());
  std::vector<StateSection> sections = {SaveStreams(streams_, chain_, tails_)};
  observer_->SaveState(&sections);
  CheckpointHeader header{};
  std::memcpy(header.log_id, log_id, sizeof(header.log_id));
  header.first_sequence = next.base_sequence;
  header.first_position = next.base_position;
  return MakeCheckpoint(header, sections);
}

}  // namespace roost
