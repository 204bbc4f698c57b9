// kill -9 of agents in the midst of what they do: nobody else notices, and nothing of them stays.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

namespace json = boost::json;

class ShimDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }

  std::unique_ptr<ShimProcess> StartShim(const std::string& agent) {
    return std::make_unique<ShimProcess>(ShimSetup{.socket = broker_.socket(), .agent = agent});
  }

  // Everything that an agent can have under way: appends, a batch, waits.
  static void BeginMuch(ShimProcess* shim, int round) {
    shim->StartCall("wait", {{"stream", "never"}, {"timeout_ms", 50000}});
    shim->StartCall("wait", {{"stream", "never/*"}, {"timeout_ms", 50000}});
    for (int i = 0; i < 20; ++i) {
      shim->StartCall("append", {{"stream", "victims"}, {"type", "t"}, {"data", {{"i", i}}}});
      json::array events;
      for (int k = 0; k < 50; ++k) {
        events.push_back({{"stream", "batches"},
                          {"type", "t"},
                          {"data", {{"round", round}, {"text", std::string(500, 'x')}}}});
      }
      shim->StartCall("append", {{"events", std::move(events)}});
    }
  }

  // Works on until told to stop; every call must succeed.
  static void Survive(ShimProcess* shim, const std::atomic<bool>& stop,
                      std::atomic<uint64_t>* calls) {
    const std::string stream = "survivor/" + std::to_string(shim->pid());
    for (uint64_t revision = 0; !stop.load(std::memory_order_relaxed); ++revision) {
      const ToolResult appended = shim->Call(
          "append", {{"stream", stream}, {"type", "t"}, {"expect", revision}, {"data", revision}});
      ASSERT_TRUE(appended.ok()) << appended.text;
      ASSERT_TRUE(appended.Is("appended")) << appended.text;
      const ToolResult read =
          shim->Call("read", {{"stream", stream}, {"order", "newest"}, {"limit", 1}});
      ASSERT_TRUE(read.ok()) << read.text;
      ASSERT_EQ(read.Array("events").size(), 1u);
      ASSERT_EQ(read.Array("events")[0].at("revision").to_number<uint64_t>(), revision + 1);
      calls->fetch_add(1, std::memory_order_relaxed);
    }
  }

  BrokerProcess broker_;
};

TEST_F(ShimDeathTest, IsNoticedByNobodyElseAndFreesEverything) {
  constexpr size_t kSurvivors = 4, kVictims = 8;
  std::vector<std::unique_ptr<ShimProcess>> survivors;
  for (size_t i = 0; i < kSurvivors; ++i) {
    survivors.push_back(StartShim("survivor-" + std::to_string(i)));
    ASSERT_TRUE(survivors.back()->Call("status", {}).ok());
  }
  Client client = MakeClient(broker_.socket());
  ASSERT_TRUE(client.Info().ok());
  const size_t sessions_before = client.ListSessions().value().size();
  EXPECT_EQ(sessions_before, kSurvivors + 1);
  const size_t descriptors_before = OpenDescriptors(broker_.pid());

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> calls{0};
  std::vector<std::thread> working;
  for (auto& survivor : survivors) {
    working.emplace_back([&] { Survive(survivor.get(), stop, &calls); });
  }
  std::mt19937 random(7);
  std::set<std::string> victims;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<ShimProcess>> dying;
    for (size_t i = 0; i < kVictims; ++i) {
      const std::string agent = "victim-" + std::to_string(round) + "-" + std::to_string(i);
      victims.insert(agent);
      dying.push_back(StartShim(agent));
      ASSERT_TRUE(dying.back()->Call("status", {}).ok());
    }
    for (auto& shim : dying) BeginMuch(shim.get(), round);
    for (auto& shim : dying) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      shim->process().Kill9();
    }
  }
  const uint64_t calls_then = calls.load(std::memory_order_relaxed);
  EXPECT_TRUE(
      Eventually([&] { return calls.load(std::memory_order_relaxed) > calls_then + kSurvivors; }));
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : working) thread.join();

  EXPECT_TRUE(Eventually([&] {
    const auto sessions = client.ListSessions();
    return sessions.ok() && sessions->size() == sessions_before;
  })) << client.ListSessions().value().size()
      << " sessions instead of " << sessions_before;
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors(broker_.pid()) <= descriptors_before; }))
      << OpenDescriptors(broker_.pid()) << " descriptors instead of " << descriptors_before;
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kWaits) == 0; }))
      << broker_.Count(Counter::kWaits) << " waits are still registered";

  // What was appended is whole: batches of 50, side by side.
  const std::vector<SeenEvent> log = ReadAll(&client);
  ExpectDense(log);
  std::set<std::string> joined, left;
  size_t run = 0;
  for (const SeenEvent& event : log) {
    if (event.stream == "batches") {
      ++run;
    } else {
      ASSERT_EQ(run % 50, 0u) << "a batch was torn before sequence " << event.sequence;
      run = 0;
    }
    if (event.stream != "$agents") continue;
    if (event.type == "agent.joined") joined.insert(event.agent);
    if (event.type == "agent.left") left.insert(event.agent);
  }
  for (const std::string& agent : victims) {
    bool found_left = false;
    for (const SeenEvent& event : log) {
      if (event.stream != "$agents" || event.type != "agent.left") continue;
      found_left =
          found_left || event.agent == agent || event.data.find(agent) != std::string::npos;
    }
    EXPECT_TRUE(found_left) << agent << " never left";
  }
}

TEST_F(ShimDeathTest, EndsWhenItsParentsEndOfThePipeCloses) {
  auto shim = StartShim("leaving");
  ASSERT_TRUE(shim->Call("status", {}).ok());
  shim->CloseInput();
  EXPECT_EQ(shim->process().Wait().exit_status, 0);
}

TEST_F(ShimDeathTest, EndsAtOnceOnSigterm) {
  auto shim = StartShim("terminated");
  ASSERT_TRUE(shim->Call("status", {}).ok());
  shim->StartCall("wait", {{"stream", "never"}, {"timeout_ms", 50000}});
  shim->process().Signal(SIGTERM);
  shim->process().Wait();
  Client client = MakeClient(broker_.socket());
  EXPECT_TRUE(Eventually([&] { return client.ListSessions().value().size() == 1; }));
}

}  // namespace
}  // namespace roost
