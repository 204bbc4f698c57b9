#include "log/log_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/check.h"
#include "base/clock.h"
#include "log/data_directory.h"
#include "log/journal_writer.h"
#include "log/record.h"
#include "log/recovery.h"
#include "log/retention.h"
#include "log/ring_condenser.h"
#include "log/ring_writer.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/stream_directory.h"
#include "log/turn.h"

namespace roost {
namespace {

// How many bytes of small batches one commit takes; a larger batch makes a commit of its own. What is staged is read again to be
// written to the journal and to the ring: a part of a core's cache holds it. A sync is worth more than that.
uint64_t SharedTurnBytes(Durability durability) {
  return durability == Durability::kPower ? 1ull << 20 : 256ull << 10;
}

Status CheckOptions(const LogOptions& options) {
  const auto invalid = [](const std::string& text) {
    return Status(StatusCode::kInvalidArgument, text);
  };
  if (options.ring_bytes > kRingBytesMax) {
    return invalid(
        fmt::format("the ring has at most {} bytes, not {}", kRingBytesMax, options.ring_bytes));
  }
  if (options.segment_bytes < kSegmentBytesMin || options.segment_bytes > kSegmentBytesMax) {
    return invalid(fmt::format("a segment has {} to {} bytes, not {}", kSegmentBytesMin,
                               kSegmentBytesMax, options.segment_bytes));
  }
  if (options.streams_max < 1 || options.streams_max > kStreamsMaxMax) {
    return invalid(
        fmt::format("there are 1 to {} streams, not {}", kStreamsMaxMax, options.streams_max));
  }
  if (options.retain_bytes != 0 && options.retain_bytes < 2 * options.segment_bytes) {
    return invalid(
        fmt::format("what is retained is at least two segments, {} bytes, not {}: allow "
                    "more, or make segments smaller",
                    2 * options.segment_bytes, options.retain_bytes));
  }
  if (options.retain_age_ns != 0 && options.retain_age_ns < kNsPerSecond) {
    return invalid("events are retained for at least a second");
  }
  if (options.batch_events_max < 1 || options.batch_events_max > UINT16_MAX) {
    return invalid(
        fmt::format("a batch has 1 to {} events, not {}", UINT16_MAX, options.batch_events_max));
  }
  return {};
}

// What is in force: a batch fits the ring four times, a segment twice and one record's bound.
LogOptions InForce(LogOptions options) {
  options.ring_bytes = std::bit_ceil(std::max(options.ring_bytes, kRingBytesMin));
  options.segment_bytes = AlignUp(options.segment_bytes, kSegmentHeaderBytes);
  options.batch_bytes_max = std::min({options.batch_bytes_max, options.ring_bytes / 4,
                                      options.segment_bytes / 2, kRecordBytesMax});
  options.event_data_bytes_max = std::min(options.event_data_bytes_max, options.batch_bytes_max);
  return options;
}

uint64_t TurnBytesMax(const LogOptions& options) {
  const uint64_t limit = std::min(options.ring_bytes / 4, options.segment_bytes / 2);
  return std::min(std::max(SharedTurnBytes(options.durability), options.batch_bytes_max), limit);
}

RingSpec RingSpecOf(const LogOptions& options) {
  return {.records_size = options.ring_bytes,
          .streams_max = options.streams_max,
          .event_data_bytes_max = options.event_data_bytes_max,
          .batch_events_max = options.batch_events_max,
          .batch_bytes_max = options.batch_bytes_max,
          .durability = options.durability};
}

// The parts, and the order in which they take part; each part's own business is in its file.
class Log final : public LogWriter {
 public:
  Log(const LogOptions& options, RingWriter ring)
      : options_(options),
        ring_(std::move(ring)),
        condenser_(ring_.mapping()),
        streams_(ring_.names(), options.streams_max),
        turn_(SharedTurnBytes(options.durability), TurnBytesMax(options)) {}

