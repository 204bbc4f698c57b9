// Random logs whose closed segments are plain, compressed or some of each: all ways to read them give the
// same.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "client/directory_log.h"
#include "log/data_directory.h"
#include "log/segment_compactor.h"
#include "tests/client/read_fixture.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

class CompactedLogTest : public ReadFixture {
 protected:
  CompactedLogTest() { options_.segment_bytes = 160 << 10; }

  void Fill(size_t events) {
    for (size_t i = 0; i < events; ++i) {
      std::vector<Event> batch(1 + random_() % 3);
      for (Event& event : batch) {
        event.stream = "s/" + std::to_string(random_() % 9);
        event.type = "type" + std::to_string(random_() % 3);
        event.agent = "agent" + std::to_string(random_() % 3);
        const size_t size = random_() % 50 == 0 ? random_() % 4'000 : random_() % 400;
        for (size_t n = 0; n < size; ++n) {
          event.data.push_back(static_cast<char>('a' + random_() % (size % 2 == 0 ? 2 : 26)));
        }
      }
      Append(batch);
    }
  }
  // Every `each`th segment that may be.
  void Compact(size_t each) {
    const auto directory = DataDirectory::Open(options_.directory, "/tmp/test.sock").value();
    const auto plan = PlanCompaction(options_.directory, 0).value();
    ASSERT_GE(plan.names.size(), 2u);
    for (size_t i = 0; i < plan.names.size(); i += each) {
      const auto compacted = CompactSegment(directory, plan.names[i], 1);
      ASSERT_TRUE(compacted.ok()) << compacted.status().message();
      EXPECT_TRUE(compacted->compressed);
    }
  }
  ReadQuery RandomQuery() {
    ReadQuery query;
    query.order = random_() % 2 == 0 ? Order::kOldestFirst : Order::kNewestFirst;
    query.limit = static_cast<uint32_t>(1 + random_() % 200);
    if (random_() % 3 != 0) {
      query.filter.stream = "s/" + std::to_string(random_() % 9);
    } else if (random_() % 2 == 0) {
      query.filter.stream_prefix = "s/";
    }
    if (random_() % 3 == 0) query.filter.types = {"type" + std::to_string(random_() % 3)};
    if (random_() % 3 == 0) query.filter.agent = "agent" + std::to_string(random_() % 3);
    if (random_() % 3 == 0) query.after = random_() % model_.size();
    if (random_() % 3 == 0) query.before = query.after + 1 + random_() % model_.size();
    return query;
  }
  std::vector<uint64_t> ReadOffline(DirectoryLog* log, ReadQuery query) {
    std::vector<uint64_t> sequences;
    Page page;
    do {
      const Status read = log->Read(query, &page);
      EXPECT_TRUE(read.ok()) << read.message();
      if (!read.ok()) break;
      for (size_t i = 0; i < page.size(); ++i) {
        sequences.push_back(page[i].sequence);
        ExpectAsAppended(page[i]);
      }
      (query.order == Order::kOldestFirst ? query.after : query.before) = page.next();
    } while (page.more());
    EXPECT_TRUE(log->lost().empty());
    return sequences;
  }

  std::minstd_rand random_{3};
};

TEST_F(CompactedLogTest, ReadsTheSameFromPlainMixedAndCompressedSegments) {
  Open();
  Fill(Scaled({.soak = 4000, .gate = 2000, .sanitized = 1500}));
  Close();
  for (const size_t each : {0, 2, 1}) {
    SCOPED_TRACE("every " + std::to_string(each) + "th segment is compressed");
    if (each != 0) Compact(each);
    Open();
    auto offline = DirectoryLog::Open(options_.directory).value();
    for (uint64_t i = 0; i < Scaled({.soak = 500, .gate = 40, .sanitized = 8}); ++i) {
      const ReadQuery query = RandomQuery();
      const std::vector<uint64_t> expected = Expected(query);
      EXPECT_EQ(ReadAll(query), expected) << Describe(query);
      EXPECT_EQ(ReadOffline(offline.get(), query), expected) << Describe(query);
      if (HasFailure()) return;
    }
    EXPECT_GT(fetched_, 0u) << "everything was in the ring";
    Close();
  }
}

TEST_F(CompactedLogTest, GoesOnWhileSegmentsAreCompressedUnderItsHands) {
  Open();
  Fill(1000);
  Close();
  auto offline = DirectoryLog::Open(options_.directory).value();
  ReadQuery query{.limit = 50};
  Page page;
  ASSERT_TRUE(offline->Read(query, &page).ok());
  query.after = page.next();
  Compact(1);
  std::vector<uint64_t> rest;
  for (uint64_t sequence = query.after + 1; sequence <= model_.size(); ++sequence) {
    rest.push_back(sequence);
  }
  EXPECT_EQ(ReadOffline(offline.get(), query), rest);
}

TEST_F(CompactedLogTest, ReadsAroundDamagedFrames) {
  Open();
  Fill(1500);
  Close();
  Compact(1);
  const auto files = ListSegments(options_.directory).value();
  std::string bytes = ReadFile(files[1].path);
  const auto expect_most = [&](const std::string& what) {
    SCOPED_TRACE(what);
    auto log = DirectoryLog::Open(options_.directory).value();
    ReadQuery query{.limit = 500};
    Page page;
    std::vector<bool> seen(model_.size() + 1);
    do {
      ASSERT_TRUE(log->Read(query, &page).ok());
      for (size_t i = 0; i < page.size(); ++i) {
        ExpectAsAppended(page[i]);
        seen[page[i].sequence] = true;
      }
      for (const LostStretch& lost : log->lost()) {
        EXPECT_EQ(lost.file, files[1].path);
        for (uint64_t sequence = lost.first; sequence <= lost.last; ++sequence) {
          EXPECT_FALSE(seen[sequence]);
          seen[sequence] = true;
        }
      }
      query.after = page.next();
    } while (page.more());
    EXPECT_EQ(std::count(seen.begin() + 1, seen.end(), false), 0) << "neither read nor told";
  };
  Overwrite(files[1].path, bytes.size() / 2, "damage");
  expect_most("a frame");
  WriteFile(files[1].path, bytes);
  Overwrite(files[1].path, bytes.size() - 20, "damage");
  expect_most("the footer");
  WriteFile(files[1].path, bytes);
  Overwrite(files[1].path, 24, "damage");
  expect_most("the header");
}

}  // namespace
}  // namespace roost
