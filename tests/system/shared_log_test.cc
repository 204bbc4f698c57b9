// Many agents on one log: 16 shims append to shared and to own streams while 8 readers follow.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

namespace json = boost::json;

constexpr size_t kShims = 16;
constexpr size_t kSharedStreams = 4;
constexpr size_t kBatch = 25;

// What every reader must agree on.
struct Place {
  uint64_t sequence;
  uint64_t revision;
  size_t stream_and_data;
  friend bool operator==(const Place&, const Place&) = default;
};

size_t HashOf(std::string_view stream, std::string_view data) {
  return std::hash<std::string>()(std::string(stream) + '\n' + std::string(data));
}

class SharedLogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }

  std::vector<std::unique_ptr<ShimProcess>> StartShims(size_t count, const std::string& label) {
    std::vector<std::unique_ptr<ShimProcess>> shims;
    for (size_t i = 0; i < count; ++i) {
      ShimSetup setup;
      setup.socket = broker_.socket();
      setup.agent = label + std::to_string(i);
      shims.push_back(std::make_unique<ShimProcess>(setup));
    }
    return shims;
  }

  // One event in four goes to a stream of the shim's own. Every third call is one event, not a batch.
  static void AppendAll(ShimProcess* shim, size_t index, size_t events) {
    size_t appended = 0;
    for (size_t call = 0; appended < events; ++call) {
      const size_t count = call % 3 == 0 ? 1 : std::min(kBatch, events - appended);
      json::array batch;
      for (size_t i = 0; i < count; ++i, ++appended) {
        const bool own = appended % 4 == 0;
        const std::string stream = own ? "own/" + std::to_string(index)
                                       : "shared/" + std::to_string(appended % kSharedStreams);
        batch.push_back({{"stream", stream},
                         {"type", "load.event"},
                         {"data", {{"shim", index}, {"n", appended}}}});
      }
      const ToolResult result = count == 1 ? shim->Call("append", batch[0].as_object())
                                           : shim->Call("append", {{"events", std::move(batch)}});
      ASSERT_TRUE(result.ok()) << result.text;
      ASSERT_TRUE(result.Is("appended")) << result.text;
      ASSERT_EQ(result.Number("count"), count);
      ASSERT_EQ(result.Number("sequence") - result.Number("first") + 1, count);
    }
  }

  // Follow until `last` is known and reached.
  static void FollowThroughShim(ShimProcess* shim, const std::atomic<uint64_t>& last,
                                std::vector<Place>* seen) {
    uint64_t after = 0;
    while (after < last.load(std::memory_order_acquire)) {
      const ToolResult result =
          shim->Call("wait", {{"after", after}, {"limit", 500}, {"timeout_ms", 200}});
      ASSERT_TRUE(result.ok()) << result.text;
      for (const json::value& event : result.Array("events")) {
        seen->push_back(
            {event.at("sequence").to_number<uint64_t>(), event.at("revision").to_number<uint64_t>(),
             HashOf(event.at("stream").as_string(), json::serialize(event.at("data")))});
      }
      after = result.Number("next");
    }
  }
  static void FollowThroughLibrary(Client* client, const std::atomic<uint64_t>& last,
                                   std::vector<Place>* seen) {
    ReadQuery query;
    query.limit = 1000;
    while (query.after < last.load(std::memory_order_acquire)) {
      const Result<Page> page = client->Wait(query, std::chrono::milliseconds(200));
      ASSERT_TRUE(page.ok()) << page.status().message();
      ASSERT_FALSE(page->gap().has_value());
      for (size_t i = 0; i < page->size(); ++i) {
        const EventView event = (*page)[i];
        // Data through a shim is the same bytes: parsed and written again, so that both hash alike.
        seen->push_back(
            {event.sequence, event.revision,
             HashOf(event.stream,
                    event.data.empty() ? "null" : json::serialize(json::parse(event.data)))});
      }
      query.after = page->next();
    }
  }

  BrokerProcess broker_;
};

TEST_F(SharedLogTest, ShowsEveryReaderTheSameDenseOrder) {
  const size_t events = SoakWanted() ? 1'000'000 : Scaled(100'000);
  auto writers = StartShims(kShims, "writer-");
  auto reading_shims = StartShims(4, "reader-");
  std::vector<Client> reading_clients;
  for (int i = 0; i < 4; ++i) reading_clients.push_back(MakeClient(broker_.socket()));

  std::atomic<uint64_t> last{UINT64_MAX};
  std::vector<std::vector<Place>> seen(reading_shims.size() + reading_clients.size());
  std::vector<std::thread> readers, appenders;
  for (size_t i = 0; i < reading_shims.size(); ++i) {
    readers.emplace_back([&, i] { FollowThroughShim(reading_shims[i].get(), last, &seen[i]); });
    readers.emplace_back([&, i] { FollowThroughLibrary(&reading_clients[i], last, &seen[4 + i]); });
  }
  for (size_t i = 0; i < kShims; ++i) {
    appenders.emplace_back([&, i] { AppendAll(writers[i].get(), i, events / kShims); });
  }
  for (std::thread& thread : appenders) thread.join();
  Client client = MakeClient(broker_.socket());
  const Result<LogInfo> info = client.Info();
  last.store(info.ok() ? info->head : 0, std::memory_order_release);
  for (std::thread& thread : readers) thread.join();
  ASSERT_TRUE(info.ok()) << info.status().message();

  const std::vector<SeenEvent> all = ReadAll(&client);
  ExpectDense(all);
  const auto appended = static_cast<size_t>(std::count_if(
      all.begin(), all.end(), [](const SeenEvent& event) { return event.type == "load.event"; }));
  EXPECT_EQ(appended, events / kShims * kShims);
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_GE(seen[i].size(), info->head) << "reader " << i;
    EXPECT_EQ(seen[i].front().sequence, 1u);
    // The last page of one may hold more than that of another.
    seen[i].resize(info->head);
    EXPECT_TRUE(seen[i] == seen[0]) << "reader " << i << " saw another order than reader 0";
  }
  for (size_t i = 0; i < info->head; ++i) ASSERT_EQ(seen[0][i].sequence, all[i].sequence);
}

