// What recovery takes for the log, byte by byte: torn ends, damage, power cuts. The rules' numbers are
// those of log/recovery.cc. Verification goes by the same rules and is held against it.
#include "log/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/ring_writer.h"
#include "log/segment_file.h"
#include "log/stream_directory.h"
#include "log/verify.h"
#include "tests/log/log_fixture.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

class RecoveryTest : public LogFixture {
 protected:
  RecoveryTest() : LogFixture(ScratchDirectory::Place::kMemory) {}

  // Where each batch that was appended ends, in events and in bytes of its segment.
  struct BatchEnd {
    uint64_t sequence;
    uint64_t position;
  };

  void AppendBatch(const std::vector<TestEvent>& events) {
    Append(events);
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(Reader().ReadHeader(place_.last, &header, &position), RingReader::Outcome::kEvent);
    ends_.push_back({place_.last, position + header.size});
    for (const TestEvent& event : events) {
      const auto* data = DecodeEventBody(event.body)->data();
      written_.push_back({place_.first + (&event - events.data()), 0, event.stream,
                          std::string(reinterpret_cast<const char*>(data->data()), data->size())});
      written_.back().revision = ++revisions_[event.stream];
    }
  }
  // Seven batches in one segment, of one to three events.
  void MakeSmallJournal() {
    Open();
    AppendBatch({TestEvent("a", "1")});
    AppendBatch({TestEvent("b", "2"), TestEvent("a", "3")});
    AppendBatch({TestEvent("a", std::string(50, '4'))});
    AppendBatch({TestEvent("c", ""), TestEvent("c", "6"), TestEvent("b", "7", "t", "x", "id")});
    AppendBatch({TestEvent("a", "8")});
    AppendBatch({TestEvent("a", "9")});
    AppendBatch({TestEvent("d", "10"), TestEvent("a", std::string(33, 'e'))});
    log_id_.assign(log_->log_id(), log_->log_id() + 16);
    Kill();
    path_ = SegmentPath(1);
    original_ = ReadFile(path_);
  }
  // Several segments, each with many batches; `marked`: all but the newest is closed and synced.
  void MakeLongJournal(int events, bool maintained) {
    Open();
    for (int i = 0; i < events; ++i) {
      AppendBatch({TestEvent("s" + std::to_string(i % 5), std::string(700, 'l'))});
      ASSERT_TRUE(!maintained || log_->MaintainJournal().ok());
    }
    log_id_.assign(log_->log_id(), log_->log_id() + 16);
    Kill();
  }
  std::vector<std::string> Segments() const {
    auto files = ListSegmentPaths();
    return files;
  }
  std::vector<std::string> ListSegmentPaths() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (entry.path().extension() == ".segment" && entry.path().stem() != "next") {
        paths.push_back(entry.path());
      }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  Result<RecoveredJournal> Recover(bool accept_damage = false, bool same_boot = true) {
    if (!directory_) {
      auto directory = DataDirectory::Open(options_.directory, "test");
      EXPECT_TRUE(directory.ok()) << directory.status().message();
      directory_ = std::move(*directory);
    }
    RecoverySpec spec;
    std::copy(log_id_.begin(), log_id_.end(), spec.log_id);
    spec.accept_damage = accept_damage;
    spec.same_boot = same_boot;
    auto ring = RingWriter::Create({.records_size = 64 << 10, .streams_max = 100});
    EXPECT_TRUE(ring.ok());
    StreamDirectory streams(ring->names(), 100);
    seen_.events.clear();
    report_ = {};
    return RecoverJournal(*directory_, spec, &streams, &*ring, &seen_, &report_);
  }
  // What was seen is what was written, up to some event.
  void ExpectAPrefix() {
    ASSERT_LE(seen_.events.size(), written_.size());
    for (size_t i = 0; i < seen_.events.size(); ++i) ASSERT_EQ(seen_.events[i], written_[i]) << i;
  }
  VerifyReport Verify() {
    auto report = VerifyJournal(options_.directory);
    EXPECT_TRUE(report.ok()) << report.status().message();
    return *report;
  }
  static uint64_t FileOffset(uint64_t position) {
    return kSegmentHeaderBytes + position - kFirstPosition;
  }
  uint64_t LastRecordBytes() const {
    return RecordSize(RecordKind::kEvent, TestEvent("a", std::string(33, 'e')).body.size());
  }
  uint64_t EndOfBatch(size_t number) const { return FileOffset(ends_[number].position); }
  void SetMark(const std::string& path, uint64_t position) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(WriteSyncMark(fd.get(), position, 0, path).ok());
  }

  std::vector<BatchEnd> ends_;
  std::vector<SeenEvent> written_;
  std::map<std::string, uint64_t> revisions_;
  std::vector<uint8_t> log_id_;
  std::string path_;
  std::string original_;
  std::optional<DataDirectory> directory_;
};

