// The writer as the broker uses it: staging, committing, closing, opening again.
#include "log/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <set>
#include <thread>

#include "log/data_directory.h"
#include "log/segment_reader.h"
#include "log/verify.h"
#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

class LogWriterTest : public LogFixture {};

TEST_F(LogWriterTest, GivesOutDenseSequencesAndRevisions) {
  Open();
  Append("a", "1");
  EXPECT_EQ(place_.first, 1u);
  EXPECT_EQ(place_.revision, 1u);
  Append({TestEvent("b", "2"), TestEvent("a", "3"), TestEvent("a", "4")});
  EXPECT_EQ(place_.first, 2u);
  EXPECT_EQ(place_.last, 4u);
  EXPECT_EQ(place_.revision, 3u);
  EXPECT_EQ(log_->head(), 4u);
  EXPECT_EQ(log_->RevisionOf("a"), 3u);
  EXPECT_EQ(log_->RevisionOf("b"), 1u);
  EXPECT_EQ(log_->RevisionOf("c"), 0u);
}

TEST_F(LogWriterTest, ShowsReadersWhatWasCommittedAndNothingElse) {
  Open();
  const RingReader reader = Reader();
  Append("a", "first");
  ASSERT_EQ(Stage({TestEvent("a", "second"), TestEvent("b", "third")}), StageOutcome::kStaged);
  EXPECT_EQ(reader.head(), 1u);
  EXPECT_EQ(reader.FindStream("b"), std::nullopt);
  ASSERT_TRUE(log_->Commit().ok());
  EXPECT_EQ(reader.head(), 3u);
  EXPECT_EQ(Read(reader, 2), (SeenEvent{2, 2, "a", "second"}));
  EXPECT_EQ(Read(reader, 3), (SeenEvent{3, 1, "b", "third"}));
  ASSERT_TRUE(reader.FindStream("b").has_value());
  EXPECT_EQ(reader.Stream(*reader.FindStream("b")).last_sequence, 3u);
}

TEST_F(LogWriterTest, GoesOnWhereACleanStopLeftOff) {
  Open();
  Append("a", "1");
  Append({TestEvent("b", "2"), TestEvent("a", "3")});
  Close();
  Open();
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(report_.bytes_cut, 0u);
  EXPECT_EQ(seen_.events,
            (std::vector<SeenEvent>{{1, 1, "a", "1"}, {2, 1, "b", "2"}, {3, 2, "a", "3"}}));
  EXPECT_EQ(Read(Reader(), 3), (SeenEvent{3, 2, "a", "3"}));
  Append("a", "4");
  EXPECT_EQ(place_.first, 4u);
  EXPECT_EQ(place_.revision, 3u);
}

// The segment that was open at the start goes on, and so does what is handed out of it.
TEST_F(LogWriterTest, FindsWhatWasAppendedAfterARestart) {
  Open();
  Append("a", "before");
  Kill();
  Open();
  Append("a", "after");
  const auto place = log_->FindSegment(2, 0);
  ASSERT_TRUE(place.ok()) << place.status().message();
  EXPECT_EQ(place->base_sequence, 1u);
  EXPECT_EQ(place->end_position, 0u);
  EXPECT_EQ(log_->FindSegment(3, 0).status().code(), StatusCode::kNotFound);
}

TEST_F(LogWriterTest, GoesOnWhereAKillLeftOff) {
  Open();
  for (int i = 1; i <= 2000; ++i) Append("s" + std::to_string(i % 7), std::to_string(i));
  Kill();
  Open();
  EXPECT_FALSE(report_.clean);
  ASSERT_EQ(seen_.events.size(), 2000u);
  EXPECT_EQ(log_->head(), 2000u);
  EXPECT_EQ(log_->epoch(), 1u);
  EXPECT_EQ(Read(Reader(), 2000), (SeenEvent{2000, 286, "s5", "2000"}));
}

