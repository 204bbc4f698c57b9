// A journal that rots: every bit flipped, cut at every byte, blocks zeroed, doubled and swapped. Verification
// and recovery find it and say where, and no reader ever gets an event that was not written.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/verify.h"
#include "tests/log/log_fixture.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

class RotTest : public LogFixture {
 protected:
  RotTest() : LogFixture(ScratchDirectory::Place::kMemory) {}

  // A closed segment of nearly 64 KiB, and a newest one with some events, all of it synced.
  void SetUp() override {
    Open();
    for (int i = 0; i < 10 || !std::filesystem::exists(SegmentPath(place_.first)); ++i) {
      Append({TestEvent("s" + std::to_string(i % 7), std::string(20 + i % 90, 'r')),
              TestEvent("t", std::to_string(i))});
      ASSERT_LT(i, 1000) << "the segment is never full";
    }
    for (int i = 0; i < 5; ++i) Append("t", std::to_string(i));
    ASSERT_TRUE(log_->MaintainJournal().ok());
    ASSERT_TRUE(log_->SyncJournal().ok());
    Kill();
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (!ParseSegmentName(entry.path().filename().string())) continue;
      files_.push_back({entry.path(), ReadFile(entry.path()), {}});
    }
    std::sort(files_.begin(), files_.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
    ASSERT_EQ(files_.size(), 2u);
    for (File& file : files_) FindRecords(&file);
    Open();
    written_ = seen_.events;
    Kill();
    Restore();
  }

  struct Place {
    uint64_t position;
    uint64_t offset;
    uint64_t end;
    SeenEvent event;
  };
  struct File {
    std::string path;
    std::string bytes;
    std::vector<Place> places;
    uint64_t records_end() const { return places.back().end; }
  };

  void FindRecords(File* file) const {
    auto reader = OpenReader(file->path);
    uint64_t position = reader.base_position();
    std::vector<std::byte> record;
    while (reader.ReadRecordAt(position, &record) == SegmentReader::Outcome::kRecord) {
      RecordHeader header;
      std::memcpy(&header, record.data(), sizeof(header));
      const uint64_t offset = OffsetInSegment(reader.header(), position);
      file->places.push_back(
          {position, offset, offset + header.size,
           Seen(header, Bytes(record).subspan(kRecordHeaderBytes, header.body_length))});
      position += header.size;
      record.clear();
    }
  }
  static SegmentReader OpenReader(const std::string& path) {
    auto reader = SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return std::move(*reader);
  }
  // A start changes the newest file and others beside it; a dump of what was there before.
  void Restore() {
    for (const File& file : files_) WriteFile(file.path, file.bytes);
  }

  // By its place, as links and the index of the ring lead there, and by its number.
  void ExpectNoWrongEvent(const File& file, uint64_t offset) const {
    auto reader =
        SegmentReader::Open(UniqueFd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC)), file.path);
    if (!reader.ok()) return;
    auto place = std::upper_bound(
        file.places.begin(), file.places.end(), offset,
        [](uint64_t wanted, const Place& candidate) { return wanted < candidate.end; });
    if (place == file.places.end()) --place;
    ExpectRightOrNone(&*reader, place->position, place->event);
    const auto found = reader->FindSequence(place->event.sequence);
    if (found.ok()) ExpectRightOrNone(&*reader, *found, place->event);
    const auto last = reader->FindSequence(file.places.back().event.sequence);
    if (last.ok()) ExpectRightOrNone(&*reader, *last, file.places.back().event);
  }
  static void ExpectRightOrNone(SegmentReader* reader, uint64_t position, const SeenEvent& event) {
    std::vector<std::byte> record;
    if (reader->ReadRecordAt(position, &record) != SegmentReader::Outcome::kRecord) return;
    RecordHeader header;
    std::memcpy(&header, record.data(), sizeof(header));
    // Whether it belongs there is for whoever was led there to say.
    if (header.sequence != event.sequence) return;
    ASSERT_EQ(Seen(header, Bytes(record).subspan(kRecordHeaderBytes, header.body_length)), event);
  }

  // Something in [begin, end) of the file is not as it was; `certain`: it can't have been an interrupted
  // write either.
  void ExpectFound(const File& file, uint64_t begin, bool certain) {
    auto verified = VerifyJournal(options_.directory);
    ASSERT_TRUE(verified.ok()) << verified.status().message();
    ASSERT_GT(certain ? verified->errors : verified->errors + verified->warnings, 0u);
    const VerifyFinding& first = verified->findings[0];
    ASSERT_EQ(first.file, file.path);
    ASSERT_LE(first.offset, std::max<uint64_t>(begin, kSegmentHeaderBytes)) << first.text;

    const Status status = TryOpen();
    log_.reset();
    if (status.ok()) {
      // What recovery does not need, or what it cut off as the end of an interrupted write.
      ASSERT_EQ(seen_.events, written_);
      Restore();
      return;
    }
    ASSERT_TRUE(status.code() == StatusCode::kCorruption ||
                status.code() == StatusCode::kIncompatible);
    ASSERT_THAT(status.message(), HasSubstr(options_.directory));
    ASSERT_LE(seen_.events.size(), written_.size());
    ASSERT_TRUE(std::equal(seen_.events.begin(), seen_.events.end(), written_.begin()));
  }

  static void Put(const std::string& path, uint64_t offset, std::string_view bytes) {
    Overwrite(path, offset, bytes);
  }

  std::vector<File> files_;
  std::vector<SeenEvent> written_;
};

