// Reading segments as clients do: by sequence and position, closed and open, while they are written, closed
// and taken away.
#include "log/segment_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "log/segment_file.h"
#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using ReadOutcome = SegmentReader::Outcome;

class SegmentReaderTest : public LogFixture {
 protected:
  SegmentReaderTest() { options_.ring_bytes = 1 << 20; }

  static SegmentReader OpenReader(const std::string& path) {
    auto reader = SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return std::move(*reader);
  }
  static StatusCode OpenCode(const std::string& path) {
    return SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path)
        .status()
        .code();
  }
  static SeenEvent ReadAt(SegmentReader& reader, uint64_t position) {
    std::vector<std::byte> record;
    if (reader.ReadRecordAt(position, &record) != ReadOutcome::kRecord) return {};
    RecordHeader header;
    std::memcpy(&header, record.data(), sizeof(header));
    return Seen(header, Bytes(record).subspan(kRecordHeaderBytes, header.body_length));
  }
  // `count` events of some 300 bytes; event n has n as its data, and zeros behind.
  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) {
      ++appended_;
      Append("s", std::to_string(appended_) + std::string(100 + appended_ % 200, ' '));
    }
  }
  static bool IsEvent(const SeenEvent& event, uint64_t sequence) {
    return event.sequence == sequence &&
           event.data == std::to_string(sequence) + std::string(100 + sequence % 200, ' ');
  }

  uint64_t appended_ = 0;
};

