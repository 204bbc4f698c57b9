// Lanes between real programs: the same promises as over the socket, in the same order, whoever is killed when.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ipc/counters_reader.h"
#include "ipc/socket_path.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

using std::chrono::microseconds;

constexpr uint64_t kBatchEvents = 10;

class LanesTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> arguments = {}) {
    broker_.setup().arguments = std::move(arguments);
    ASSERT_TRUE(broker_.Start());
  }
  static ClientOptions Options(const std::string& socket, const std::string& agent) {
    ClientOptions options;
    options.socket = socket;
    options.agent = agent;
    options.timeout = std::chrono::seconds(20) * kSlowdown;
    options.lane = true;
    return options;
  }
  Client NewClient(const std::string& agent) { return Client(Options(broker_.socket(), agent)); }

  static Batch NumberedBatch(const std::string& stream, uint64_t first, size_t bytes = 0) {
    Batch batch;
    for (uint64_t i = 0; i < kBatchEvents; ++i) {
      batch.events.push_back({.stream = stream,
                              .type = "t",
                              .data = "\"" + std::to_string(first + i) + std::string(bytes, ' ') + "\""});
    }
    return batch;
  }
  static uint64_t NumberOf(const SeenEvent& event) {
    return std::strtoull(event.data.c_str() + 1, nullptr, 10);
  }

  // The answer to the second comes behind the lane, so the third goes through it.
  static void AppendUntilItHasItsLane(Client* client) {
    for (int i = 0; i < 3; ++i) {
      const auto appended = client->Append({.stream = "any", .type = "t", .data = "{}"});
      ASSERT_TRUE(appended.ok()) << appended.status().message();
    }
  }

  // Of the attached session with this label.
  uint64_t LaneRequests(const std::string& agent) {
    const auto counters = ReadCounters(CountersPath(broker_.socket()), CountersDetail::kTables);
    EXPECT_TRUE(counters.ok()) << counters.status().message();
    if (!counters.ok()) return 0;
    for (const SessionCounters& session : counters->sessions) {
      if (session.agent == agent) return session[SessionCounter::kLaneRequests];
    }
    return 0;
  }
  std::vector<SeenEvent> EventsOf(const std::string& stream) {
    Client reader = MakeClient(broker_.socket());
    return ReadAll(&reader, {.filter = {.stream = stream}});
  }

  BrokerProcess broker_;
};

TEST_F(LanesTest, CarriesBatchesInTheirOrder) {
  Start();
  Client client = NewClient("producer");
  const auto before = client.Append({.stream = "s", .type = "t", .data = "\"0\""});
  ASSERT_TRUE(before.ok()) << before.status().message();
  constexpr uint64_t kBatches = 2000;
  uint64_t done = 0;
  for (uint64_t i = 0; i < kBatches; ++i) {
    ASSERT_TRUE(client
                    .Submit(NumberedBatch("s", 1 + i * kBatchEvents),
                            [&](const Result<AppendResult>& result) {
                              ASSERT_TRUE(result.ok()) << result.status().message();
                              EXPECT_EQ(result->first, before->sequence + 1 + done * kBatchEvents);
                              ++done;
                            })
                    .ok());
  }
  ASSERT_TRUE(client.Flush().ok());
  EXPECT_EQ(done, kBatches);
  EXPECT_GE(LaneRequests("producer"), kBatches - 64) << "they came another way";
  const std::vector<SeenEvent> events = EventsOf("s");
  ASSERT_EQ(events.size(), 1 + kBatches * kBatchEvents);
  for (uint64_t i = 0; i < events.size(); ++i) ASSERT_EQ(NumberOf(events[i]), i);
}

