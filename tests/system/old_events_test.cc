// Events that the ring forgot long ago are read from the journal, in every way in which new ones are.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

constexpr size_t kStreams = 20;

class OldEventsTest : public ::testing::Test {
 protected:
  OldEventsTest() : broker_({.arguments = {"--segment", "256KiB", "--ring", "64KiB"}}) {}

  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    client_ = std::make_unique<Client>(MakeClient(broker_.socket(), "writer-a"));
    Client second = MakeClient(broker_.socket(), "writer-b");
    const size_t events = Scaled(8000);
    for (size_t i = 0; i < events; ++i) {
      NewEvent event;
      event.stream = "s" + std::to_string(i * i % kStreams);
      event.type = i % 5 == 0 ? "rare" : "common";
      event.data = '"' + std::to_string(i) + std::string(i % 700, 'x') + '"';
      Batch batch;
      batch.events.push_back(std::move(event));
      if (i % 11 == 0) batch.id = std::to_string(i);
      Client& writer = i % 3 == 0 ? second : *client_;
      const Result<AppendResult> result = writer.Append(batch);
      ASSERT_TRUE(result.ok()) << result.status().message();
    }
    all_ = ReadAll(client_.get());
    ASSERT_GE(all_.size(), events);
    ExpectDense(all_);
    if (kSlowdown == 1) {
      ASSERT_GE(Segments().size(), 4u) << "nothing is old enough";
    }
  }

  // Oldest first.
  std::vector<std::filesystem::path> Segments() const {
    std::vector<std::filesystem::path> segments;
    for (const auto& entry : std::filesystem::directory_iterator(broker_.data())) {
      if (entry.path().extension() == ".segment") segments.push_back(entry.path());
    }
    std::ranges::sort(segments);
    return segments;
  }

  template <typename Predicate>
  std::vector<SeenEvent> Only(Predicate&& predicate) const {
    std::vector<SeenEvent> chosen;
    std::copy_if(all_.begin(), all_.end(), std::back_inserter(chosen), predicate);
    return chosen;
  }

  static std::vector<SeenEvent> Reversed(std::vector<SeenEvent> events) {
    std::reverse(events.begin(), events.end());
    return events;
  }

  // Both ways. What came since (that a client has left, say) is not asked for.
  void ExpectRead(ReadQuery query, const std::vector<SeenEvent>& expected) {
    query.before = all_.size() + 1;
    const std::vector<SeenEvent> forwards = ReadAll(client_.get(), query);
    EXPECT_TRUE(forwards == expected) << forwards.size() << " instead of " << expected.size();
    query.order = Order::kNewestFirst;
    EXPECT_TRUE(ReadAll(client_.get(), query) == Reversed(expected)) << "backwards";
  }

  BrokerProcess broker_;
  std::unique_ptr<Client> client_;
  std::vector<SeenEvent> all_;
};

TEST_F(OldEventsTest, AreReadBySequence) {
  ExpectRead({}, all_);
  for (size_t sequence = 1; sequence < all_.size(); sequence += all_.size() / 50) {
    const Result<Page> page = client_->Read({.after = sequence - 1, .limit = 3});
    ASSERT_TRUE(page.ok()) << page.status().message();
    ASSERT_EQ(page->size(), 3u);
    EXPECT_EQ(SeenEvent((*page)[0]), all_[sequence - 1]);
    EXPECT_EQ(SeenEvent((*page)[2]), all_[sequence + 1]);
    EXPECT_EQ(page->next(), sequence + 2);
    EXPECT_TRUE(page->more());
  }
}

TEST_F(OldEventsTest, AreReadByStream) {
  for (size_t i = 0; i < kStreams; ++i) {
    const std::string stream = "s" + std::to_string(i);
    ExpectRead({.filter = {.stream = stream}},
               Only([&](const SeenEvent& event) { return event.stream == stream; }));
  }
}

TEST_F(OldEventsTest, AreReadByStreamFromAnyRevision) {
  const std::vector<SeenEvent> stream =
      Only([](const SeenEvent& event) { return event.stream == "s1"; });
  for (size_t revision = 1; revision <= stream.size(); revision += 1 + stream.size() / 40) {
    ReadQuery query{.filter = {.stream = "s1"}, .from_revision = revision, .limit = 4};
    const Result<Page> page = client_->Read(query);
    ASSERT_TRUE(page.ok()) << page.status().message();
    ASSERT_EQ(page->size(), std::min<size_t>(4, stream.size() - revision + 1));
    for (size_t i = 0; i < page->size(); ++i) {
      EXPECT_EQ(SeenEvent((*page)[i]), stream[revision - 1 + i]);
    }
    query.order = Order::kNewestFirst;
    const Result<Page> backwards = client_->Read(query);
    ASSERT_TRUE(backwards.ok()) << backwards.status().message();
    ASSERT_EQ(backwards->size(), std::min<size_t>(4, revision));
    for (size_t i = 0; i < backwards->size(); ++i) {
      EXPECT_EQ(SeenEvent((*backwards)[i]), stream[revision - 1 - i]);
    }
  }
}

