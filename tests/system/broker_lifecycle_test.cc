// How a broker begins and ends: alone, after a death, cleanly, and not at all where it can't.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

class BrokerLifecycleTest : public ::testing::Test {
 protected:
  Result<AppendResult> Append(const std::string& data) {
    Client client = MakeClient(broker_.socket());
    return client.Append(NewEvent{.stream = "s", .type = "t", .data = data});
  }

  Finished RunOn(const std::string& socket, const std::string& data) {
    return broker_.RunAnother({"--socket", socket, "--data", data});
  }

  // One line on stderr that names the pid, and exit status 1.
  void ExpectRefused(const Finished& second, pid_t first) {
    EXPECT_EQ(second.ending.exit_status, 1) << second.errors;
    EXPECT_NE(second.errors.find(std::to_string(first)), std::string::npos) << second.errors;
  }

  BrokerProcess broker_;
};

TEST_F(BrokerLifecycleTest, RefusesASecondOneOnTheSameDataWithThePidOfTheFirst) {
  ASSERT_TRUE(broker_.Start());
  ExpectRefused(RunOn(broker_.scratch() / "other.sock", broker_.data()), broker_.pid());
  EXPECT_TRUE(Append("1").ok());
}

TEST_F(BrokerLifecycleTest, RefusesASecondOneOnTheSameSocketWithThePidOfTheFirst) {
  ASSERT_TRUE(broker_.Start());
  ExpectRefused(RunOn(broker_.socket(), broker_.scratch() / "other-data"), broker_.pid());
  ExpectRefused(RunOn(broker_.socket(), broker_.data()), broker_.pid());
  EXPECT_TRUE(Append("1").ok());
}

TEST_F(BrokerLifecycleTest, TakesOverWhatAKilledOneLeftBehind) {
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(Append("1").ok());
  broker_.Kill9();
  ASSERT_TRUE(std::filesystem::exists(broker_.socket()));
  ASSERT_TRUE(broker_.Start());
  const Result<AppendResult> result = Append("2");
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->revision, 2u);
}

TEST_F(BrokerLifecycleTest, TakesOverASocketUnderAnotherDataDirectory) {
  ASSERT_TRUE(broker_.Start());
  broker_.Kill9();
  broker_.setup().data = broker_.scratch() / "new-data";
  ASSERT_TRUE(broker_.Start());
  EXPECT_EQ(Append("1")->revision, 1u);
}

TEST_F(BrokerLifecycleTest, DoesNotTakeOverAFileThatIsNoSocket) {
  WriteFile(broker_.socket(), "precious");
  const Finished finished = RunOn(broker_.socket(), broker_.data());
  EXPECT_EQ(finished.ending.exit_status, 1) << finished.errors;
  EXPECT_NE(finished.errors.find(broker_.socket()), std::string::npos) << finished.errors;
  EXPECT_EQ(ReadFile(broker_.socket()), "precious");
}

TEST_F(BrokerLifecycleTest, GivesOneOfManyThatStartAtOnceTheLog) {
  std::vector<Process> rivals;
  for (int i = 0; i < 8; ++i) {
    rivals.push_back(Process({.arguments = {ProgramPath("roostd"), "--socket", broker_.socket(),
                                            "--data", broker_.data()}}));
  }
  EXPECT_TRUE(Eventually([&] {
    return std::count_if(rivals.begin(), rivals.end(),
                         [](const Process& rival) { return rival.running(); }) == 1;
  }));
  EXPECT_TRUE(Eventually([&] { return Append("1").ok(); }));
  for (Process& rival : rivals) {
    if (!rival.running()) {
      EXPECT_EQ(rival.Wait().exit_status, 1);
    }
  }
}

TEST_F(BrokerLifecycleTest, EndsCleanlyOnSigtermAndSaysSoAtTheNextStart) {
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(Append("1").ok());
  broker_.Terminate();
  EXPECT_FALSE(std::filesystem::exists(broker_.socket())) << "the socket was left behind";
  const Finished verify =
      RunProgram({.arguments = {ProgramPath("roost"), "verify", "--data", broker_.data()}});
  EXPECT_EQ(verify.ending.exit_status, 0) << verify.output << verify.errors;
  ASSERT_TRUE(broker_.Start());
  EXPECT_EQ(Append("2")->revision, 2u);
}

