// Objectives of a real broker: breached for real, waited for by an agent, and across restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

class SlaTest : public ::testing::Test {
 protected:
  void Configure(const std::string& objectives) {
    const std::string path = broker_.scratch() / "roost.toml";
    std::ofstream(path) << "[sla]\nobjectives = [" << objectives << "]\n";
    broker_.setup().arguments = {"--config", path};
  }
  std::string Stat() {
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "stat", "--json"};
    return RunProgram(options).output;
  }
  bool StatSays(const std::string& what) {
    return Eventually([&] { return Stat().find(what) != std::string::npos; });
  }
  std::vector<SeenEvent> Told() {
    Client client = MakeClient(broker_.socket());
    return ReadAll(&client, {.filter = {.stream = "$sla"}});
  }
  void Append(size_t count) {
    Client client = MakeClient(broker_.socket());
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"}).ok());
    }
  }

  BrokerProcess broker_;
};

TEST_F(SlaTest, AnAgentWaitsForABreachAndItsEnd) {
  Configure(R"("append p99 < 1us over 1s", "append p50 < 10s over 1s")");
  ASSERT_TRUE(broker_.Start());
  ShimProcess shim({.socket = broker_.socket()});
  const uint64_t breached = shim.StartCall(
      "wait", {{"stream", "$sla"}, {"types", {"sla.breached"}}, {"timeout_ms", 50000}});
  ASSERT_TRUE(Eventually([&] { return broker_.Count(Counter::kWaits) == 1; }));
  ASSERT_TRUE(Eventually([&] {
    Append(100);
    return broker_.Count(Counter::kObjectivesBreached) == 1;
  }));
  const ToolResult result = shim.FinishCall(breached);
  ASSERT_TRUE(result.ok()) << result.text;
  EXPECT_EQ(result.Array("events").size(), 1u);
  EXPECT_THAT(result.text, HasSubstr(R"("objective":"append p99 < 1us over 1s")"));

  // Nothing is asked any more, so nothing is slow.
  const ToolResult recovered = shim.Call(
      "wait", {{"stream", "$sla"}, {"types", {"sla.recovered"}}, {"timeout_ms", 50000}});
  const bool is_told = !recovered.Array("events").empty() || Told().size() >= 2;
  EXPECT_TRUE(is_told) << recovered.text;
  EXPECT_TRUE(StatSays(R"("sla":{"met":true,)"));
  const ToolResult status = shim.Call("status", {});
  EXPECT_THAT(status.text, HasSubstr(R"("sla":{"met":true,"objectives":2,"breached":[])"));
  const auto told = Told();
  ASSERT_GE(told.size(), 2u);
  EXPECT_EQ(told[0].type, "sla.breached");
  EXPECT_EQ(told[0].agent, "$broker");
  EXPECT_EQ(told[1].type, "sla.recovered");
  EXPECT_THAT(told[1].data, HasSubstr(R"("reason":"met")"));
}

TEST_F(SlaTest, TimeDownCountsAndABreachOutlivesItsBroker) {
  Configure(R"("availability 99.9% over 10m")");  // 600 ms
  ASSERT_TRUE(broker_.Start());
  Append(1);
  broker_.Kill9();
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(Eventually([&] { return broker_.Count(Counter::kObjectivesBreached) == 1; }));
  EXPECT_TRUE(StatSays(R"("state":"breached")"));
  ASSERT_TRUE(Eventually([&] { return Told().size() == 1; }));
  EXPECT_EQ(Told()[0].type, "sla.breached");

  // A clean end is no outage, and what was open stays so, without being told twice.
  broker_.Terminate();
  ASSERT_TRUE(broker_.Start());
  EXPECT_TRUE(StatSays(R"("state":"breached")"));
  EXPECT_EQ(Told().size(), 1u);

  // Nor does it get lost when nobody wants it any more.
  broker_.Terminate();
  Configure("");
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(Eventually([&] { return Told().size() == 2; }));
  EXPECT_EQ(Told()[1].type, "sla.recovered");
  EXPECT_THAT(Told()[1].data, HasSubstr(R"("reason":"removed")"));
  broker_.Terminate();
  ASSERT_TRUE(broker_.Start());
  EXPECT_EQ(Told().size(), 2u);
}

TEST_F(SlaTest, ADamagedFileIsLearnedAnew) {
  ASSERT_TRUE(broker_.Start());
  Append(1);
  broker_.Terminate();
  const std::string path = broker_.data() + "/monitor";
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(file.seekp(70) << "!");
  }
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(Eventually([&] { return broker_.Errors().find("learned anew") != std::string::npos; }));
  Append(1);
}

TEST_F(SlaTest, AWrongObjectiveRefusesTheStart) {
  Configure(R"("append p99 < 1ms over 1m",
                "append p99 << 1ms")");
  std::vector<std::string> arguments = {"--socket", broker_.socket(), "--data", broker_.data()};
  arguments.insert(arguments.end(), broker_.setup().arguments.begin(),
                   broker_.setup().arguments.end());
  const Finished finished = broker_.RunAnother(arguments);
  EXPECT_EQ(finished.ending.exit_status, 2);
  EXPECT_THAT(finished.errors, HasSubstr("roost.toml:3: sla.objectives: \"append p99 << 1ms\": at "
                                         "character 13 is '<': a time like"));
}

}  // namespace
}  // namespace roost