TEST_F(RotTest, IsFoundWhicheverBitFlips) {
  uint64_t flips = 0;
  for (const File& file : files_) {
    // The space reserved behind the newest record is all alike.
    const uint64_t end = &file == &files_[0] ? file.bytes.size() : file.records_end() + 300;
    for (uint64_t offset = 0; offset < end; ++offset) {
      for (uint64_t bit = 0; bit < 8; ++bit) {
        // All, or one of every other byte, or fewer.
        if ((offset * 8 + bit) % Scaled({.soak = 1, .gate = 17, .sanitized = 509}) != 0) continue;
        const char flipped = static_cast<char>(file.bytes[offset] ^ (1 << bit));
        Put(file.path, offset, {&flipped, 1});
        SCOPED_TRACE(file.path + " " + std::to_string(offset) + "." + std::to_string(bit));
        ExpectNoWrongEvent(file, offset);
        ExpectFound(file, offset, offset < file.records_end() || &file == &files_[0]);
        if (HasFailure()) return;
        Put(file.path, offset, {&file.bytes[offset], 1});
        ++flips;
      }
    }
  }
  RecordProperty("flips", static_cast<int>(flips));
}

TEST_F(RotTest, IsFoundWhereverAFileIsCut) {
  const uint64_t step = Scaled({.soak = 1, .gate = 7, .sanitized = 101});
  uint64_t cuts = 0;
  for (const File& file : files_) {
    const bool is_newest = &file == &files_[1];
    for (uint64_t size = 0; size < file.bytes.size(); size += step) {
      // Reserved space may be missing: so it is after a start that was interrupted.
      if (is_newest && size >= file.records_end()) break;
      ASSERT_EQ(::truncate(file.path.c_str(), static_cast<off_t>(size)), 0);
      SCOPED_TRACE(file.path + " cut to " + std::to_string(size));
      ExpectNoWrongEvent(file, size);
      ExpectFound(file, size, true);
      if (HasFailure()) return;
      ASSERT_EQ(::truncate(file.path.c_str(), static_cast<off_t>(file.bytes.size())), 0);
      Put(file.path, size, std::string_view(file.bytes).substr(size));
      ++cuts;
    }
  }
  RecordProperty("cuts", static_cast<int>(cuts));
}

TEST_F(RotTest, IsFoundWhicheverBlocksAreZeroedDoubledOrSwapped) {
  const File& file = files_[0];
  const std::string& bytes = file.bytes;
  const bool all = Scaled({.soak = 1, .gate = 0, .sanitized = 0}) == 1;
  uint64_t changes = 0;
  const auto expect_found = [&](const std::string& changed, const std::string& what) {
    if (changed == bytes) return;
    SCOPED_TRACE(what);
    WriteFile(file.path, changed);
    const auto first = static_cast<uint64_t>(
        std::mismatch(bytes.begin(), bytes.end(), changed.begin()).first - bytes.begin());
    ExpectNoWrongEvent(file, first);
    ExpectFound(file, first, true);
    Restore();
    ++changes;
  };
  for (const uint64_t block : {uint64_t{512}, uint64_t{4096}}) {
    const uint64_t count = bytes.size() / block;
    for (uint64_t a = 0; a < count && !HasFailure(); ++a) {
      std::string zeroed = bytes;
      std::fill_n(zeroed.begin() + static_cast<ptrdiff_t>(a * block), block, '\0');
      expect_found(zeroed, "zeroed " + std::to_string(a));
      for (uint64_t b = 0; b < count && !HasFailure(); ++b) {
        if (a == b || (!all && block == 512 && b != a + 1 && b != (a * 37) % count)) continue;
        std::string doubled = bytes;
        doubled.replace(b * block, block, bytes.substr(a * block, block));
        expect_found(doubled, "block " + std::to_string(a) + " over " + std::to_string(b));
        if (b < a) continue;
        std::string swapped = doubled;
        swapped.replace(a * block, block, bytes.substr(b * block, block));
        expect_found(swapped, "blocks " + std::to_string(a) + " and " + std::to_string(b));
      }
    }
  }
  RecordProperty("changes", static_cast<int>(changes));
}

// What lies before and behind a damaged place can still be read where it is.
TEST_F(RotTest, HidesNoOtherEventFromAReader) {
  const File& file = files_[0];
  for (size_t damaged = 0; damaged < file.places.size(); damaged += 7) {
    const Place& bad = file.places[damaged];
    Put(file.path, bad.offset + 100, "rot");
    auto reader = OpenReader(file.path);
    for (const Place& place : file.places) {
      std::vector<std::byte> record;
      const auto outcome = reader.ReadRecordAt(place.position, &record);
      ASSERT_EQ(outcome,
                &place == &bad ? SegmentReader::Outcome::kDamaged : SegmentReader::Outcome::kRecord)
          << place.event.sequence;
    }
    Restore();
  }
}

}  // namespace
}  // namespace roost