TEST_F(RecoveryTest, FindsEveryEventOfAJournalThatWasKilled) {
  MakeSmallJournal();
  auto recovered = Recover();
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(seen_.events, written_);
  EXPECT_EQ(recovered->head, written_.size());
  EXPECT_EQ(recovered->position, ends_.back().position);
  EXPECT_FALSE(recovered->ends_with_mark);
  EXPECT_EQ(report_.bytes_cut, 0u);
}

// A broker that dies leaves the front of what it was writing.
TEST_F(RecoveryTest, CutsAnIncompleteBatchOffWhereverTheWriteStopped) {
  MakeSmallJournal();
  for (size_t last = ends_.size() - 2; last < ends_.size(); ++last) {
    for (uint64_t stop = EndOfBatch(last - 1); stop < EndOfBatch(last); ++stop) {
      std::string bytes = original_;
      std::fill(bytes.begin() + static_cast<ptrdiff_t>(stop), bytes.end(), '\0');
      WriteFile(path_, bytes);
      if (stop % 16 == 5) {
        const VerifyReport verified = Verify();
        ASSERT_EQ(verified.errors, 0u) << stop;
        ASSERT_EQ(verified.warnings, 1u) << stop;
        ASSERT_EQ(verified.findings[0].offset, EndOfBatch(last - 1));
      }
      auto recovered = Recover();
      ASSERT_TRUE(recovered.ok()) << stop << ": " << recovered.status().message();
      // Stopped within the zeros that end a record, it may have written all that counts.
      const bool complete = recovered->head == ends_[last].sequence;
      ASSERT_TRUE(complete || recovered->head == ends_[last - 1].sequence) << stop;
      ASSERT_TRUE(!complete || stop > EndOfBatch(last) - 8) << stop;
      ExpectAPrefix();
      ASSERT_EQ(ReadFile(path_).substr(EndOfBatch(complete ? last : last - 1)),
                std::string(original_.size() - EndOfBatch(complete ? last : last - 1), '\0'));
      const VerifyReport verified = Verify();
      ASSERT_EQ(verified.errors + verified.warnings, 0u) << stop;
    }
  }
}

TEST_F(RecoveryTest, CutsAnIncompleteBatchOffWhereTheFileEnds) {
  MakeSmallJournal();
  for (uint64_t stop = EndOfBatch(4); stop < EndOfBatch(6); stop += 7) {
    WriteFile(path_, original_.substr(0, stop));
    auto recovered = Recover();
    ASSERT_TRUE(recovered.ok()) << stop << ": " << recovered.status().message();
    ExpectAPrefix();
    ASSERT_GE(recovered->head, ends_[4].sequence);
    ASSERT_EQ(ReadFile(path_).size(), original_.size()) << "space is reserved again";
  }
}

// Every byte; every 13th where a sanitizer makes each many times as dear.
const uint64_t kStride = Scaled({.soak = 1, .gate = 1, .sanitized = 13});

