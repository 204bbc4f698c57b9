// A data directory without room, on a small filesystem of the test's own.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

class DiskFullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    disk_ = scratch_ / "disk";
    ASSERT_TRUE(std::filesystem::create_directory(disk_));
    if (::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=4m") != 0) {
      GTEST_SKIP() << "a filesystem can't be mounted here";
    }
    mounted_ = true;
  }

  void TearDown() override {
    broker_.reset();
    if (mounted_) {
      EXPECT_EQ(::umount2(disk_.c_str(), MNT_DETACH), 0);
    }
  }

  void MakeBroker() {
    broker_ = std::make_unique<BrokerProcess>(BrokerSetup{
        .arguments = {"--segment", "512KiB", "--ring", "512KiB"}, .data = disk_ + "/data"});
  }

  // Takes what room there is but `left` bytes, in a file that can be deleted.
  void Occupy(uint64_t left) {
    const auto space = std::filesystem::space(disk_);
    ASSERT_GT(space.available, left);
    const UniqueFd fd(::open((disk_ + "/ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::posix_fallocate(fd.get(), 0, static_cast<off_t>(space.available - left)), 0);
  }
  std::string Health() {
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", broker_->socket(), "health", "--json"};
    return RunProgram(options).output;
  }
  bool HealthBecomes(const std::string& state) {
    return Eventually(
        [&] { return Health().find("\"state\":\"" + state + "\"") != std::string::npos; });
  }
  void MakeRoom() { std::filesystem::remove(disk_ + "/ballast"); }

  ScratchDirectory scratch_;
  std::string disk_;
  bool mounted_ = false;
  std::unique_ptr<BrokerProcess> broker_;
};

TEST_F(DiskFullTest, IsAClearErrorAtTheStart) {
  MakeBroker();
  Occupy(16 << 10);
  const Finished finished = broker_->RunAnother(
      {"--socket", broker_->socket(), "--data", broker_->data(), "--segment", "512KiB"});
  EXPECT_EQ(finished.ending.exit_status, 1) << finished.errors;
  EXPECT_NE(finished.errors.find(disk_), std::string::npos) << finished.errors;
  EXPECT_NE(finished.errors.find("o space left"), std::string::npos) << finished.errors;
  // And no half-made log stands in the way afterwards.
  MakeRoom();
  ASSERT_TRUE(broker_->Start());
  Client client = MakeClient(broker_->socket());
  EXPECT_TRUE(client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"}).ok());
}

TEST_F(DiskFullTest, IsForetoldByHealth) {
  MakeBroker();
  Occupy(1536 << 10);
  ASSERT_TRUE(broker_->Start());
  EXPECT_TRUE(HealthBecomes("disk_filling")) << Health();
}

TEST_F(DiskFullTest, RefusesClearlyInTheMiddleAndGoesOnWhenThereIsRoom) {
  MakeBroker();
  ASSERT_TRUE(broker_->Start());
  Client client = MakeClient(broker_->socket());
  NewEvent event{.stream = "s", .type = "t", .data = '"' + std::string(4000, 'd') + '"'};
  ASSERT_TRUE(client.Append(event).ok());
  EXPECT_TRUE(HealthBecomes("well")) << Health();
  Occupy(0);
  uint64_t appended = 1;
  Result<AppendResult> result(StatusCode::kUnavailable, "");
  for (int i = 0; i < 2000; ++i) {
    result = client.Append(event);
    if (!result.ok()) break;
    ++appended;
  }
  ASSERT_FALSE(result.ok()) << "the disk never became full";
  EXPECT_EQ(result.status().code(), StatusCode::kExhausted) << result.status().message();
  EXPECT_EQ(broker_->Count(Counter::kDegraded), 0u) << "a full disk is no defect";
  EXPECT_TRUE(HealthBecomes("disk_full")) << Health();
  // An agent is told the same, and may read.
  ShimProcess shim({.socket = broker_->socket(), .agent = "full"});
  const ToolResult through_shim =
      shim.Call("append", {{"stream", "s"}, {"type", "t"}, {"data", std::string(4000, 'd')}});
  EXPECT_TRUE(through_shim.answered && through_shim.is_error) << through_shim.text;
  EXPECT_TRUE(shim.Call("read", {{"stream", "s"}, {"limit", 1}}).ok());
  EXPECT_EQ(ReadAll(&client, {.filter = {.stream = "s"}}).size(), appended);

  MakeRoom();
  EXPECT_TRUE(Eventually([&] { return client.Append(event).ok(); }));
  EXPECT_EQ(broker_->Count(Counter::kDiskFullSinceNs), 0u);
  ++appended;
  for (int i = 0; i < 200; ++i, ++appended) {
    result = client.Append(event);
    ASSERT_TRUE(result.ok()) << result.status().message();
  }
  Client fresh = MakeClient(broker_->socket());
  const std::vector<SeenEvent> log = ReadAll(&fresh);
  ExpectDense(log);
  EXPECT_EQ(ReadAll(&fresh, {.filter = {.stream = "s"}}).size(), appended);
  broker_->Terminate();
  ASSERT_TRUE(broker_->Start());
  EXPECT_EQ(ReadAll(&fresh, {.filter = {.stream = "s"}}).size(), appended);
}

// What the monitor has to say waits for room: in the counters file at once, in $sla when it can be written.
TEST_F(DiskFullTest, TellsOfTheOutageOnceThereIsRoom) {
  MakeBroker();
  const std::string config = scratch_ / "roost.toml";
  WriteFile(config, "[sla]\nobjectives = [\"availability 99.9% over 10m\"]\n");  // 600 ms
  broker_->setup().arguments.insert(broker_->setup().arguments.end(), {"--config", config});
  ASSERT_TRUE(broker_->Start());
  Client client = MakeClient(broker_->socket());
  Occupy(0);
  for (const size_t bytes : {4000, 1}) {  // until not even the smallest fits
    const NewEvent event{.stream = "s", .type = "t", .data = '"' + std::string(bytes, 'd') + '"'};
    for (int i = 0; i < 20'000 && client.Append(event).ok(); ++i) continue;
    ASSERT_FALSE(client.Append(event).ok()) << "the disk never became full";
  }
  EXPECT_TRUE(Eventually([&] { return broker_->Count(Counter::kObjectivesBreached) == 1; }));
  const auto told = [&] { return ReadAll(&client, {.filter = {.stream = "$sla"}}); };
  EXPECT_TRUE(told().empty());
  EXPECT_TRUE(Eventually([&] { return broker_->Count(Counter::kOwnEventsWaiting) >= 1; }));
  MakeRoom();
  ASSERT_TRUE(Eventually([&] { return told().size() == 1; }));
  EXPECT_EQ(told()[0].type, "sla.breached");
  EXPECT_NE(told()[0].data.find("availability 99.9% over 10m"), std::string::npos);
  EXPECT_TRUE(Eventually([&] { return broker_->Count(Counter::kOwnEventsWaiting) == 0; }));
}

TEST_F(DiskFullTest, LosesNothingWhenTheBrokerDiesOnIt) {
  MakeBroker();
  ASSERT_TRUE(broker_->Start());
  Client client = MakeClient(broker_->socket());
  NewEvent event{.stream = "s", .type = "t", .data = '"' + std::string(4000, 'd') + '"'};
  Occupy(100 << 10);
  uint64_t appended = 0;
  while (appended < 2000 && client.Append(event).ok()) ++appended;
  ASSERT_LT(appended, 2000u);
  broker_->Kill9();
  MakeRoom();
  ASSERT_TRUE(broker_->Start());
  EXPECT_EQ(ReadAll(&client, {.filter = {.stream = "s"}}).size(), appended);
  EXPECT_TRUE(client.Append(event).ok());
}

}  // namespace
}  // namespace roost