TEST_F(LogWriterTest, DropsWhatIsAbandoned) {
  Open();
  Append("a", "1");
  ASSERT_EQ(Stage({TestEvent("a", "2"), TestEvent("new", "3")}), StageOutcome::kStaged);
  EXPECT_TRUE(log_->HasStaged());
  EXPECT_EQ(log_->RevisionOf("a"), 2u);
  EXPECT_EQ(log_->RevisionOf("new"), 1u);
  log_->Abandon();
  EXPECT_FALSE(log_->HasStaged());
  EXPECT_EQ(log_->RevisionOf("a"), 1u);
  EXPECT_EQ(log_->RevisionOf("new"), 0u);
  Append("a", "other");
  EXPECT_EQ(place_.first, 2u);
  EXPECT_EQ(Read(Reader(), 2), (SeenEvent{2, 2, "a", "other"}));
  EXPECT_EQ(Reader().FindStream("new"), std::nullopt);
}

TEST_F(LogWriterTest, StagesSeveralBatchesInATurnUntilItIsFull) {
  Open();
  const TestEvent event("a", std::string(900, 'x'));
  uint64_t staged = 0;
  while (Stage({event}) == StageOutcome::kStaged) ++staged;
  EXPECT_EQ(Stage({event}), StageOutcome::kStageFull);
  EXPECT_GT(staged, 10u);
  ASSERT_TRUE(log_->Commit().ok());
  EXPECT_EQ(log_->head(), staged);
  EXPECT_EQ(Stage({event}), StageOutcome::kStaged);
  EXPECT_EQ(place_.first, staged + 1);
}

TEST_F(LogWriterTest, RefusesBatchesThatNeverFit) {
  options_.batch_events_max = 10;
  Open();
  EXPECT_EQ(log_->options().batch_bytes_max, 16u << 10) << "a quarter of the ring";
  EXPECT_EQ(Stage({TestEvent("a", std::string(16 << 10, 'x'))}), StageOutcome::kTooLarge);
  EXPECT_EQ(Stage(std::vector<TestEvent>(11, TestEvent("a", ""))), StageOutcome::kTooLarge);
  EXPECT_EQ(Stage(std::vector<TestEvent>(10, TestEvent("a", ""))), StageOutcome::kStaged);
}

TEST_F(LogWriterTest, TakesBackAllOfABatchForWhichThereAreTooManyStreams) {
  options_.streams_max = 3;
  Open();
  Append({TestEvent("a", "1"), TestEvent("b", "2")});
  ASSERT_EQ(Stage({TestEvent("a", "3")}), StageOutcome::kStaged);
  EXPECT_EQ(Stage({TestEvent("a", "4"), TestEvent("c", "5"), TestEvent("d", "6")}),
            StageOutcome::kTooManyStreams);
  EXPECT_EQ(log_->RevisionOf("a"), 2u) << "of the batch before it";
  EXPECT_EQ(log_->RevisionOf("c"), 0u);
  ASSERT_TRUE(log_->Commit().ok());
  Append("c", "7");
  EXPECT_EQ(place_.first, 4u);
  EXPECT_EQ(Read(Reader(), 3), (SeenEvent{3, 2, "a", "3"}));
}

TEST_F(LogWriterTest, WritesTheHeaderThatReadersRelyOn) {
  Open();
  ASSERT_EQ(Stage({TestEvent("a", "1", "type", "agent"), TestEvent("b", "2", "t", "g", "an id")}),
            StageOutcome::kStaged);
  ASSERT_TRUE(log_->Commit().ok());
  RecordHeader header;
  uint64_t position = 0;
  ASSERT_EQ(Reader().ReadHeader(2, &header, &position), RingReader::Outcome::kEvent);
  EXPECT_EQ(header.session, 7u);
  EXPECT_EQ(header.request, 8u);
  EXPECT_EQ(header.uid, 9u);
  EXPECT_EQ(header.time_ns, time_ns_);
  EXPECT_EQ(header.stream, 1u);
  EXPECT_EQ(header.type, FilterHash("t"));
  EXPECT_EQ(header.agent, FilterHash("g"));
  EXPECT_EQ(header.batch_index, 1u);
  EXPECT_EQ(header.batch_count, 2u);
  EXPECT_EQ(header.flags, kRecordHasId);
}

TEST_F(LogWriterTest, RefusesOptionsThatCannotBe) {
  const LogOptions good = options_;
  const auto code = [&](const std::function<void(LogOptions*)>& change) {
    options_ = good;
    change(&options_);
    return TryOpen().code();
  };
  EXPECT_EQ(code([](LogOptions* o) { o->segment_bytes = 1000; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](LogOptions* o) { o->segment_bytes = 5ull << 30; }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](LogOptions* o) { o->ring_bytes = 1ull << 40; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](LogOptions* o) { o->streams_max = 0; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](LogOptions* o) { o->batch_events_max = 70'000; }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](LogOptions* o) { o->ring_bytes = 100'000; }), StatusCode::kOk);
  EXPECT_EQ(log_->options().ring_bytes, 131'072u);
}