TEST_F(RecoveryTest, FindsEveryByteThatIsNotAsItWas) {
  MakeSmallJournal();
  const uint64_t end = EndOfBatch(ends_.size() - 1);
  const uint64_t last_batch = EndOfBatch(ends_.size() - 2);
  for (uint64_t offset = 0; offset < end + 200; offset += kStride) {
    std::string bytes = original_;
    bytes[offset] = static_cast<char>(bytes[offset] ^ (1 << (offset % 8)));
    WriteFile(path_, bytes);
    const VerifyReport verified = Verify();
    ASSERT_GT(verified.errors + verified.warnings, 0u) << offset;
    ASSERT_TRUE(offset >= last_batch || verified.errors > 0) << offset;
    auto recovered = Recover();
    ExpectAPrefix();
    if (recovered.ok()) {
      // The last batch can't be told from one whose write was interrupted; the spare bytes of the
      // header page don't matter.
      const bool harmless = offset >= sizeof(SegmentHeader) && offset < kSegmentHeaderBytes;
      ASSERT_TRUE(harmless || offset >= last_batch) << offset;
      ASSERT_GE(recovered->head, ends_[ends_.size() - 2].sequence) << offset;
    } else {
      ASSERT_TRUE(recovered.status().code() == StatusCode::kCorruption ||
                  recovered.status().code() == StatusCode::kIncompatible)
          << offset << recovered.status().message();
      // Of a batch whose write was interrupted no later record would be whole.
      ASSERT_LT(offset, end - LastRecordBytes());
      ASSERT_THAT(recovered.status().message(), HasSubstr(path_));
    }
  }
}

// C2: with the mark, even the last batch is told from an interrupted write.
TEST_F(RecoveryTest, FindsEveryByteBeforeTheMarkThatIsNotAsItWas) {
  MakeSmallJournal();
  SetMark(path_, ends_.back().position);
  original_ = ReadFile(path_);
  const uint64_t end = EndOfBatch(ends_.size() - 1);
  for (uint64_t offset = kSegmentHeaderBytes; offset < end; offset += kStride) {
    std::string bytes = original_;
    bytes[offset] = static_cast<char>(~bytes[offset]);
    WriteFile(path_, bytes);
    auto recovered = Recover();
    ASSERT_FALSE(recovered.ok()) << offset;
    ASSERT_EQ(recovered.status().code(), StatusCode::kCorruption);
    ASSERT_GT(Verify().errors, 0u) << offset;
  }
  // And records that are simply not there any more.
  for (size_t batch = 0; batch + 1 < ends_.size(); ++batch) {
    std::string bytes = original_;
    std::fill(bytes.begin() + static_cast<ptrdiff_t>(EndOfBatch(batch)), bytes.end(), '\0');
    WriteFile(path_, bytes);
    ASSERT_FALSE(Recover().ok()) << batch;
    ASSERT_GT(Verify().errors, 0u) << batch;
  }
}

// C3.
TEST_F(RecoveryTest, RefusesABatchThatSoundRecordsFollow) {
  MakeSmallJournal();
  for (uint64_t offset = EndOfBatch(1); offset < EndOfBatch(2); ++offset) {
    std::string bytes = original_;
    bytes[offset] = static_cast<char>(~bytes[offset]);
    WriteFile(path_, bytes);
    auto recovered = Recover();
    ASSERT_FALSE(recovered.ok()) << offset;
    ASSERT_EQ(recovered.status().code(), StatusCode::kCorruption);
    ASSERT_THAT(recovered.status().message(), HasSubstr("offset " + std::to_string(EndOfBatch(1))));
  }
}

TEST_F(RecoveryTest, RefusesAHoleInTheMiddle) {
  MakeSmallJournal();
  std::string bytes = original_;
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(EndOfBatch(2)),
            bytes.begin() + static_cast<ptrdiff_t>(EndOfBatch(3)), '\0');
  WriteFile(path_, bytes);
  auto recovered = Recover();
  ASSERT_FALSE(recovered.ok());
  EXPECT_EQ(recovered.status().code(), StatusCode::kCorruption);
  EXPECT_GT(Verify().errors, 0u);
}