// Requests that are too large for it go through the socket, and may overtake nothing.
TEST_F(LanesTest, KeepsTheOrderWithLargeRequestsBetween) {
  Start();
  Client client = NewClient("producer");
  ASSERT_TRUE(client.Append({.stream = "other", .type = "t", .data = "{}"}).ok());
  constexpr uint64_t kBatches = 300;
  std::mt19937 random(1);
  for (uint64_t i = 0; i < kBatches; ++i) {
    Batch batch = NumberedBatch("s", i * kBatchEvents, random() % 4 == 0 ? 20'000 : 0);
    batch.conditions.push_back({"s", i * kBatchEvents});
    ASSERT_TRUE(client
                    .Submit(batch,
                            [i](const Result<AppendResult>& result) {
                              ASSERT_TRUE(result.ok()) << result.status().message();
                              EXPECT_TRUE(result->appended) << "batch " << i << " was overtaken";
                            })
                    .ok());
  }
  ASSERT_TRUE(client.Flush().ok());
  const std::vector<SeenEvent> events = EventsOf("s");
  ASSERT_EQ(events.size(), kBatches * kBatchEvents);
  for (uint64_t i = 0; i < events.size(); ++i) ASSERT_EQ(NumberOf(events[i]), i);
}

TEST_F(LanesTest, IsOpenedAnewWhenTheBrokerWasKilled) {
  Start();
  Client client = NewClient("producer");
  uint64_t submitted = 0, acknowledged = 0;
  for (int round = 0; round < 4; ++round) {
    for (uint64_t i = 0; i < 100; ++i) {
      ASSERT_TRUE(client
                      .Submit(NumberedBatch("s", submitted++ * kBatchEvents),
                              [&](const Result<AppendResult>& result) {
                                ASSERT_TRUE(result.ok()) << result.status().message();
                                ASSERT_TRUE(result->appended);
                                ++acknowledged;
                              })
                      .ok());
    }
    ASSERT_TRUE(broker_.Restart());
  }
  ASSERT_TRUE(client.Flush().ok());
  EXPECT_EQ(acknowledged, submitted);
  AppendUntilItHasItsLane(&client);
  const std::vector<SeenEvent> events = EventsOf("s");
  ASSERT_EQ(events.size(), submitted * kBatchEvents);
  for (uint64_t i = 0; i < events.size(); ++i) ASSERT_EQ(NumberOf(events[i]), i);
  EXPECT_GT(LaneRequests("producer"), 0u) << "the last broker gave it none";
}

// More clients, one after another, than there may be lanes at a time: what the killed ones had is given to others.
TEST_F(LanesTest, LeavesNothingTornBehindAKilledClient) {
  Start({"--durability", "memory"});
  const uint64_t clients = SoakWanted() ? 5000 : Scaled(160);
  std::mt19937 random(2);
  for (uint64_t n = 0; n < clients; ++n) {
    const std::string stream = "killed/" + std::to_string(n);
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Client client(Options(broker_.socket(), stream));
      for (uint64_t i = 0;; ++i) {
        const Status submitted = client.Submit(
            NumberedBatch(stream, i * kBatchEvents), [&](const Result<AppendResult>& result) {
              if (!result.ok() || ::write(acknowledged[1], "a", 1) != 1) ::_exit(1);
            });
        if (!submitted.ok()) ::_exit(1);
      }
    }
    ::close(acknowledged[1]);
    // From its first answer on, at any moment.
    char byte;
    uint64_t told = ::read(acknowledged[0], &byte, 1) == 1 ? 1 : 0;
    std::this_thread::sleep_for(microseconds(random() % 3000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
    while (::read(acknowledged[0], &byte, 1) == 1) ++told;
    ::close(acknowledged[0]);
    ASSERT_GT(told, 0u);
    if (n % 8 != 0 && n + 1 != clients) continue;
    const std::vector<SeenEvent> events = EventsOf(stream);
    EXPECT_GE(events.size(), told * kBatchEvents) << "what was acknowledged is missing";
    EXPECT_EQ(events.size() % kBatchEvents, 0u) << "a torn batch";
    for (uint64_t i = 0; i < events.size(); ++i) ASSERT_EQ(NumberOf(events[i]), i);
  }
  Client last = NewClient("last");
  AppendUntilItHasItsLane(&last);
  EXPECT_GT(LaneRequests("last"), 0u) << "the killed ones hold all lanes";
}

TEST_F(LanesTest, ServesThoseWithoutAPlaceThroughTheSocket) {
  Start({"--durability", "memory"});
  std::vector<Client> clients;
  for (int i = 0; i < 140; ++i) clients.push_back(NewClient("c" + std::to_string(i)));
  for (Client& client : clients) AppendUntilItHasItsLane(&client);
  EXPECT_GT(LaneRequests("c0"), 0u);
  EXPECT_EQ(LaneRequests("c139"), 0u);
}

TEST_F(LanesTest, CarriesClaimsConflictsAndWaitsToo) {
  Start();
  Client first = NewClient("first");
  Client second = NewClient("second");
  AppendUntilItHasItsLane(&first);
  AppendUntilItHasItsLane(&second);
  const auto conflict = first.Append({.stream = "any", .type = "t", .data = "{}"}, 0);
  ASSERT_TRUE(conflict.ok()) << conflict.status().message();
  EXPECT_FALSE(conflict->appended);
  EXPECT_NE(conflict->conflict->last, nullptr);

  const auto claimed = first.Claim({.keys = {"key"}});
  ASSERT_TRUE(claimed.ok() && claimed->granted);
  std::thread waiting([&] {
    const auto granted = second.Claim({.keys = {"key"}, .wait = std::chrono::seconds(30)});
    ASSERT_TRUE(granted.ok()) << granted.status().message();
    EXPECT_TRUE(granted->granted);
    const auto page = second.Wait({.filter = {.stream = "news"}}, std::chrono::seconds(30));
    ASSERT_TRUE(page.ok()) << page.status().message();
    EXPECT_EQ(page->size(), 1u);
  });
  // Not before the claim waits in the broker.
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kRequestsWaiting) == 1; }));
  const auto released = first.Release(claimed->token);
  EXPECT_TRUE(released.ok() && *released);
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kWaits) == 1; }));
  EXPECT_TRUE(first.Append({.stream = "news", .type = "t", .data = "{}"}).ok());
  waiting.join();
  EXPECT_GT(LaneRequests("second"), 0u);
}

}  // namespace
}  // namespace roost