TEST_F(LogWriterTest, RefusesADirectoryThatIsInUse) {
  Open();
  const std::unique_ptr<LogWriter> first = std::move(log_);
  const Status status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("pid " + std::to_string(::getpid())));
  EXPECT_THAT(status.message(), HasSubstr("/tmp/test.sock"));
}

// ---- starting again ----

TEST_F(LogWriterTest, KeepsItsIdentityAndGoesOnBehindTheClosingMark) {
  Open();
  const std::vector<uint8_t> id(log_->log_id(), log_->log_id() + 16);
  const std::vector<uint8_t> key(log_->session_key(), log_->session_key() + 32);
  for (int round = 1; round <= 5; ++round) {
    Append("a", std::to_string(round));
    Close();
    Open();
    EXPECT_TRUE(report_.clean);
    EXPECT_EQ(log_->head(), static_cast<uint64_t>(round));
  }
  EXPECT_EQ(std::vector<uint8_t>(log_->log_id(), log_->log_id() + 16), id);
  EXPECT_EQ(std::vector<uint8_t>(log_->session_key(), log_->session_key() + 32), key);
  EXPECT_EQ(log_->epoch(), 1u);
  EXPECT_EQ(seen_.events.size(), 5u);
  Kill();
  EXPECT_EQ(VerifyJournal(options_.directory)->records, 10u) << "five events, five marks";
}

TEST_F(LogWriterTest, WritesNoSecondMarkBehindTheFirst) {
  Open();
  Append("a", "1");
  for (int i = 0; i < 3; ++i) {
    Close();
    Open();
  }
  Close();
  const auto verified = VerifyJournal(options_.directory);
  EXPECT_EQ(verified->records, 2u);
  EXPECT_TRUE(verified->ends_with_mark);
}

TEST_F(LogWriterTest, BeginsANewEpochAfterAPowerCut) {
  Open();
  Append("a", "1");
  Kill();
  const auto pretend_boot = [&] {
    auto directory = DataDirectory::Open(options_.directory, "");
    ASSERT_TRUE(directory.ok());
    IdentityFile identity = **directory->ReadIdentity();
    ReadBootId(identity.boot_id);
    identity.boot_id[5] ^= 0x55;
    ASSERT_TRUE(directory->WriteIdentity(identity).ok());
  };
  Open();
  EXPECT_EQ(log_->epoch(), 1u) << "the kernel still has everything";
  Kill();
  pretend_boot();
  Open();
  EXPECT_EQ(log_->epoch(), 2u);
  EXPECT_EQ(Reader().layout().epoch, 2u);
  Close();
  Open();
  EXPECT_EQ(log_->epoch(), 2u);
}

TEST_F(LogWriterTest, RefusesSegmentsWithoutTheirIdentityUnlessToldTo) {
  Open();
  Append("a", "1");
  const std::vector<uint8_t> id(log_->log_id(), log_->log_id() + 16);
  Close();
  std::filesystem::remove(options_.directory + "/identity");
  const Status status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("identity"));
  options_.accept_damage = true;
  Open();
  EXPECT_EQ(std::vector<uint8_t>(log_->log_id(), log_->log_id() + 16), id);
  EXPECT_EQ(log_->epoch(), 2u);
  EXPECT_THAT(report_.damage, HasSubstr("identity"));
}

TEST_F(LogWriterTest, FillsALargerOrSmallerRingFromTheJournalsTail) {
  Open();
  for (int i = 1; i <= 1000; ++i)
    Append("s" + std::to_string(i % 10), std::to_string(i) + std::string(500, ' '));
  Close();
  for (const uint64_t ring_bytes : {uint64_t{64} << 10, uint64_t{4} << 20}) {
    options_.ring_bytes = ring_bytes;
    Open();
    const RingReader reader = Reader();
    EXPECT_EQ(reader.head(), 1000u);
    EXPECT_EQ(reader.log_oldest(), 1u);
    for (uint64_t sequence = reader.oldest(); sequence <= 1000; ++sequence) {
      ASSERT_EQ(Read(reader, sequence).sequence, sequence);
    }
    EXPECT_GT(1000 - reader.oldest(), 60u);
    EXPECT_EQ(reader.stream_count(), 10u);
    for (int i = 0; i < 10; ++i) {
      const auto id = reader.FindStream("s" + std::to_string(i));
      ASSERT_TRUE(id.has_value());
      EXPECT_EQ(reader.Stream(*id).revision, 100u);
      EXPECT_EQ(reader.Stream(*id).last_sequence, i == 0 ? 1000u : 990u + static_cast<uint64_t>(i));
    }
    Close();
  }
}