// An agent may put anything into an event, also what looks like a record; torn, it is an end all the same.
TEST_F(RecoveryTest, IsNotFooledByARecordWithinATornBody) {
  MakeSmallJournal();
  const std::string inner = original_.substr(EndOfBatch(5), EndOfBatch(6) - EndOfBatch(5));
  Open();
  for (int shift = 0; shift < 8; ++shift) {
    Append("evil", std::string(static_cast<size_t>(shift), 'p') + inner + "tail");
  }
  Kill();
  std::string bytes = ReadFile(path_);
  const size_t last = bytes.rfind("tail");
  bytes[last] = 'T';
  WriteFile(path_, bytes);
  auto recovered = Recover();
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(recovered->head, written_.size() + 7);
  EXPECT_GT(report_.bytes_cut, 0u);
}

// ---- power cuts ----

TEST_F(RecoveryTest, CutsWhatAPowerCutLeftInAnyOrder) {
  MakeSmallJournal();
  std::string bytes = original_;
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(EndOfBatch(2)),
            bytes.begin() + static_cast<ptrdiff_t>(EndOfBatch(3)), '\0');
  WriteFile(path_, bytes);
  auto recovered = Recover(false, /*same_boot=*/false);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(recovered->head, ends_[2].sequence);
  ExpectAPrefix();
  EXPECT_GT(report_.bytes_cut, EndOfBatch(6) - EndOfBatch(2) - 8) << "the last zeros don't count";
  EXPECT_TRUE(Recover().ok()) << "nothing comes back";
}

TEST_F(RecoveryTest, RefusesDamageBeforeTheMarkAlsoAfterAPowerCut) {
  MakeSmallJournal();
  SetMark(path_, ends_[3].position);
  std::string bytes = ReadFile(path_);
  bytes[EndOfBatch(2) + 100] ^= 1;
  WriteFile(path_, bytes);
  EXPECT_FALSE(Recover(false, false).ok());
  bytes[EndOfBatch(2) + 100] ^= 1;
  bytes[EndOfBatch(3) + 100] ^= 1;
  WriteFile(path_, bytes);
  auto recovered = Recover(false, false);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(recovered->head, ends_[3].sequence);
}

TEST_F(RecoveryTest, RemovesLaterSegmentsThatAPowerCutLeftBehindAHole) {
  MakeLongJournal(100, /*maintained=*/false);
  const auto segments = Segments();
  ASSERT_GE(segments.size(), 2u);
  std::string bytes = ReadFile(segments[0]);
  std::fill(bytes.begin() + 20'000, bytes.begin() + 24'000, '\0');
  WriteFile(segments[0], bytes);
  EXPECT_FALSE(Recover(false, true).ok());
  auto recovered = Recover(false, false);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_LT(recovered->head, 24u);
  ExpectAPrefix();
  EXPECT_EQ(Segments().size(), 1u);
  EXPECT_THAT(report_.cut, HasSubstr("removed"));
}

// P1: a later segment that was on the disk shows that the hole was not there.
TEST_F(RecoveryTest, RefusesAHoleBeforeASegmentThatWasOnTheDisk) {
  MakeLongJournal(100, false);
  const auto segments = Segments();
  const uint64_t second = *ParseSegmentName(std::filesystem::path(segments[1]).filename().string());
  SetMark(segments[1], ends_[second].position);
  std::string bytes = ReadFile(segments[0]);
  std::fill(bytes.begin() + 20'000, bytes.begin() + 24'000, '\0');
  WriteFile(segments[0], bytes);
  EXPECT_FALSE(Recover(false, false).ok());
}

// P2.
TEST_F(RecoveryTest, RemovesANewestSegmentWhoseHeaderAPowerCutTook) {
  MakeSmallJournal();
  const std::string blank = SegmentPath(written_.size() + 1);
  for (const size_t size : {size_t{0}, size_t{65536}}) {
    WriteFile(blank, std::string(size, '\0'));
    EXPECT_FALSE(Recover(false, true).ok());
    WriteFile(blank, std::string(size, '\0'));
    auto recovered = Recover(false, false);
    ASSERT_TRUE(recovered.ok()) << recovered.status().message();
    EXPECT_EQ(recovered->head, written_.size());
    EXPECT_FALSE(std::filesystem::exists(blank));
  }
}