TEST_F(BrokerLifecycleTest, EndsCleanlyUnderLoad) {
  ASSERT_TRUE(broker_.Start());
  uint64_t acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    // Of little patience: what it submits behind the end is not to be waited for.
    Client client({.socket = broker_.socket(),
                   .agent = "impatient",
                   .timeout = std::chrono::milliseconds(300) * kSlowdown});
    std::thread ending([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ::kill(broker_.pid(), SIGTERM);
    });
    Batch batch;
    batch.events.assign(20, NewEvent{.stream = "s", .type = "t", .data = "1"});
    uint64_t open = 0;
    while (broker_.process().running()) {
      const Status status = client.Submit(batch, [&](const Result<AppendResult>& result) {
        --open;
        if (result.ok()) acknowledged = std::max(acknowledged, result->revision);
      });
      ++open;
      if (!status.ok()) break;
    }
    ending.join();
    EXPECT_EQ(broker_.process().Wait().exit_status, 0) << broker_.Errors();
    ASSERT_TRUE(broker_.Start());
    Client fresh = MakeClient(broker_.socket());
    EXPECT_GE(ReadAll(&fresh, {.filter = {.stream = "s"}}).size(), acknowledged);
  }
}

TEST_F(BrokerLifecycleTest, SaysWhichDurabilityAnAppendHas) {
  for (const std::string durability : {"memory", "process", "power"}) {
    BrokerProcess broker({.arguments = {"--durability", durability}});
    ASSERT_TRUE(broker.Start());
    Client client = MakeClient(broker.socket());
    const Result<AppendResult> result =
        client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"});
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(DurabilityName(result->durability), durability);
    ShimProcess shim({.socket = broker.socket(), .agent = "a"});
    const ToolResult through_shim = shim.Call("append", {{"stream", "s"}, {"type", "t"}});
    ASSERT_TRUE(through_shim.ok()) << through_shim.text;
    EXPECT_EQ(through_shim.content.at("durability").as_string(), durability);
    broker.Kill9();
    ASSERT_TRUE(broker.Start());
    Client after = MakeClient(broker.socket());
    const size_t kept = ReadAll(&after, {.filter = {.stream = "s"}}).size();
    EXPECT_EQ(kept, durability == "memory" ? 0u : 2u) << durability;
  }
}

TEST_F(BrokerLifecycleTest, OfALogInMemoryTellsThatSequencesBeginAnew) {
  BrokerProcess broker({.arguments = {"--durability", "memory"}});
  ASSERT_TRUE(broker.Start());
  Client client = MakeClient(broker.socket());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"}).ok());
  }
  const Result<LogInfo> before = client.Info();
  ASSERT_TRUE(before.ok());
  ASSERT_TRUE(broker.Restart());
  ASSERT_TRUE(Eventually(
      [&] { return client.Append(NewEvent{.stream = "s", .type = "t", .data = "2"}).ok(); }));
  const Result<LogInfo> after = client.Info();
  ASSERT_TRUE(after.ok());
  EXPECT_TRUE(after->epoch != before->epoch || after->log_id != before->log_id);
  // To go on from where one was would silently miss what is new.
  const Result<Page> page = client.Read({.after = before->head + 100});
  EXPECT_FALSE(page.ok());
}

TEST_F(BrokerLifecycleTest, KeepsTheLogsIdAndSequencesOverEveryKindOfEnd) {
  ASSERT_TRUE(broker_.Start());
  Client client = MakeClient(broker_.socket());
  ASSERT_TRUE(Append("0").ok());
  const Result<LogInfo> first = client.Info();
  ASSERT_TRUE(first.ok());
  uint64_t revision = 1;
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) {
      broker_.Terminate();
      ASSERT_TRUE(broker_.Start());
    } else {
      ASSERT_TRUE(broker_.Restart());
    }
    EXPECT_EQ(Append("1")->revision, ++revision);
    Client fresh = MakeClient(broker_.socket());
    const Result<LogInfo> info = fresh.Info();
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->log_id, first->log_id);
    EXPECT_EQ(info->epoch, first->epoch);
  }
  Client fresh = MakeClient(broker_.socket());
  ExpectDense(ReadAll(&fresh));
}

TEST_F(BrokerLifecycleTest, GoesOnWithShimsThatWereThereBefore) {
  ShimProcess shim({.socket = broker_.socket(), .agent = "early"});
  ASSERT_TRUE(shim.Initialize());
  const ToolResult none = shim.Call("append", {{"stream", "s"}, {"type", "t"}});
  ASSERT_TRUE(none.answered);
  EXPECT_TRUE(none.is_error);
  EXPECT_NE(none.text.find("roostd"), std::string::npos) << none.text;
  ASSERT_TRUE(broker_.Start());
  EXPECT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}}).Is("appended"));
  broker_.Terminate();
  EXPECT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}}).is_error);
  // What it has mapped can still be read.
  const ToolResult read = shim.Call("read", {{"stream", "s"}});
  ASSERT_TRUE(read.ok()) << read.text;
  EXPECT_EQ(read.Array("events").size(), 1u);
  ASSERT_TRUE(broker_.Start());
  EXPECT_TRUE(Eventually([&] {
    return shim.Call("append", {{"stream", "s"}, {"type", "t"}}).Number("revision") == 2;
  }));
}