TEST_F(SegmentReaderTest, ReadsEveryEventOfAClosedSegment) {
  Open();
  AppendMany(400);
  ASSERT_TRUE(log_->MaintainJournal().ok());
  SegmentReader reader = OpenReader(SegmentPath(1));
  ASSERT_TRUE(reader.footer().has_value());
  const uint64_t last = reader.footer()->last_sequence;
  EXPECT_GT(last, 64u);
  uint64_t position = reader.base_position();
  for (uint64_t sequence = 1; sequence <= last; ++sequence) {
    auto found = reader.FindSequence(sequence);
    ASSERT_TRUE(found.ok()) << sequence << found.status().message();
    ASSERT_EQ(*found, position);
    ASSERT_TRUE(IsEvent(ReadAt(reader, position), sequence));
    RecordHeader header;
    ASSERT_EQ(reader.ReadHeaderAt(position, &header), ReadOutcome::kRecord);
    position += header.size;
  }
  RecordHeader header;
  EXPECT_EQ(reader.ReadHeaderAt(position, &header), ReadOutcome::kEnd);
  EXPECT_EQ(reader.FindSequence(last + 1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(reader.FindSequence(0).status().code(), StatusCode::kNotFound);
  EXPECT_GT(reader.buffer_bytes(), 0u);
  reader.Release();
  EXPECT_EQ(reader.buffer_bytes(), 0u);
  EXPECT_TRUE(reader.FindSequence(last).ok());
}

TEST_F(SegmentReaderTest, KeepsNoLargeBufferForLater) {
  Open();
  AppendMany(400);
  SegmentReader reader = OpenReader(SegmentPath(1));
  RecordHeader header;
  for (uint64_t position = reader.base_position();
       reader.ReadHeaderAt(position, &header) == ReadOutcome::kRecord;) {
    position += header.size;
  }
  EXPECT_GT(reader.buffer_bytes(), SegmentReader::kReadNearBytes);
  reader.ReleaseIfLarge();
  EXPECT_EQ(reader.buffer_bytes(), 0u);
}

TEST_F(SegmentReaderTest, SeesWhatIsAppendedToAnOpenSegment) {
  Open();
  AppendMany(3);
  SegmentReader reader = OpenReader(SegmentPath(1));
  EXPECT_FALSE(reader.footer().has_value());
  uint64_t position = reader.base_position();
  for (uint64_t sequence = 1; sequence <= 150; ++sequence) {
    RecordHeader header;
    while (reader.ReadHeaderAt(position, &header) == ReadOutcome::kEnd) AppendMany(2);
    ASSERT_TRUE(IsEvent(ReadAt(reader, position), sequence)) << sequence;
    position += header.size;
  }
}

TEST_F(SegmentReaderTest, FindsTheEndOfASegmentThatIsClosedMeanwhile) {
  Open();
  AppendMany(1);
  SegmentReader reader = OpenReader(SegmentPath(1));
  SegmentReader late_reader = OpenReader(SegmentPath(1));
  AppendMany(399);
  uint64_t position = reader.base_position();
  RecordHeader header;
  uint64_t sequence = 0;
  const auto walk = [&](SegmentReader& from) {
    while (from.ReadHeaderAt(position, &header) == ReadOutcome::kRecord) {
      ++sequence;
      position += header.size;
    }
  };
  walk(reader);
  EXPECT_EQ(reader.ReadHeaderAt(position, &header), ReadOutcome::kEnd)
      << "full, but without a footer";
  const uint64_t end = position;
  ASSERT_TRUE(log_->MaintainJournal().ok());
  EXPECT_EQ(reader.ReadHeaderAt(position, &header), ReadOutcome::kEnd);
  position = late_reader.base_position();
  walk(late_reader);
  EXPECT_EQ(position, end);
  EXPECT_EQ(late_reader.ReadHeaderAt(end, &header), ReadOutcome::kEnd);
  EXPECT_TRUE(IsEvent(ReadAt(late_reader, *late_reader.FindSequence(5)), 5));
}

TEST_F(SegmentReaderTest, StartsAtAnAnchor) {
  Open();
  AppendMany(100);
  SegmentReader reader = OpenReader(SegmentPath(1));
  auto anchor = reader.FindSequence(64);
  ASSERT_TRUE(anchor.ok());
  auto found = reader.FindSequence(70, *anchor);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(IsEvent(ReadAt(reader, *found), 70));
  EXPECT_EQ(reader.FindSequence(60, *anchor).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(reader.FindSequence(101, *anchor).status().code(), StatusCode::kNotFound);
}

TEST_F(SegmentReaderTest, ReadsRecordsLargerThanItsBuffer) {
  options_.segment_bytes = 4 << 20;
  options_.ring_bytes = 16 << 20;
  Open();
  const std::string large(SegmentReader::kReadAheadBytes * 2, 'L');
  Append("s", "before");
  Append("s", large);
  Append("s", "after");
  SegmentReader reader = OpenReader(SegmentPath(1));
  EXPECT_EQ(ReadAt(reader, *reader.FindSequence(2)).data, large);
  EXPECT_EQ(ReadAt(reader, *reader.FindSequence(3)).data, "after");
}

TEST_F(SegmentReaderTest, SaysWhereARecordIsDamaged) {
  Open();
  AppendMany(400);
  ASSERT_TRUE(log_->MaintainJournal().ok());
  SegmentReader before = OpenReader(SegmentPath(1));
  const uint64_t position = *before.FindSequence(10);
  const uint64_t offset = kSegmentHeaderBytes + position - before.base_position();
  Overwrite(SegmentPath(1), offset + 120, "X");
  SegmentReader reader = OpenReader(SegmentPath(1));
  std::vector<std::byte> record;
  EXPECT_EQ(reader.ReadRecordAt(position, &record), ReadOutcome::kDamaged);
  EXPECT_TRUE(record.empty());
  EXPECT_NE(reader.status().message().find("offset " + std::to_string(offset)), std::string::npos);
  Overwrite(SegmentPath(1), offset, std::string(4, '\xff'));
  SegmentReader again = OpenReader(SegmentPath(1));
  RecordHeader header;
  EXPECT_EQ(again.ReadHeaderAt(position, &header), ReadOutcome::kDamaged);
  EXPECT_EQ(again.FindSequence(10).status().code(), StatusCode::kCorruption);
}

TEST_F(SegmentReaderTest, RefusesPositionsThatNoRecordCanHave) {
  Open();
  AppendMany(400);
  ASSERT_TRUE(log_->MaintainJournal().ok());
  SegmentReader reader = OpenReader(SegmentPath(1));
  RecordHeader header;
  for (const uint64_t position :
       std::vector<uint64_t>{0, reader.base_position() - 8, reader.base_position() + 4,
                             reader.footer()->end_position + 8, UINT64_MAX, UINT64_MAX & ~7ull}) {
    EXPECT_EQ(reader.ReadHeaderAt(position, &header), ReadOutcome::kDamaged) << position;
  }
  EXPECT_EQ(reader.ReadHeaderAt(reader.base_position() + 8, &header), ReadOutcome::kDamaged);
}

TEST_F(SegmentReaderTest, SaysGoneWhenRetentionTookTheFile) {
  Open();
  AppendMany(400);
  ASSERT_TRUE(log_->MaintainJournal().ok());
  SegmentReader reader = OpenReader(SegmentPath(1));
  ASSERT_EQ(::truncate(SegmentPath(1).c_str(), 0), 0);
  RecordHeader header;
  std::vector<std::byte> record;
  EXPECT_EQ(reader.ReadHeaderAt(reader.base_position(), &header), ReadOutcome::kGone);
  EXPECT_EQ(reader.ReadRecordAt(reader.base_position(), &record), ReadOutcome::kGone);
  EXPECT_EQ(reader.FindSequence(3).status().code(), StatusCode::kGone);
  EXPECT_EQ(OpenCode(SegmentPath(1)), StatusCode::kGone);
}

TEST_F(SegmentReaderTest, RefusesFilesThatAreNoSegments) {
  Open();
  AppendMany(3);
  const std::string good = ReadFile(SegmentPath(1));
  const std::string path = scratch_.path() + "/file";
  const auto with = [&](size_t offset, char value) {
    std::string bytes = good;
    bytes[offset] = value;
    WriteFile(path, bytes);
    return OpenCode(path);
  };
  EXPECT_EQ(with(4096, 'x'), StatusCode::kOk);
  EXPECT_EQ(with(0, 'x'), StatusCode::kCorruption);
  EXPECT_EQ(with(8, 'x'), StatusCode::kIncompatible);
  for (size_t offset = 16; offset < sizeof(SegmentHeader); ++offset) {
    EXPECT_EQ(with(offset, static_cast<char>(~good[offset])), StatusCode::kCorruption) << offset;
  }
  WriteFile(path, good.substr(0, 4095));
  EXPECT_EQ(OpenCode(path), StatusCode::kCorruption);
  EXPECT_EQ(OpenCode("/dev/null"), StatusCode::kGone);
  EXPECT_EQ(OpenCode(scratch_.path()), StatusCode::kIoError);
}

// A header with a good checksum, by somebody who wants the reader to read elsewhere.
TEST_F(SegmentReaderTest, RefusesHostileHeadersAndFooters) {
  Open();
  AppendMany(400);
  ASSERT_TRUE(log_->MaintainJournal().ok());
  const std::string good = ReadFile(SegmentPath(1));
  const std::string path = scratch_.path() + "/hostile";
  const auto with_header = [&](const std::function<void(SegmentHeader*)>& change) {
    WriteFile(path, good);
    SegmentHeader header;
    std::memcpy(&header, good.data(), sizeof(header));
    change(&header);
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_TRUE(WriteSegmentHeader(fd.get(), header, path).ok());
    return OpenCode(path);
  };
  EXPECT_EQ(with_header([](SegmentHeader* h) { h->base_position = UINT64_MAX - 7; }),
            StatusCode::kCorruption);
  EXPECT_EQ(with_header([](SegmentHeader* h) { h->base_position += 4; }), StatusCode::kCorruption);
  EXPECT_EQ(with_header([](SegmentHeader* h) { h->base_sequence = 0; }), StatusCode::kCorruption);
  EXPECT_EQ(with_header([](SegmentHeader* h) { h->size = 0; }), StatusCode::kCorruption);
  EXPECT_EQ(with_header([](SegmentHeader* h) { h->size = UINT64_MAX; }), StatusCode::kCorruption);

  const auto footer_counts = [&](const std::function<void(SegmentFooter*)>& change) {
    std::string bytes = good;
    SegmentFooter footer;
    char* place = bytes.data() + bytes.size() - sizeof(footer);
    std::memcpy(&footer, place, sizeof(footer));
    change(&footer);
    std::memcpy(place, &footer, sizeof(footer));
    WriteFile(path, bytes);
    return OpenReader(path).footer().has_value();
  };
  EXPECT_TRUE(footer_counts([](SegmentFooter*) {}));
  EXPECT_FALSE(footer_counts([](SegmentFooter* f) { f->end_position = UINT64_MAX; }));
  EXPECT_FALSE(footer_counts([](SegmentFooter* f) { f->end_position = 0; }));
  EXPECT_FALSE(footer_counts([](SegmentFooter* f) { f->index_count = UINT64_MAX / 16; }));
  EXPECT_FALSE(footer_counts([](SegmentFooter* f) { f->last_sequence = UINT64_MAX; }));
  EXPECT_FALSE(footer_counts([](SegmentFooter* f) { f->last_sequence = 0; }));
  EXPECT_FALSE(footer_counts([](SegmentFooter* f) { ++f->time_ns_min; }));
}

TEST(ListSegmentsTest, ListsSegmentsAloneOldestFirst) {
  ScratchDirectory scratch;
  for (const char* name :
       {"00000000000000000200.segment", "00000000000000000001.segment", "next.segment", "identity",
        "1.segment", "00000000000000000001.segment.damaged", "0000000000000000000x.segment",
        "99999999999999999999.segment"}) {
    WriteFile(scratch.path() + "/" + name, "");
  }
  auto files = ListSegments(scratch.path());
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].base_sequence, 1u);
  EXPECT_EQ((*files)[1].base_sequence, 200u);
  EXPECT_EQ(ListSegments(scratch.path() + "/none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace roost