// ---- several segments ----

TEST_F(RecoveryTest, GoesOnThroughSegmentsWithAndWithoutFooters) {
  for (const bool maintained : {true, false}) {
    directory_.reset();
    std::filesystem::remove_all(options_.directory);
    written_.clear();
    ends_.clear();
    revisions_.clear();
    MakeLongJournal(200, maintained);
    ASSERT_GE(Segments().size(), 3u);
    auto recovered = Recover();
    ASSERT_TRUE(recovered.ok()) << recovered.status().message();
    EXPECT_EQ(seen_.events, written_);
    const VerifyReport verified = Verify();
    EXPECT_EQ(verified.errors + verified.warnings, 0u);
    EXPECT_EQ(verified.segments_closed, maintained ? verified.segments - 1 : 0);
    EXPECT_EQ(verified.events, 200u);
    EXPECT_EQ(verified.streams, 5u);
  }
}

TEST_F(RecoveryTest, FindsEveryByteOfAFooterThatIsNotAsItWas) {
  MakeLongJournal(100, true);
  const std::string first = Segments()[0];
  const std::string bytes = ReadFile(first);
  const uint64_t end =
      bytes.size() - sizeof(SegmentFooter) - kSegmentEndBytes - 2 * sizeof(IndexEntry);
  for (uint64_t offset = end; offset < bytes.size(); ++offset) {
    std::string changed = bytes;
    changed[offset] = static_cast<char>(~changed[offset]);
    WriteFile(first, changed);
    ASSERT_GT(Verify().errors, 0u) << offset;
    // It is not needed: the next segment says where this one ends.
    ASSERT_TRUE(Recover().ok()) << offset;
    ASSERT_EQ(seen_.events, written_);
  }
}

TEST_F(RecoveryTest, RefusesAMissingSegmentAndOneThatIsCut) {
  MakeLongJournal(200, true);
  const auto segments = Segments();
  const std::string middle = ReadFile(segments[1]);
  std::filesystem::remove(segments[1]);
  auto recovered = Recover();
  ASSERT_FALSE(recovered.ok());
  EXPECT_THAT(recovered.status().message(), HasSubstr(segments[2]));
  EXPECT_GT(Verify().errors, 0u);
  for (const size_t size :
       {middle.size() / 2, middle.size() - 1, size_t{5000}, size_t{100}, size_t{0}}) {
    WriteFile(segments[1], middle.substr(0, size));
    EXPECT_EQ(Recover().ok(), size == middle.size() - 1) << size;  // the footer alone
    EXPECT_GT(Verify().errors, 0u) << size;
  }
}

TEST_F(RecoveryTest, RefusesAnotherLogsSegmentAndARenamedOne) {
  MakeLongJournal(100, true);
  const auto segments = Segments();
  std::filesystem::rename(segments[1], SegmentPath(5000));
  EXPECT_FALSE(Recover().ok());
  EXPECT_GT(Verify().errors, 0u);
  std::filesystem::rename(SegmentPath(5000), segments[1]);
  ASSERT_TRUE(Recover().ok());
  log_id_[3] ^= 1;
  auto recovered = Recover();
  ASSERT_FALSE(recovered.ok());
  EXPECT_THAT(recovered.status().message(), HasSubstr("another log"));
}

// ---- accepting damage ----