  // No journal: an empty log.
  void StartEmpty();
  Status StartFromJournal(const std::string& socket, RecoveryObserver* observer,
                          RecoveryReport* report);

  uint64_t RevisionOf(std::string_view stream) const override;
  uint64_t KeptFrom(std::string_view stream) const override;
  StageOutcome Stage(std::span<const EventToStage> events, const BatchOrigin& origin,
                     BatchPlace* place) override;
  bool HasStaged() const override { return !turn_.empty(); }
  Status Commit() override;
  void Abandon() override;
  uint64_t head() const override { return head_; }
  VerdictMemory verdict_memory() override { return ring_.verdicts(); }
  Status Close() override;

  const LogOptions& options() const override { return options_; }
  int ring_fd() const override { return ring_.fd(); }
  const uint8_t* log_id() const override { return identity_.log_id; }
  uint64_t epoch() const override { return identity_.epoch; }
  const uint8_t* session_key() const override { return identity_.session_key; }

  Status SyncJournal() override { return journal_ ? journal_->Sync() : Status(); }
  Status MaintainJournal() override { return journal_ ? journal_->Maintain() : Status(); }
  bool CondenseRing() override { return condenser_.Step(); }
  Result<SegmentPlace> FindSegment(uint64_t sequence, uint64_t position) override;
  Result<RetentionRound> Retain(const ObserverMaker& make) override {
    return retention_ ? retention_->Run(make) : RetentionRound();
  }
  uint64_t journal_bytes() const override { return journal_ ? journal_->bytes() : 0; }
  bool degraded() const override { return journal_ && journal_->degraded(); }
  Degradation degradation() const override {
    return journal_ ? journal_->degradation() : Degradation();
  }

 private:
  Result<IdentityFile> FindIdentity(RecoveryReport* report) const;
  bool StageEvents(std::span<const EventToStage> events, const BatchOrigin& origin,
                   BatchPlace* place);
  uint32_t FindOrAddStream(std::string_view name);
  void StartRetention();

