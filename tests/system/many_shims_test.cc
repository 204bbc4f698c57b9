// A hundred agents on one broker: at work, starting it for themselves, and idle.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

const size_t kShims = kSlowdown == 1 ? 100 : 30;
constexpr uid_t kShimUser = 20001;

std::vector<std::unique_ptr<ShimProcess>> StartShims(const ShimSetup& setup) {
  std::vector<std::unique_ptr<ShimProcess>> shims;
  for (size_t i = 0; i < kShims; ++i) {
    ShimSetup one = setup;
    one.agent = "agent-" + std::to_string(i);
    shims.push_back(std::make_unique<ShimProcess>(one));
  }
  return shims;
}

// Every shim appends at once, then each sees all.
void ExpectAllAtWork(const std::vector<std::unique_ptr<ShimProcess>>& shims) {
  std::vector<uint64_t> calls;
  for (const auto& shim : shims) {
    calls.push_back(shim->StartCall("append", {{"stream", "roll-call"}, {"type", "here"}}));
  }
  for (size_t i = 0; i < shims.size(); ++i) {
    const ToolResult result = shims[i]->FinishCall(calls[i], Deadline::In(std::chrono::minutes(1)));
    ASSERT_TRUE(result.ok()) << "shim " << i << ": " << result.text;
    ASSERT_TRUE(result.Is("appended"));
  }
  for (const auto& shim : shims) {
    const ToolResult result = shim->Call("read", {{"stream", "roll-call"}, {"limit", 500}});
    ASSERT_TRUE(result.ok()) << result.text;
    ASSERT_EQ(result.Array("events").size(), shims.size());
  }
}

TEST(ManyShimsTest, AttachAppendAndReadAllAtOnce) {
  BrokerProcess broker;
  ASSERT_TRUE(broker.Start());
  const auto shims = StartShims({.socket = broker.socket()});
  ExpectAllAtWork(shims);
  Client client = MakeClient(broker.socket());
  EXPECT_EQ(client.ListSessions().value().size(), kShims + 1);
}

TEST(ManyShimsTest, ThatWaitAreAllWokenByOneEvent) {
  BrokerProcess broker;
  ASSERT_TRUE(broker.Start());
  const auto shims = StartShims({.socket = broker.socket()});
  std::vector<uint64_t> calls;
  for (const auto& shim : shims) {
    calls.push_back(shim->StartCall("wait", {{"stream", "topic/all"}, {"timeout_ms", 50000}}));
  }
  ASSERT_TRUE(Eventually([&] { return broker.Count(Counter::kWaits) == kShims; }));
  Client client = MakeClient(broker.socket());
  ASSERT_TRUE(client.Append(NewEvent{.stream = "topic/all", .type = "t", .data = "1"}).ok());
  for (size_t i = 0; i < shims.size(); ++i) {
    const ToolResult result = shims[i]->FinishCall(calls[i]);
    ASSERT_TRUE(result.ok()) << result.text;
    EXPECT_EQ(result.Array("events").size(), 1u);
  }
  EXPECT_TRUE(Eventually([&] { return broker.Count(Counter::kWaits) == 0; }));
}

TEST(ManyShimsTest, CostNoCpuWhileTheyAreIdle) {
  BrokerProcess broker;
  ASSERT_TRUE(broker.Start());
  const auto shims = StartShims({.socket = broker.socket()});
  ExpectAllAtWork(shims);
  // Half of them idle in a wait, as agents do.
  for (size_t i = 0; i < shims.size(); i += 2) {
    shims[i]->StartCall("wait", {{"stream", "never"}, {"timeout_ms", 50000}});
  }
  ASSERT_TRUE(Eventually([&] { return broker.Count(Counter::kWaits) == (kShims + 1) / 2; }));
  std::this_thread::sleep_for(
      std::chrono::milliseconds(2500));  // what is under way comes to its end, and is reported
  const auto ticks_of_shims = [&] {
    uint64_t ticks = 0;
    for (const auto& shim : shims) ticks += CpuTicks(shim->pid());
    return ticks;
  };
  const uint64_t broker_before = CpuTicks(broker.pid());
  const uint64_t shims_before = ticks_of_shims();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  // Of 300 ticks in 3 seconds on one processor.
  EXPECT_LE(CpuTicks(broker.pid()) - broker_before, 2 * kSlowdown);
  EXPECT_LE(ticks_of_shims() - shims_before, 2 * kSlowdown);
}

class AutostartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::filesystem::exists("/run/roost")) {
      GTEST_SKIP() << "where /run/roost exists no shim starts a broker";
    }
    // As root the broker's data would go to /var/lib/roost.
    if (::geteuid() == 0) setup_.uid = kShimUser;
    const std::string home =
        setup_.uid ? scratch_.MakeDirectoryFor(kShimUser, "home") : scratch_.path();
    setup_.socket = home + "/roost.sock";
    setup_.environment = {"HOME=" + home, "XDG_DATA_HOME"};
    setup_.arguments = {"--autostart"};
    setup_.errors = scratch_ / "shims.stderr";
    WriteFile(setup_.errors, "");
  }

  void TearDown() override {
    // They have a session of their own and outlive the shims on purpose.
    for (const pid_t broker : Brokers()) ::kill(broker, SIGKILL);
  }

  std::vector<pid_t> Brokers() const {
    std::vector<pid_t> brokers;
    for (const pid_t pid : ProcessesWithArgument(setup_.socket)) {
      std::error_code error;
      const auto program =
          std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
      if (program.filename() == "roostd") brokers.push_back(pid);
    }
    return brokers;
  }

  ScratchDirectory scratch_;
  ShimSetup setup_;
};

TEST_F(AutostartTest, ByAHundredShimsAtOnceGivesOneBroker) {
  if (setup_.socket.empty()) return;
  const auto shims = StartShims(setup_);
  ExpectAllAtWork(shims);
  EXPECT_TRUE(Eventually([&] { return Brokers().size() == 1; })) << Brokers().size();
}

TEST_F(AutostartTest, StartsItAgainAfterItsDeath) {
  if (setup_.socket.empty()) return;
  setup_.agent = "phoenix";
  ShimProcess shim(setup_);
  ASSERT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}}).ok());
  const std::vector<pid_t> first = Brokers();
  ASSERT_EQ(first.size(), 1u);
  ::kill(first[0], SIGKILL);
  ToolResult result;
  EXPECT_TRUE(Eventually([&] {
    result = shim.Call("append", {{"stream", "s"}, {"type", "t"}});
    return result.ok();
  })) << result.text;
  EXPECT_EQ(result.Number("revision"), 2u);
}

TEST_F(AutostartTest, OutlivesTheShimThatStartedIt) {
  if (setup_.socket.empty()) return;
  setup_.agent = "parent";
  {
    ShimProcess shim(setup_);
    ASSERT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}}).ok());
  }
  ShimSetup other = setup_;
  other.arguments.clear();
  other.agent = "other";
  ShimProcess shim(other);
  const ToolResult result = shim.Call("read", {{"stream", "s"}});
  ASSERT_TRUE(result.ok()) << result.text;
  EXPECT_EQ(result.Array("events").size(), 1u);
}

}  // namespace
}  // namespace roost