TEST_F(BrokerLifecycleTest, WakesAShimThatWaitedOverARestart) {
  ASSERT_TRUE(broker_.Start());
  ShimProcess shim({.socket = broker_.socket(), .agent = "waiter"});
  ASSERT_TRUE(shim.Call("status", {}).ok());
  const uint64_t call = shim.StartCall("wait", {{"stream", "awaited"}, {"timeout_ms", 50000}});
  ASSERT_TRUE(Eventually([&] { return broker_.Count(Counter::kWaits) == 1; }));
  ASSERT_TRUE(broker_.Restart());
  Client client = MakeClient(broker_.socket());
  ASSERT_TRUE(client.Append(NewEvent{.stream = "awaited", .type = "t", .data = "1"}).ok());
  const ToolResult result = shim.FinishCall(call);
  ASSERT_TRUE(result.ok()) << result.text;
  EXPECT_EQ(result.Array("events").size(), 1u);
}

TEST_F(BrokerLifecycleTest, IsNotKeptFromStartingByALockOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  BrokerProcess broker({.uid = 20001});
  ASSERT_TRUE(broker.Start());
  const std::string lock = broker.socket() + ".lock";
  ASSERT_TRUE(std::filesystem::exists(lock));
  // flock() asks for no permission to write: a file that others may read they may also lock.
  Process other({.arguments = {"/usr/bin/flock", lock, "/bin/sleep", "60"}, .uid = 20002});
  EXPECT_TRUE(Eventually([&] { return !other.running(); })) << "another user could take the lock";
  EXPECT_TRUE(broker.Restart());
}

TEST_F(BrokerLifecycleTest, SaysClearlyThatItsDirectoryCannotBeWritten) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become a user who may not";
  BrokerSetup setup;
  setup.uid = 20001;
  BrokerProcess broker(setup);
  const std::string forbidden = broker.scratch() / "forbidden";
  ASSERT_TRUE(std::filesystem::create_directory(forbidden));
  ASSERT_EQ(::chmod(forbidden.c_str(), 0755), 0);
  const Finished finished =
      broker.RunAnother({"--socket", broker.socket(), "--data", forbidden + "/data"});
  EXPECT_EQ(finished.ending.exit_status, 1);
  EXPECT_NE(finished.errors.find(forbidden), std::string::npos) << finished.errors;
  EXPECT_NE(finished.errors.find("ermission denied"), std::string::npos) << finished.errors;
}

TEST_F(BrokerLifecycleTest, RefusesWhatItDoesNotUnderstandWithStatusTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--nonsense"},
                                             {"--ring", "many"},
                                             {"--durability", "eternal"},
                                             {"--ring", "-1"},
                                             {"positional"}}) {
    const Finished finished = broker_.RunAnother(arguments);
    EXPECT_EQ(finished.ending.exit_status, 2) << arguments[0] << ": " << finished.errors;
    EXPECT_FALSE(finished.errors.empty());
  }
  EXPECT_EQ(broker_.RunAnother({"--help"}).ending.exit_status, 0);
  EXPECT_EQ(broker_.RunAnother({"--version"}).ending.exit_status, 0);
}

// A sanitizer's runtime needs what is given up. "NoNewPrivs:\t1" and so on, in /proc/PID/status.
TEST_F(BrokerLifecycleTest, GivesUpWhatABrokerDoesNotNeed) {
  if (kSlowdown != 1) GTEST_SKIP() << "not under a sanitizer";
  const auto says = [&](const std::string& line) {
    const std::string status = ReadFile("/proc/" + std::to_string(broker_.pid()) + "/status");
    return status.find("\n" + line + "\n") != std::string::npos;
  };
  ASSERT_TRUE(broker_.Start());
  EXPECT_TRUE(says("NoNewPrivs:\t1"));
  EXPECT_TRUE(says("CapEff:\t0000000000000000"));
  EXPECT_TRUE(says("CapPrm:\t0000000000000000"));
  EXPECT_TRUE(says("Seccomp:\t2"));
  broker_.Terminate();
  broker_.setup().arguments.push_back("--unconfined");
  ASSERT_TRUE(broker_.Start());
  EXPECT_TRUE(says("NoNewPrivs:\t0"));
  EXPECT_TRUE(says("Seccomp:\t0"));
}

TEST_F(BrokerLifecycleTest, KeepsItsFilesToItself) {
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(Append("1").ok());
  struct stat info {};
  ASSERT_EQ(::stat(broker_.data().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  for (const auto& entry : std::filesystem::directory_iterator(broker_.data())) {
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
  std::string counters = broker_.socket();
  counters.replace(counters.size() - 5, 5, ".counters");
  ASSERT_EQ(::stat(counters.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0444u);
}

}  // namespace
}  // namespace roost
