// What a LogReader does with a ring whose links cannot be right: it says so, and never runs on.
#include "client/stream_walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "tests/client/read_fixture.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace roost {
namespace {

class StreamWalkTest : public ReadFixture {
 protected:
  // A sealed copy of the ring in which the header of event `sequence` was changed, or the bytes of its body.
  void ReadCopyWith(uint64_t sequence, const std::function<void(RecordHeader*)>& change,
                    const std::function<void(std::byte*)>& change_body = nullptr) {
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(ring_->ReadHeader(sequence, &header, &position), RingReader::Outcome::kEvent);
    const RingLayout& layout = ring_->layout();
    std::vector<std::byte> bytes(layout.size);
    ASSERT_EQ(::pread(log_->ring_fd(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    change(&header);
    std::byte* const record =
        bytes.data() + layout.records_offset + (position & (layout.records_size - 1));
    std::memcpy(record, &header, sizeof(header));
    if (change_body) change_body(record + sizeof(header));
    const UniqueFd copy(::memfd_create("ring-copy", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::write(copy.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ASSERT_EQ(
        ::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
        0);
    auto ring = RingReader::Open(copy);
    ASSERT_TRUE(ring.ok()) << ring.status().message();
    damaged_ = std::make_unique<RingReader>(std::move(*ring));
    reader_ = std::make_unique<LogReader>(damaged_.get(), &segments_);
  }
  // So that links have to be followed: event 2 n - 1 is revision n of "a", event 2 n of "b".
  void AppendInTurn(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Append("a");
      Append("b");
    }
  }
  uint64_t PlaceOf(uint64_t sequence) {
    RecordHeader header;
    uint64_t position = 0;
    EXPECT_EQ(ring_->ReadHeader(sequence, &header, &position), RingReader::Outcome::kEvent);
    return position;
  }
  void ExpectCorruption(const ReadQuery& query) {
    Page page;
    EXPECT_EQ(Run(query, &page), LogReader::Step::kFailed) << Describe(query);
    EXPECT_EQ(last_failure_.code(), StatusCode::kCorruption) << last_failure_.message();
  }

  std::unique_ptr<RingReader> damaged_;
};

TEST_F(StreamWalkTest, EndsAtALinkThatLeadsToItselfOrForwards) {
  Open();
  AppendInTurn(20);
  for (const uint64_t target : {19u, 21u, 39u}) {
    ReadCopyWith(19, [&](RecordHeader* header) { header->previous = PlaceOf(target); });
    ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
    ExpectCorruption({.filter = {.stream = "a"}});
  }
}

TEST_F(StreamWalkTest, EndsAtALinkThatPassesOverEvents) {
  Open();
  Append("a", 20);
  ReadCopyWith(10, [&](RecordHeader* header) { header->previous = PlaceOf(8); });
  ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
}

TEST_F(StreamWalkTest, EndsAtALinkIntoAnotherStream) {
  Open();
  Append("a", 5);
  Append("b", 5);
  Append("a", 1);
  // Event 5 of "b" has the revision that is looked for, so only its name tells.
  ReadCopyWith(11, [&](RecordHeader* header) { header->previous = PlaceOf(10); });
  ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
}

TEST_F(StreamWalkTest, EndsWhereSequencesDoNotFall) {
  Open();
  Append("a", 20);
  ReadCopyWith(10, [](RecordHeader* header) { header->sequence = 30; });
  ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
}

TEST_F(StreamWalkTest, EndsAtALinkIntoTheMiddleOfARecord) {
  Open();
  Append("a", 20, 200);
  ReadCopyWith(10, [](RecordHeader* header) { header->previous += 104; });
  ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
  ReadCopyWith(10, [](RecordHeader* header) { header->previous += 3; });
  ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
}

TEST_F(StreamWalkTest, EndsAtAJumpThatCannotBeRight) {
  Open();
  Append("a", 100);
  // The newest event's jump is the first thing that a page from far back follows.
  ReadCopyWith(100, [&](RecordHeader* header) { header->jump = PlaceOf(3); });
  ExpectCorruption({.filter = {.stream = "a"}, .from_revision = 1, .limit = 5});
}

// The ring of a hostile broker, which changes records while they are read: an answer, or a refusal, and nothing is read
// that lies outside of what was copied.
TEST_F(StreamWalkTest, IsNotLedAstrayByARecordThatChangesWhileItIsRead) {
  Open();
  Append("a", 40, 200);
  const RingLayout& layout = ring_->layout();
  const UniqueFd hostile(::memfd_create("hostile-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(hostile.get(), static_cast<off_t>(layout.size)), 0);
  auto* const bytes = static_cast<std::byte*>(
      ::mmap(nullptr, layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, hostile.get(), 0));
  ASSERT_NE(bytes, MAP_FAILED);
  ASSERT_EQ(::pread(log_->ring_fd(), bytes, layout.size, 0), static_cast<ssize_t>(layout.size));
  // What is mapped already stays writable.
  ASSERT_EQ(::fcntl(hostile.get(), F_ADD_SEALS,
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL),
            0);
  auto ring = RingReader::Open(hostile);
  ASSERT_TRUE(ring.ok()) << ring.status().message();
  damaged_ = std::make_unique<RingReader>(std::move(*ring));
  reader_ = std::make_unique<LogReader>(damaged_.get(), &segments_);
  const auto word_at = [&](uint64_t sequence, size_t offset) {
    return std::atomic_ref(*reinterpret_cast<uint32_t*>(
        bytes + layout.records_offset + (PlaceOf(sequence) & (layout.records_size - 1)) + offset));
  };
  std::array words = {word_at(20, offsetof(RecordHeader, size)),
                      word_at(30, offsetof(RecordHeader, body_length)),
                      word_at(35, offsetof(RecordHeader, body_length))};
  std::atomic<bool> stop{false};
  std::thread flipper([&] {
    for (uint32_t round = 0; !stop.load(std::memory_order_relaxed); ++round) {
      for (auto& word : words) word.fetch_xor(0x00F0'0000, std::memory_order_relaxed);
    }
  });
  Page page;
  size_t events = 0;
  size_t unchecked = 0;  // with a size that it had when nobody looked
  for (int round = 0; round < 20'000; ++round) {
    const ReadQuery query{.filter = {.stream = round % 2 == 0 ? "a" : ""}, .after = 10};
    if (Run(query, &page) != LogReader::Step::kDone) continue;
    for (size_t i = 0; i < page.size(); ++i) {
      if (page.record(i).size() > 1000) ++unchecked;
      events += page[i].data.size() == 200 ? 1 : 0;
    }
  }
  stop = true;
  flipper.join();
  EXPECT_GT(events, 0u);
  EXPECT_EQ(unchecked, 0u);
  ::munmap(bytes, layout.size);
}

// ---- where nothing else lies between a stream's events ----

TEST_F(StreamWalkTest, NeedsNoLinksForwardsWhereAStreamLiesAlone) {
  Open();
  Append("b", 3);
  Append("a", 40);
  Append("b", 3);
  ReadCopyWith(20, [&](RecordHeader* header) { header->previous = PlaceOf(30); });
  ExpectCorruption({.filter = {.stream = "a"}, .order = Order::kNewestFirst});
  for (const uint32_t limit : {1u, 7u, 40u, 100u}) {
    for (const ReadQuery& query :
         {ReadQuery{.filter = {.stream = "a"}, .limit = limit},
          ReadQuery{.filter = {.stream = "a"}, .from_revision = 5, .limit = limit},
          ReadQuery{.filter = {.stream = "a"}, .after = 10, .limit = limit}}) {
      EXPECT_EQ(ReadAll(query), Expected(query)) << Describe(query);
    }
  }
}

TEST_F(StreamWalkTest, SaysThatAnEventIsDamagedAmongOthersLikeIt) {
  Open();
  Append("a", 20);
  const auto unchanged = [](RecordHeader*) {};
  // Where the table begins, and something further back.
  for (const size_t at : {0u, 3u, 8u, 9u}) {
    ReadCopyWith(10, unchanged, [at](std::byte* body) { body[at] ^= std::byte{0xFF}; });
    ExpectCorruption({.filter = {.stream = "a"}});
    ExpectCorruption({});
  }
}

TEST_F(StreamWalkTest, EndsAtARevisionThatIsNotTheNext) {
  Open();
  Append("a", 40);
  ReadCopyWith(20, [](RecordHeader* header) { header->revision = 21; });
  ExpectCorruption({.filter = {.stream = "a"}, .after = 5});
}

TEST_F(StreamWalkTest, TakesNoEventOfAnotherStreamForTheFirstOfItsOwn) {
  Open();
  Append("a", 40);
  Append("b", 9);
  Append("a", 40);
  // By its revision it could be the first of 80 in a row.
  ReadCopyWith(45, [](RecordHeader* header) { header->revision = 36; });
  const ReadQuery query{.filter = {.stream = "a"}, .from_revision = 36};
  EXPECT_EQ(ReadAll(query), Expected(query));
}

}  // namespace
}  // namespace roost