TEST_F(SharedLogTest, LetsExactlyOneOfManyWinTheSameExpectedRevision) {
  auto shims = StartShims(kShims, "rival-");
  for (auto& shim : shims) ASSERT_TRUE(shim->Call("status", {}).ok());
  const uint64_t rounds = SoakWanted() ? 5000 : Scaled(400);
  for (uint64_t round = 0; round < rounds; ++round) {
    std::vector<uint64_t> calls;
    for (size_t i = 0; i < kShims; ++i) {
      calls.push_back(shims[i]->StartCall(
          "append",
          {{"stream", "contest"}, {"type", "won"}, {"expect", round}, {"data", {{"by", i}}}}));
    }
    size_t winners = 0, winner = 0;
    std::vector<size_t> told;  // by the conflicts: who has won
    for (size_t i = 0; i < kShims; ++i) {
      const ToolResult result = shims[i]->FinishCall(calls[i]);
      ASSERT_TRUE(result.ok()) << result.text;
      if (result.Is("appended")) {
        ++winners;
        winner = i;
        EXPECT_EQ(result.Number("revision"), round + 1);
        continue;
      }
      const json::object& conflict = result.content.at("conflict").as_object();
      EXPECT_EQ(conflict.at("stream").as_string(), "contest");
      EXPECT_EQ(conflict.at("expect").to_number<uint64_t>(), round);
      EXPECT_EQ(conflict.at("revision").to_number<uint64_t>(), round + 1);
      told.push_back(conflict.at("last").at("data").at("by").to_number<size_t>());
    }
    ASSERT_EQ(winners, 1u) << "round " << round;
    for (const size_t by : told) ASSERT_EQ(by, winner);
  }
}

TEST_F(SharedLogTest, GivesAllThatAppendTheSameIdTheSameAnswer) {
  auto shims = StartShims(kShims, "twin-");
  for (auto& shim : shims) ASSERT_TRUE(shim->Call("status", {}).ok());
  const uint64_t rounds = Scaled(200);
  for (uint64_t round = 0; round < rounds; ++round) {
    std::vector<uint64_t> calls;
    for (auto& shim : shims) {
      calls.push_back(shim->StartCall("append", {{"stream", "once"},
                                                 {"type", "t"},
                                                 {"id", "round-" + std::to_string(round)},
                                                 {"data", round}}));
    }
    size_t first_ones = 0;
    for (size_t i = 0; i < kShims; ++i) {
      const ToolResult result = shims[i]->FinishCall(calls[i]);
      ASSERT_TRUE(result.ok()) << result.text;
      ASSERT_TRUE(result.Is("appended")) << result.text;
      ASSERT_EQ(result.Number("revision"), round + 1);
      first_ones += !result.Is("duplicate");
    }
    ASSERT_EQ(first_ones, 1u) << "round " << round;
  }
  Client client = MakeClient(broker_.socket());
  EXPECT_EQ(ReadAll(&client, {.filter = {.stream = "once"}}).size(), rounds);
}

// A batch with conditions on two streams is how agents hand something over: tokens move between streams
// and none may be lost or doubled, whoever else moves one at the same moment.
TEST_F(SharedLogTest, ChecksAllConditionsOfABatchAtOnce) {
  constexpr size_t kRivals = 8;
  auto shims = StartShims(kRivals, "mover-");
  std::atomic<uint64_t> moved{0};
  const uint64_t wanted = Scaled(400);
  std::vector<std::thread> movers;
  for (size_t i = 0; i < kRivals; ++i) {
    movers.emplace_back([&, i] {
      uint64_t left = 0, right = 0;
      while (moved.load(std::memory_order_relaxed) < wanted) {
        json::array events;
        events.push_back({{"stream", "left"}, {"type", "out"}, {"data", left}});
        events.push_back({{"stream", "right"}, {"type", "in"}, {"data", left}});
        json::array conditions;
        conditions.push_back({{"stream", "left"}, {"expect", left}});
        conditions.push_back({{"stream", "right"}, {"expect", right}});
        const ToolResult result = shims[i]->Call(
            "append", {{"events", std::move(events)}, {"conditions", std::move(conditions)}});
        ASSERT_TRUE(result.ok()) << result.text;
        if (result.Is("appended")) {
          ASSERT_EQ(result.Number("revision"), right + 1);
          ++left;
          ++right;
          moved.fetch_add(1, std::memory_order_relaxed);
          continue;
        }
        const json::object& conflict = result.content.at("conflict").as_object();
        left = right = conflict.at("revision").to_number<uint64_t>();
      }
    });
  }
  for (std::thread& mover : movers) mover.join();
  Client client = MakeClient(broker_.socket());
  const std::vector<SeenEvent> left = ReadAll(&client, {.filter = {.stream = "left"}});
  const std::vector<SeenEvent> right = ReadAll(&client, {.filter = {.stream = "right"}});
  ASSERT_EQ(left.size(), moved.load(std::memory_order_relaxed));
  ASSERT_EQ(right.size(), left.size());
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].data, std::to_string(i));
    EXPECT_EQ(right[i].data, std::to_string(i));
    EXPECT_EQ(right[i].sequence, left[i].sequence + 1) << "not side by side";
  }
}

}  // namespace
}  // namespace roost
