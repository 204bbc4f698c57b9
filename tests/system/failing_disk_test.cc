// A disk that takes no more writes, under a real broker: it stops acknowledging, says so, and goes on
// serving reads until it is started anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

class FailingDiskTest : public ::testing::TestWithParam<std::string> {
 protected:
  FailingDiskTest() : trigger_(broker_.scratch() / "no-sync") {
    broker_.setup().arguments = {"--durability", GetParam()};
    broker_.setup().environment = {std::string("LD_PRELOAD=") + FAILING_SYNC_LIBRARY,
                                   "ROOST_FAILING_SYNC=" + trigger_};
  }

  // libroost, both forms of `roost stat`, and the shim's status.
  void ExpectSaysSinceWhenAndWhy(Client* client, uint64_t began_ns) {
    const auto info = client->Info();
    ASSERT_TRUE(info.ok()) << info.status().message();
    EXPECT_GE(info->degraded_since_ns, began_ns);
    EXPECT_LE(info->degraded_since_ns, WallNs());
    const std::string why = info->degraded_why;
    EXPECT_THAT(why, HasSubstr(broker_.data()));
    EXPECT_THAT(why, HasSubstr(std::strerror(EIO)));
    const std::string since = FormatTime(info->degraded_since_ns);

    const std::string stat = Stat({});
    EXPECT_THAT(stat, HasSubstr("DEGRADED   since " + since + ": " + why));
    const boost::json::object json = boost::json::parse(Stat({"--json"})).as_object();
    EXPECT_EQ(json.at("degraded_since").as_string(), since);
    EXPECT_EQ(json.at("degraded_why").as_string(), why);

    ShimProcess shim({.socket = broker_.socket()});
    const ToolResult status = shim.Call("status", {});
    EXPECT_TRUE(status.Is("degraded"));
    ASSERT_TRUE(status.content.contains("degraded_since"));
    EXPECT_EQ(status.content.at("degraded_since").as_string(), since);
    EXPECT_EQ(status.content.at("degraded_why").as_string(), why);
  }
  std::string Health() {
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "health", "--json"};
    const Finished finished = RunProgram(options);
    EXPECT_EQ(finished.ending.exit_status, 1) << finished.errors;
    return finished.output;
  }
  std::string Stat(const std::vector<std::string>& more) {
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "stat"};
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
    const Finished finished = RunProgram(options);
    EXPECT_EQ(finished.ending.exit_status, 0) << finished.errors;
    return finished.output;
  }

  BrokerProcess broker_;
  const std::string trigger_;
};

TEST_P(FailingDiskTest, AcknowledgesNothingMoreAndServesReadsUntilItIsRestarted) {
  ASSERT_TRUE(broker_.Start());
  Client client = MakeClient(broker_.socket());
  const NewEvent event{.stream = "s", .type = "t", .data = "1"};
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.Append(event).ok());
  uint64_t acknowledged = 10;

  const uint64_t began_ns = WallNs();
  std::ofstream(trigger_).close();
  Result<AppendResult> result = client.Append(event);
  const bool syncs_first = GetParam() == "power";
  EXPECT_FALSE(syncs_first && result.ok()) << "acknowledged, and not on the disk";
  const bool refused = Eventually([&] {
    if (!result.ok()) return true;
    ++acknowledged;
    result = client.Append(event);
    return !result.ok();
  });
  ASSERT_TRUE(refused);
  EXPECT_THAT(result.status().message(), HasSubstr("restart"));
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kDegraded) == 1; }));
  EXPECT_EQ(ReadAll(&client, {.filter = {.stream = "s"}}).size(), acknowledged);
  ExpectSaysSinceWhenAndWhy(&client, began_ns);
  EXPECT_THAT(Health(), HasSubstr(R"("state":"degraded")"));

  // A disk that works again does not make good what it has lost.
  std::filesystem::remove(trigger_);
  EXPECT_FALSE(client.Append(event).ok());
  EXPECT_EQ(broker_.Count(Counter::kDegraded), 1u);
  EXPECT_EQ(ReadAll(&client, {.filter = {.stream = "s"}}).size(), acknowledged);

  ASSERT_TRUE(broker_.Restart());
  // With `power` the event that was not acknowledged was written, and may be there now.
  const uint64_t found = ReadAll(&client, {.filter = {.stream = "s"}}).size();
  EXPECT_GE(found, acknowledged);
  EXPECT_LE(found, acknowledged + 1);
  EXPECT_TRUE(Eventually([&] { return client.Append(event).ok(); }));
  EXPECT_EQ(broker_.Count(Counter::kDegraded), 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryJournal, FailingDiskTest, ::testing::Values("process", "power"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace roost