TEST_F(OldEventsTest, AreReadFiltered) {
  ExpectRead({.filter = {.types = {"rare"}}},
             Only([](const SeenEvent& event) { return event.type == "rare"; }));
  ExpectRead({.filter = {.agent = "writer-b"}},
             Only([](const SeenEvent& event) { return event.agent == "writer-b"; }));
  ExpectRead({.filter = {.stream_prefix = "s1"}},
             Only([](const SeenEvent& event) { return event.stream.starts_with("s1"); }));
  ExpectRead({.filter = {.stream = "s4", .types = {"rare", "unheard-of"}, .agent = "writer-a"}},
             Only([](const SeenEvent& event) {
               return event.stream == "s4" && event.type == "rare" && event.agent == "writer-a";
             }));
  ExpectRead({.filter = {.stream = "no-such-stream"}}, {});
  const uint64_t middle = all_.size() / 2;
  ExpectRead({.filter = {.types = {"rare"}}, .after = middle}, Only([&](const SeenEvent& event) {
               return event.type == "rare" && event.sequence > middle;
             }));
}

TEST_F(OldEventsTest, AreReadBetweenTwoSequences) {
  const uint64_t size = all_.size();
  for (const auto& [after, before] :
       std::vector<std::pair<uint64_t, uint64_t>>{{0, 1},
                                                  {0, 2},
                                                  {5, 6},
                                                  {5, 7},
                                                  {size / 3, size / 2},
                                                  {size - 2, size},
                                                  {size - 1, size + 1}}) {
    const auto inside = [after = after, before = before](const SeenEvent& event) {
      return event.sequence > after && event.sequence < before;
    };
    std::vector<SeenEvent> seen = ReadAll(client_.get(), {.after = after, .before = before});
    EXPECT_TRUE(seen == Only(inside)) << after << " to " << before;
    seen = ReadAll(client_.get(), {.after = after, .before = before, .order = Order::kNewestFirst});
    EXPECT_TRUE(seen == Reversed(Only(inside))) << after << " to " << before << ", backwards";
  }
}

TEST_F(OldEventsTest, AreReadThroughAShimPageByPage) {
  ShimProcess shim({.socket = broker_.socket(), .agent = "reader"});
  uint64_t after = 0;
  size_t seen = 0;
  ToolResult result;
  do {
    result = shim.Call("read", {{"after", after}, {"limit", 500}});
    ASSERT_TRUE(result.ok()) << result.text;
    ASSERT_LE(result.text.size(), 64u << 10);
    for (const auto& event : result.Array("events")) {
      ++seen;
      ASSERT_EQ(event.at("sequence").to_number<uint64_t>(), seen);
      if (seen > all_.size()) continue;  // the shim's own arrival
      ASSERT_EQ(event.at("stream").as_string(), all_[seen - 1].stream);
      if (event.at("stream").as_string().starts_with('s')) {
        ASSERT_EQ(boost::json::serialize(event.at("data")), all_[seen - 1].data);
      }
    }
    after = result.Number("next");
  } while (result.Is("more"));
  EXPECT_GE(seen, all_.size());
}

TEST_F(OldEventsTest, AreTheSameAfterARestart) {
  broker_.Terminate();
  ASSERT_TRUE(broker_.Start());
  Client fresh = MakeClient(broker_.socket());
  std::vector<SeenEvent> again = ReadAll(&fresh);
  ASSERT_GE(again.size(), all_.size());
  ExpectDense(again);
  again.erase(again.begin() + static_cast<std::ptrdiff_t>(all_.size()), again.end());
  EXPECT_TRUE(again == all_);
}

// One answer of the broker tells where the log goes on, however much was left out.
TEST_F(OldEventsTest, PassesOverWhatWasLeftOutAndSaysSo) {
  broker_.Terminate();
  const std::vector<std::filesystem::path> segments = Segments();
  if (segments.size() < 4) GTEST_SKIP() << "few events where all is slow";
  std::fstream file(segments[1], std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(segments[1]) / 2));
  file.write("damage!!", 8);
  file.close();
  broker_.setup().arguments.push_back("--accept-damage");
  ASSERT_TRUE(broker_.Start());
  Client reader = MakeClient(broker_.socket());
  Page page;
  std::optional<Gap> gap;
  uint64_t next = 1;
  ReadQuery query{.before = all_.size() + 1, .limit = 500};
  do {
    ASSERT_TRUE(reader.Read(query, &page).ok());
    for (size_t i = 0; i < page.size(); ++i) {
      if (page[i].sequence != next) {
        ASSERT_FALSE(gap.has_value()) << "a second gap";
        gap = page.gap();
        ASSERT_TRUE(gap.has_value()) << "event " << next << " is missing, and nobody said so";
        EXPECT_EQ(gap->first, next);
        EXPECT_EQ(gap->last + 1, page[i].sequence);
      }
      EXPECT_EQ(SeenEvent(page[i]), all_[page[i].sequence - 1]);
      next = page[i].sequence + 1;
    }
    query.after = page.next();
  } while (page.more());
  EXPECT_EQ(next, all_.size() + 1);
  ASSERT_TRUE(gap.has_value());
  EXPECT_GT(gap->last - gap->first, 50u);
}

}  // namespace
}  // namespace roost