TEST_F(RecoveryTest, LeavesOutWhatFollowsAcceptedDamageInItsSegment) {
  MakeLongJournal(200, true);
  const auto segments = Segments();
  std::string bytes = ReadFile(segments[1]);
  bytes[20'000] ^= 1;
  WriteFile(segments[1], bytes);
  ASSERT_FALSE(Recover().ok());
  auto recovered = Recover(/*accept_damage=*/true);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(recovered->head, 200u);
  EXPECT_TRUE(recovered->sequences_may_repeat);
  EXPECT_THAT(report_.damage, HasSubstr(segments[1]));
  EXPECT_THAT(report_.damage, HasSubstr("events"));
  EXPECT_LT(seen_.events.size(), 200u);
  EXPECT_GT(seen_.events.size(), 100u);
  // Of what is left all is as it was.
  for (const SeenEvent& event : seen_.events) EXPECT_EQ(event, written_[event.sequence - 1]);
  const VerifyReport verified = Verify();
  EXPECT_EQ(verified.errors, 0u);
  EXPECT_EQ(verified.warnings, 1u);
  const auto seen_before = seen_.events;
  ASSERT_TRUE(Recover().ok()) << "from now on it needs no acceptance";
  EXPECT_EQ(seen_.events, seen_before);
}

TEST_F(RecoveryTest, GoesOnAppendingBehindAcceptedDamage) {
  MakeLongJournal(200, true);
  const auto segments = Segments();
  std::string bytes = ReadFile(segments[1]);
  bytes[20'000] ^= 1;
  WriteFile(segments[1], bytes);
  options_.accept_damage = true;
  Open();
  EXPECT_EQ(log_->epoch(), 2u);
  EXPECT_EQ(log_->head(), 200u);
  EXPECT_EQ(log_->RevisionOf("s0"), 40u);
  for (int i = 0; i < 100; ++i) Append("s" + std::to_string(i % 7), std::string(500, 'n'));
  EXPECT_EQ(log_->RevisionOf("s0"), 55u);
  Kill();
  options_.accept_damage = false;
  Open();
  EXPECT_EQ(log_->head(), 300u);
  EXPECT_EQ(log_->RevisionOf("s0"), 55u);
  const VerifyReport verified = Verify();
  EXPECT_EQ(verified.errors, 0u);
  const uint64_t behind = *ParseSegmentName(std::filesystem::path(segments[2]).filename().string());
  const auto place = log_->FindSegment(behind - 1, 0);
  ASSERT_TRUE(place.ok()) << place.status().message();
  EXPECT_EQ(place->next_sequence, behind);
  EXPECT_FALSE(place->fd.valid());
}

TEST_F(RecoveryTest, AcceptsDamageAnywhereAndVerifiesAfterwards) {
  MakeLongJournal(200, true);
  std::map<std::string, std::string> originals;
  for (const std::string& path : Segments()) originals[path] = ReadFile(path);
  uint64_t step = 0;
  for (const auto& [damaged, content] : originals) {
    for (uint64_t offset = 0; offset < content.size(); offset += 1501 + (++step % 13)) {
      for (const auto& [path, bytes] : originals) WriteFile(path, bytes);
      std::string bytes = content;
      bytes[offset] = static_cast<char>(~bytes[offset]);
      WriteFile(damaged, bytes);
      auto recovered = Recover(true);
      ASSERT_TRUE(recovered.ok()) << damaged << " " << offset << recovered.status().message();
      for (const SeenEvent& event : seen_.events) ASSERT_EQ(event, written_[event.sequence - 1]);
      for (JournalSegment& segment : recovered->segments) {
        // As the helper thread would do.
        if (segment.open != nullptr && &segment != &recovered->segments.back()) {
          ASSERT_TRUE(segment.open->Close().ok());
        }
      }
      const VerifyReport verified = Verify();
      ASSERT_EQ(verified.errors, 0u)
          << damaged << " " << offset << ": " << verified.findings[0].text;
      for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
        if (entry.path().extension() == ".damaged") std::filesystem::remove(entry.path());
      }
    }
  }
}

TEST_F(RecoveryTest, SetsAMiddleSegmentAsideWhoseHeaderIsDamaged) {
  MakeLongJournal(200, true);
  const auto segments = Segments();
  std::string bytes = ReadFile(segments[1]);
  bytes[40] ^= 1;
  WriteFile(segments[1], bytes);
  ASSERT_FALSE(Recover().ok());
  ASSERT_TRUE(Recover(true).ok());
  EXPECT_TRUE(std::filesystem::exists(segments[1] + ".damaged"));
  EXPECT_EQ(seen_.events.back(), written_.back());
  EXPECT_EQ(Verify().errors, 0u);
  ASSERT_TRUE(Recover().ok());
}

// ---- what the order of records must be, also when each is sound by itself ----

class OrderTest : public RecoveryTest {
 protected:
  // Changes a field of the header of batch `number` (of one event) and makes its checksum right again.
  void Change(size_t number, const std::function<void(RecordHeader*)>& change) {
    std::string bytes = original_;
    const uint64_t offset = EndOfBatch(number - 1);
    auto* header = reinterpret_cast<RecordHeader*>(bytes.data() + offset);
    change(header);
    const Bytes record(reinterpret_cast<const std::byte*>(bytes.data()) + offset, header->size);
    header->crc32c = RecordChecksum(record);
    WriteFile(path_, bytes);
  }
  void ExpectRefused(const std::string& what) {
    auto recovered = Recover();
    ASSERT_FALSE(recovered.ok()) << what;
    EXPECT_EQ(recovered.status().code(), StatusCode::kCorruption);
    EXPECT_THAT(recovered.status().message(), HasSubstr(what));
    EXPECT_GT(Verify().errors, 0u) << what;
  }
};

TEST_F(OrderTest, RefusesEachFieldThatDoesNotContinueWhatIsBefore) {
  MakeSmallJournal();
  Change(4, [](RecordHeader* h) { ++h->sequence; });
  ExpectRefused("sequence");
  Change(4, [](RecordHeader* h) { --h->sequence; });
  ExpectRefused("sequence");
  Change(4, [](RecordHeader* h) { ++h->revision; });
  ExpectRefused("revision");
  Change(4, [](RecordHeader* h) { h->previous += 8; });
  ExpectRefused("event before");
  Change(4, [](RecordHeader* h) { h->jump = h->jump == 0 ? 4096 : 0; });
  ExpectRefused("jump");
  Change(4, [](RecordHeader* h) { h->batch_count = 2; });
  ExpectRefused("incomplete");
  Change(4, [](RecordHeader* h) { h->batch_index = 1; });
  ExpectRefused("batch");
  Change(4, [](RecordHeader* h) { h->batch_count = 0; });
  ExpectRefused("batch");
  Change(4, [](RecordHeader* h) { h->stream = 3; });
  ExpectRefused("name");
  Change(4, [](RecordHeader* h) { h->stream = 17; });
  ExpectRefused("stream");
}

TEST_F(OrderTest, FindsHeadersThatDisagreeWithTheirBodies) {
  MakeSmallJournal();
  const auto expect = [&](const std::string& what) {
    const VerifyReport verified = Verify();
    ASSERT_EQ(verified.errors, 1u) << what;
    EXPECT_THAT(verified.findings[0].text, HasSubstr(what));
    EXPECT_EQ(verified.findings[0].offset, EndOfBatch(3));
  };
  Change(4, [](RecordHeader* h) { ++h->type; });
  expect("type");
  Change(4, [](RecordHeader* h) { ++h->agent; });
  expect("agent");
  Change(4, [](RecordHeader* h) { h->flags = kRecordHasId; });
  expect("id");
  Change(4, [](RecordHeader* h) { h->flags = 4; });
  expect("flag");
  Change(4, [](RecordHeader* h) { h->reserved2 = 4; });
  expect("reserved");
}

TEST_F(OrderTest, RefusesMoreStreamsThanThereMayBe) {
  MakeSmallJournal();
  Change(4, [](RecordHeader* h) { h->stream = 5000; });
  auto recovered = Recover();
  ASSERT_FALSE(recovered.ok());
  EXPECT_EQ(recovered.status().code(), StatusCode::kExhausted);
  EXPECT_THAT(recovered.status().message(), HasSubstr("--max-streams"));
}

}  // namespace
}  // namespace roost