  const LogOptions options_;
  RingWriter ring_;
  RingCondenser condenser_;
  StreamDirectory streams_;
  Turn turn_;
  IdentityFile identity_{};
  std::optional<DataDirectory> directory_;
  std::unique_ptr<JournalWriter> journal_;  // none with kMemory
  std::optional<Retention> retention_;      // none where all is kept
  uint64_t head_ = 0;
  bool ends_with_mark_ = true;  // another one would say nothing
};

void Log::StartEmpty() {
  identity_ = NewIdentity();
  ring_.Identify(identity_.log_id, identity_.epoch);
  ring_.StartAt(kFirstPosition, 0);
}

// The identity file; of a new log a new one. With accept_damage a lost one is made again from a segment.
Result<IdentityFile> Log::FindIdentity(RecoveryReport* report) const {
  auto found = directory_->ReadIdentity();
  if (found.ok() && *found) return **found;
  auto segments = ListSegments(directory_->path());
  if (!segments.ok()) return segments.status();
  if (found.ok() && segments->empty()) return NewIdentity();
  if (found.status().code() != StatusCode::kCorruption && !found.ok()) return found.status();

  const std::string text =
      found.ok() ? directory_->PathOf("identity") + " is missing beside segments of a log"
                 : found.status().message();
  if (!options_.accept_damage) {
    return {StatusCode::kCorruption, text + ". roostd --accept-damage makes a new one"};
  }
  IdentityFile identity = NewIdentity();
  for (const SegmentFile& segment : *segments) {
    auto fd = directory_->OpenFile(SegmentName(segment.base_sequence), O_RDONLY);
    if (!fd.ok()) return fd.status();
    const auto header = ReadSegmentHeader(fd->get(), segment.path);
    if (!header.ok()) continue;
    std::memcpy(identity.log_id, header->log_id, sizeof(identity.log_id));
    identity.epoch = std::max(identity.epoch, header->epoch + 1);
  }
  report->damage = text + ": made again";
  return identity;
}

Status Log::StartFromJournal(const std::string& socket, RecoveryObserver* observer,
                             RecoveryReport* report) {
  auto directory = DataDirectory::Open(options_.directory, socket);
  if (!directory.ok()) return directory.status();
  directory_ = std::move(*directory);
  auto identity = FindIdentity(report);
  if (!identity.ok()) return identity.status();
  identity_ = *identity;

  RecoverySpec spec;
  std::memcpy(spec.log_id, identity_.log_id, sizeof(spec.log_id));
  spec.accept_damage = options_.accept_damage;
  spec.same_boot = WasClosedOrSameBoot(identity_);
  spec.was_closed = WasClosed(identity_);
  spec.before_loss = [this] {
    ++identity_.epoch;
    return directory_->WriteIdentity(identity_);
  };
  auto recovered = RecoverJournal(*directory_, spec, &streams_, &ring_, observer, report);
  if (!recovered.ok()) return recovered.status();
  head_ = recovered->head;
  turn_.Begin(recovered->position, head_ + 1);
  ends_with_mark_ = recovered->ends_with_mark;
  report->clean = ends_with_mark_;

  // What may have been seen and is gone, or whose number is given out again, belongs to the old epoch.
  if (!spec.same_boot && !recovered->sequences_may_repeat) ++identity_.epoch;
  ReadBootId(identity_.boot_id);
  ROOST_RETURN_IF_ERROR(directory_->WriteIdentity(identity_));
  ring_.Identify(identity_.log_id, identity_.epoch);

  JournalSpec journal_spec;
  journal_spec.durability = options_.durability;
  journal_spec.segment_bytes = options_.segment_bytes;
  std::memcpy(journal_spec.log_id, identity_.log_id, sizeof(journal_spec.log_id));
  journal_spec.epoch = identity_.epoch;
  journal_spec.running_s = recovered->running_s;
  journal_spec.now_ns = options_.now_ns;
  auto journal = JournalWriter::Open(&*directory_, journal_spec, std::move(recovered->segments),
                                     turn_.first_position(), head_ + 1);
  if (!journal.ok()) return journal.status();
  journal_ = std::move(*journal);
  ring_.SetLogOldest(journal_->oldest_sequence());
  StartRetention();
  return {};
}

void Log::StartRetention() {
  if (options_.retain_bytes == 0 && options_.retain_age_ns == 0) return;
  RetentionSpec spec{options_.retain_bytes, options_.retain_age_ns, options_.streams_max};
  std::memcpy(spec.log_id, identity_.log_id, sizeof(spec.log_id));
  retention_.emplace(&*directory_, journal_.get(), spec,
                     [this](uint64_t oldest, const LogFold& fold) {
                       ring_.SetLogOldest(oldest);
                       // Streams have the same ids there: they stand in the records.
                       fold.ForEachStream([this](uint32_t id, uint64_t revision) {
                         if (revision > 0) ring_.SetKeptFrom(id, revision + 1);
                       });
                     });
}

uint64_t Log::RevisionOf(std::string_view stream) const {
  const uint32_t id = streams_.Find(stream);
  return id == kNoStream ? 0 : streams_.Revision(id);
}

uint64_t Log::KeptFrom(std::string_view stream) const {
  const uint32_t id = streams_.Find(stream);
  return id == kNoStream ? 1 : ring_.kept_from(id);
}

uint32_t Log::FindOrAddStream(std::string_view name) {
  const uint32_t id = streams_.Find(name);
  if (id != kNoStream) return id;
  return ring_.HasRoomForStream(name) ? streams_.FindOrAdd(name) : kNoStream;
}

StageOutcome Log::Stage(std::span<const EventToStage> events, const BatchOrigin& origin,
                        BatchPlace* place) {
  ROOST_CHECK(!events.empty(), "an empty batch");
  uint64_t size = 0;
  for (const EventToStage& event : events)
    size += RecordSize(RecordKind::kEvent, event.body.size());
  if (size > options_.batch_bytes_max || events.size() > options_.batch_events_max) {
    return StageOutcome::kTooLarge;
  }
  if (!turn_.HasRoomFor(size)) return StageOutcome::kStageFull;

  const size_t streams_before = streams_.Savepoint();
  const Turn::Savepoint turn_before = turn_.Save();
  if (StageEvents(events, origin, place)) return StageOutcome::kStaged;
  streams_.RollBackTo(streams_before);
  turn_.RollBackTo(turn_before);
  return StageOutcome::kTooManyStreams;
}

bool Log::StageEvents(std::span<const EventToStage> events, const BatchOrigin& origin,
                      BatchPlace* place) {
  place->first = turn_.next_sequence();
  place->time_ns = origin.time_ns;
  uint32_t stream = kNoStream;
  for (size_t index = 0; index < events.size(); ++index) {
    const EventToStage& event = events[index];
    const bool is_another = index == 0 || event.stream != events[index - 1].stream;
    if (is_another) stream = FindOrAddStream(event.stream);
    if (stream == kNoStream) return false;
    const StreamLinks links = streams_.NextLinks(stream);
    const uint64_t position = turn_.next_position();
    turn_.Add(event, origin, stream, links, index, events.size());
    streams_.Append(stream, position);
    place->revision = links.revision;
  }
  place->last = turn_.next_sequence() - 1;
  return true;
}

Status Log::Commit() {
  if (turn_.empty()) return {};
  if (journal_) {
    Status status =
        journal_->Append(turn_.first_position(), turn_.first_sequence(), turn_.records());
    if (!status.ok()) {
      Abandon();
      return status;
    }
  }
  ring_.Publish(turn_.first_position(), turn_.records(), streams_);
  streams_.Accept();
  head_ = turn_.next_sequence() - 1;
  ends_with_mark_ = false;
  turn_.Begin(turn_.next_position(), turn_.next_sequence());
  return {};
}

void Log::Abandon() {
  streams_.RollBackTo(0);
  turn_.Begin(turn_.first_position(), turn_.first_sequence());
}

Status Log::Close() {
  ROOST_CHECK(turn_.empty(), "{} bytes are staged", turn_.records().size());
  if (!journal_) return {};
  const RecordHeader mark = ClosingMark(head_, WallNs());
  const Bytes bytes = std::as_bytes(std::span<const RecordHeader, 1>(&mark, 1));
  ROOST_RETURN_IF_ERROR(journal_->Close(ends_with_mark_ ? Bytes() : bytes));
  // From now on a start of the kernel can have taken nothing.
  std::memset(identity_.boot_id, 0, sizeof(identity_.boot_id));
  return directory_->WriteIdentity(identity_);
}

Result<SegmentPlace> Log::FindSegment(uint64_t sequence, uint64_t position) {
  if (!journal_) return {StatusCode::kNotFound, "there is no journal (durability memory)"};
  return journal_->Find(sequence, position);
}

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::Open(const LogOptions& options,
                                                   const std::string& socket,
                                                   RecoveryObserver* observer,
                                                   RecoveryReport* report) {
  const uint64_t started_ns = MonotonicNs();
  ROOST_RETURN_IF_ERROR(CheckOptions(options));
  RecoveryReport found;
  const LogOptions in_force = InForce(options);
  auto ring = RingWriter::Create(RingSpecOf(in_force));
  if (!ring.ok()) return ring.status();
  auto log = std::make_unique<Log>(in_force, std::move(*ring));
  if (in_force.durability == Durability::kMemory) {
    log->StartEmpty();
  } else {
    ROOST_RETURN_IF_ERROR(log->StartFromJournal(socket, observer, &found));
  }
  found.duration_ns = MonotonicNs() - started_ns;
  if (report != nullptr) *report = found;
  return std::unique_ptr<LogWriter>(std::move(log));
}

}  // namespace roost