TEST_F(LogWriterTest, StartsWithARingThatIsSmallerThanItsNewestRecord) {
  options_.ring_bytes = 1 << 20;
  options_.segment_bytes = 1 << 20;
  Open();
  Append("a", "small");
  Append("a", std::string(200'000, 'x'));
  Close();
  options_.ring_bytes = 64 << 10;
  Open();
  const RingReader reader = Reader();
  RecordHeader header;
  uint64_t position = 0;
  EXPECT_EQ(reader.ReadHeader(2, &header, &position), RingReader::Outcome::kOverrun);
  std::vector<std::byte> record;
  EXPECT_EQ(reader.ReadRecordAt(reader.Stream(0).last_position, &record),
            RingReader::Outcome::kOverrun);
  Append("a", "after");
  EXPECT_EQ(Read(reader, 3), (SeenEvent{3, 3, "a", "after"}));
  EXPECT_EQ(reader.oldest(), 3u);
}

// What it has said to be committed is there, whenever it is killed.
TEST_F(LogWriterTest, LosesNothingCommittedWhenItIsKilled) {
  uint64_t head = 0;
  for (int round = 0; round < 15; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto log = LogWriter::Open(options_, "child", nullptr, nullptr);
      if (!log.ok()) ::_exit(1);
      log_ = std::move(*log);
      for (uint64_t i = 0;; ++i) {
        std::vector<TestEvent> batch(
            1 + i % 4, TestEvent("s" + std::to_string(i % 9), std::string(i % 1500, 'x')));
        if (!TryAppend(batch).ok() || (i % 5 == 0 && !log_->MaintainJournal().ok())) ::_exit(2);
        const uint64_t committed = log_->head();
        if (::write(pipe_fds[1], &committed, sizeof(committed)) != sizeof(committed)) ::_exit(3);
      }
    }
    ::close(pipe_fds[1]);
    uint64_t committed = 0;
    for (int i = 0; i < 60 + 37 * round; ++i) {
      ASSERT_EQ(::read(pipe_fds[0], &committed, sizeof(committed)),
                static_cast<ssize_t>(sizeof(committed)));
    }
    ::kill(child, SIGKILL);
    while (::read(pipe_fds[0], &committed, sizeof(committed)) ==
           static_cast<ssize_t>(sizeof(committed))) {
    }
    ::close(pipe_fds[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    Open();
    EXPECT_GE(log_->head(), committed);
    EXPECT_GT(log_->head(), head);
    head = log_->head();
    EXPECT_EQ(seen_.events.size(), head);
    Kill();
    EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
  }
}

// ---- segments ----

TEST_F(LogWriterTest, BeginsNewSegmentsWithAndWithoutAHelper) {
  Open();
  for (int i = 1; i <= 1500; ++i) {
    Append("s" + std::to_string(i % 3), std::string(300, 'x'));
    ASSERT_TRUE(i < 700 || i % 10 != 0 || log_->MaintainJournal().ok());
  }
  const auto before = VerifyJournal(options_.directory);
  EXPECT_EQ(before->errors + before->warnings, 0u);
  EXPECT_GE(before->segments, 8u);
  EXPECT_EQ(before->segments_closed, before->segments - 1);
  EXPECT_GE(log_->journal_bytes(), before->file_bytes);
  Close();
  EXPECT_FALSE(std::filesystem::exists(options_.directory + "/next.segment"));
  Open();
  EXPECT_EQ(log_->head(), 1500u);
  EXPECT_EQ(log_->journal_bytes(), VerifyJournal(options_.directory)->file_bytes);
}

TEST_F(LogWriterTest, RemovesTheSpareSegmentThatACrashLeft) {
  Open();
  Append("a", "1");
  Kill();
  WriteFile(options_.directory + "/next.segment", std::string(100'000, 'j'));
  Open();
  for (int i = 0; i < 300; ++i) Append("a", std::string(600, 'x'));
  Kill();
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
}

TEST_F(LogWriterTest, EnlargesASegmentThatIsTooSmallForItsFirstBatch) {
  Open();
  Close();  // a segment of 64 KiB without an event
  options_.segment_bytes = 1 << 20;
  options_.ring_bytes = 4 << 20;
  Open();
  Append("a", std::string(300'000, 'x'));
  Append("a", std::string(300'000, 'y'));
  Kill();
  Open();
  EXPECT_EQ(seen_.events.size(), 2u);
  const auto verified = VerifyJournal(options_.directory);
  EXPECT_EQ(verified->errors, 0u);
  EXPECT_EQ(verified->segments, 1u);
}

TEST_F(LogWriterTest, FindsTheSegmentOfEveryEvent) {
  Open();
  std::vector<uint64_t> positions{0};
  for (int i = 1; i <= 800; ++i) {
    Append("a", std::to_string(i) + std::string(300, ' '));
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(Reader().ReadHeader(log_->head(), &header, &position), RingReader::Outcome::kEvent);
    positions.push_back(position);
    ASSERT_TRUE(i != 500 || log_->MaintainJournal().ok());
  }
  std::set<uint64_t> segments;
  for (uint64_t sequence = 1; sequence <= 800; ++sequence) {
    for (const bool by_position : {false, true}) {
      auto place =
          by_position ? log_->FindSegment(0, positions[sequence]) : log_->FindSegment(sequence, 0);
      ASSERT_TRUE(place.ok()) << sequence << place.status().message();
      EXPECT_EQ(::fcntl(place->fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
      segments.insert(place->base_sequence);
      ASSERT_LE(place->anchor_sequence, sequence);
      ASSERT_LE(place->anchor_position, positions[sequence]);
      ASSERT_TRUE(place->end_position != 0 || place->anchor_sequence + 64 > sequence);
      auto reader = SegmentReader::Open(std::move(place->fd), "segment");
      ASSERT_TRUE(reader.ok());
      EXPECT_EQ(reader->base_position(), place->base_position);
      auto found = reader->FindSequence(sequence, place->anchor_position);
      ASSERT_TRUE(found.ok()) << sequence;
      ASSERT_EQ(*found, positions[sequence]);
    }
  }
  EXPECT_GE(segments.size(), 4u);
  EXPECT_EQ(log_->FindSegment(801, 0).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log_->FindSegment(0, positions[800] + 4096).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log_->FindSegment(0, 8).status().code(), StatusCode::kGone);
}

TEST_F(LogWriterTest, LetsHelpersSyncMaintainAndFindBesideIt) {
  Open();
  std::atomic<bool> stop = false;
  std::thread syncer([&] {
    while (!stop.load(std::memory_order_relaxed)) ASSERT_TRUE(log_->SyncJournal().ok());
  });
  std::thread helper([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      ASSERT_TRUE(log_->MaintainJournal().ok());
      ASSERT_GT(log_->journal_bytes(), 0u);
      auto place = log_->FindSegment(1, 0);
      ASSERT_TRUE(place.ok() || place.status().code() == StatusCode::kNotFound);
    }
  });
  for (int i = 1; i <= 2000; ++i) Append("a", std::string(static_cast<size_t>(i % 700), 'x'));
  stop.store(true, std::memory_order_relaxed);
  syncer.join();
  helper.join();
  Close();
  const auto verified = VerifyJournal(options_.directory);
  EXPECT_EQ(verified->errors + verified->warnings, 0u);
  EXPECT_EQ(verified->events, 2000u);
}

TEST_F(LogWriterTest, MarksWhatIsOnTheDiskAtEachSync) {
  Open();
  Append("a", "1");
  Append("a", "2");
  ASSERT_TRUE(log_->SyncJournal().ok());
  Append("a", "3");
  Kill();
  // Without the mark, zeros where the records were would pass for an unused segment.
  std::string bytes = ReadFile(SegmentPath(1));
  std::fill(bytes.begin() + 4096 + 100, bytes.end(), '\0');
  WriteFile(SegmentPath(1), bytes);
  EXPECT_EQ(TryOpen().code(), StatusCode::kCorruption);
}

TEST_F(LogWriterTest, SyncsEachCommitWithDurabilityPower) {
  options_.durability = Durability::kPower;
  Open();
  for (int i = 1; i <= 200; ++i) Append("a", std::string(900, 'x'));
  EXPECT_EQ(Reader().layout().durability, Durability::kPower);
  Kill();
  Open();
  EXPECT_EQ(log_->head(), 200u);
}

// ---- memory ----

TEST_F(LogWriterTest, TouchesNoFileWithDurabilityMemory) {
  options_.durability = Durability::kMemory;
  Open();
  Append("a", "1");
  EXPECT_FALSE(std::filesystem::exists(options_.directory));
  EXPECT_EQ(log_->journal_bytes(), 0u);
  EXPECT_FALSE(log_->degraded());
  EXPECT_TRUE(log_->SyncJournal().ok());
  EXPECT_TRUE(log_->MaintainJournal().ok());
  EXPECT_EQ(log_->FindSegment(1, 0).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Read(Reader(), 1), (SeenEvent{1, 1, "a", "1"}));
  const std::vector<uint8_t> id(log_->log_id(), log_->log_id() + 16);
  Close();
  Open();
  EXPECT_NE(std::vector<uint8_t>(log_->log_id(), log_->log_id() + 16), id);
  EXPECT_EQ(log_->head(), 0u);
}

// ---- disks that fail ----

// Puts something else under the descriptor of the segment that is written.
class FailingDiskTest : public LogWriterTest {
 protected:
  void PutUnderSegment(const char* path, int flags) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      const std::string target = std::filesystem::read_symlink(entry.path(), ignored);
      if (!target.ends_with(".segment") || target.ends_with("next.segment")) continue;
      const int fd = std::stoi(entry.path().filename());
      const UniqueFd other(::open(path, flags | O_CLOEXEC));
      ASSERT_TRUE(other.valid());
      saved_.Reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      replaced_ = fd;
      ASSERT_EQ(::dup3(other.get(), fd, O_CLOEXEC), fd);
      return;
    }
    FAIL() << "no segment is open";
  }
  void PutSegmentBack() { ASSERT_EQ(::dup3(saved_.get(), replaced_, O_CLOEXEC), replaced_); }

  UniqueFd saved_;
  int replaced_ = -1;
};

TEST_F(FailingDiskTest, IsDegradedForEverAfterAFailedWrite) {
  Open();
  Append("a", "1");
  PutUnderSegment("/dev/null", O_RDONLY);  // EBADF
  EXPECT_EQ(TryAppend({TestEvent("a", "2"), TestEvent("b", "3")}).code(), StatusCode::kIoError);
  EXPECT_TRUE(log_->degraded());
  EXPECT_EQ(log_->head(), 1u);
  EXPECT_EQ(log_->RevisionOf("a"), 1u);
  EXPECT_EQ(log_->RevisionOf("b"), 0u);
  PutSegmentBack();
  const Status status = TryAppend({TestEvent("a", "2")});
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr("restart"));
  EXPECT_FALSE(log_->SyncJournal().ok());
  EXPECT_FALSE(log_->MaintainJournal().ok());
  EXPECT_EQ(Read(Reader(), 1).data, "1") << "reads go on";
  Kill();
  Open();
  EXPECT_EQ(log_->head(), 1u);
  Append("a", "2");
}

TEST_F(FailingDiskTest, IsDegradedAfterAFailedSync) {
  Open();
  Append("a", "1");
  PutUnderSegment("/dev/null", O_WRONLY);  // no fdatasync there
  EXPECT_FALSE(log_->SyncJournal().ok());
  PutSegmentBack();
  EXPECT_TRUE(log_->degraded());
  EXPECT_FALSE(TryAppend({TestEvent("a", "2")}).ok());
  EXPECT_EQ(log_->head(), 1u);
}

TEST_F(FailingDiskTest, ShowsNothingThatWasNotSyncedWithDurabilityPower) {
  options_.durability = Durability::kPower;
  Open();
  Append("a", "1");
  PutUnderSegment("/dev/null", O_WRONLY);
  EXPECT_FALSE(TryAppend({TestEvent("a", "2")}).ok());
  PutSegmentBack();
  EXPECT_TRUE(log_->degraded());
  EXPECT_EQ(log_->head(), 1u);
  EXPECT_EQ(Reader().head(), 1u);
}

TEST_F(FailingDiskTest, GoesOnAfterAWriteForWhichThereWasNoRoom) {
  Open();
  Append("a", "1");
  PutUnderSegment("/dev/full", O_WRONLY);
  const Status status = TryAppend({TestEvent("a", "2")});
  EXPECT_EQ(status.code(), StatusCode::kExhausted);
  EXPECT_THAT(status.message(), HasSubstr(options_.directory));
  EXPECT_FALSE(log_->degraded());
  PutSegmentBack();
  Append("a", "other");
  EXPECT_EQ(Read(Reader(), 2), (SeenEvent{2, 2, "a", "other"}));
}

TEST_F(LogWriterTest, SaysAtTheStartThatAFileMayNotBeAsLargeAsASegment) {
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  options_.segment_bytes = 64 << 20;
  const rlimit limit{32 << 20,  // the ring fits
                     old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const Status status = TryOpen();
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(status.code(), StatusCode::kExhausted) << status.message();
}

// A file system of its own, with little room.
class FullDiskTest : public LogWriterTest {
 protected:
  void SetUp() override {
    disk_ = scratch_.path() + "/disk";
    std::filesystem::create_directory(disk_);
    if (::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=400k,mode=0700") != 0) {
      GTEST_SKIP() << "mounting is not permitted: " << std::strerror(errno);
    }
    mounted_ = true;
    options_.directory = disk_ + "/data";
  }
  void TearDown() override {
    log_.reset();
    if (mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
  }
  std::string disk_;
  bool mounted_ = false;
};

TEST_F(FullDiskTest, RefusesAtTheStartWhenThereIsNoRoomForASegment) {
  WriteFile(disk_ + "/filler", std::string(360 << 10, 'f'));
  const Status status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kExhausted);
  EXPECT_THAT(status.message(), HasSubstr(options_.directory));
  std::filesystem::remove(disk_ + "/filler");
  Open();
}

TEST_F(FullDiskTest, GoesOnWhenThereIsRoomAgain) {
  WriteFile(disk_ + "/filler", std::string(200 << 10, 'f'));
  Open();
  Status status;
  uint64_t appended = 0;
  while (appended < 10'000) {
    status = TryAppend(
        {TestEvent("a", std::string(500, 'x')), TestEvent("new " + std::to_string(appended), "")});
    if (!status.ok()) break;
    appended += 2;
    (void)log_->MaintainJournal();  // has no room either
  }
  ASSERT_EQ(status.code(), StatusCode::kExhausted) << status.message();
  EXPECT_THAT(status.message(), HasSubstr("room"));
  EXPECT_FALSE(log_->degraded());
  EXPECT_EQ(log_->head(), appended);
  EXPECT_EQ(log_->RevisionOf("a"), appended / 2);
  EXPECT_EQ(TryAppend({TestEvent("a", std::string(500, 'x'))}).code(), StatusCode::kExhausted);
  std::filesystem::remove(disk_ + "/filler");
  for (int i = 0; i < 50; ++i) Append("a", std::string(500, 'y'));
  Kill();
  Open();
  EXPECT_EQ(log_->head(), appended + 50);
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
}

// Where a file system gives no room to what was reserved, the front of a turn may be written and its rest
// not. Nothing of it may be in the log after the next start.
TEST_F(FullDiskTest, LeavesNothingOfATurnThatWasWrittenInPart) {
  Open();
  Append("a", "1");
  const UniqueFd segment(::open(SegmentPath(1).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::fallocate(segment.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 56 << 10),
            0);
  const UniqueFd filler(::open((disk_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string page(4096, 'f');
  while (::write(filler.get(), page.data(), page.size()) > 0) {
  }
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(Stage({TestEvent("a", std::string(900, 'x'))}), StageOutcome::kStaged);
  }
  EXPECT_EQ(log_->Commit().code(), StatusCode::kExhausted);
  EXPECT_FALSE(log_->degraded());
  EXPECT_EQ(log_->head(), 1u);
  ASSERT_EQ(::ftruncate(filler.get(), 0), 0);
  Kill();
  Open();
  EXPECT_EQ(log_->head(), 1u);
  EXPECT_EQ(report_.bytes_cut, 0u);
  Append("a", "2");
}

}  // namespace
}  // namespace roost
