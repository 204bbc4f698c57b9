#include "ipc/broker_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "base/clock.h"
#include "ipc/process_stat.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kNow = 1'000'000 * kNsPerSecond;

class BrokerHealthTest : public ::testing::Test {
 protected:
  BrokerHealthTest() {
    counters_.broker_pid = 4711;
    counters_.segment_bytes = 64 << 20;
    counters_.data_directory = "/var/lib/roost";
    counters_.beat = {Doing::kAsleep, kNow - 3600 * kNsPerSecond};
    Set(Counter::kDiskFreeBytes, 100ull << 30);
    Set(Counter::kDiskLookedNs, kNow - 3 * kNsPerSecond);
  }

  void Set(Counter counter, uint64_t value) {
    counters_.values[static_cast<size_t>(counter)] = value;
  }
  Health Judge(ProcessState process = ProcessState::kRuns) {
    return JudgeHealth(counters_, process, kNow, limits_);
  }
  HealthState State(ProcessState process = ProcessState::kRuns) { return Judge(process).state; }

  CountersSnapshot counters_;
  HealthLimits limits_;
};

TEST_F(BrokerHealthTest, IsWellWhenItHasSleptForLongInAProcessThatRuns) {
  EXPECT_EQ(State(), HealthState::kWell);
  EXPECT_EQ(State(ProcessState::kHidden), HealthState::kWell);
  EXPECT_EQ(State(ProcessState::kStopped), HealthState::kStopped);
  EXPECT_EQ(State(ProcessState::kGone), HealthState::kDead);
}

TEST_F(BrokerHealthTest, HangsWhenItHasBeenBusyWithOneThingForLong) {
  for (const Doing doing : {Doing::kStarting, Doing::kWorking, Doing::kWriting}) {
    counters_.beat = {doing, kNow - limits_.patience_ns};
    EXPECT_EQ(State(), HealthState::kWell);
    counters_.beat.at_ns -= 1;
    EXPECT_EQ(State(), HealthState::kHung);
    // Its clock is another's, or somebody wrote the file: no hang follows.
    counters_.beat.at_ns = kNow + 1;
    EXPECT_EQ(State(), HealthState::kWell);
  }
  counters_.beat = {Doing::kWriting, kNow - 5 * kNsPerSecond};
  EXPECT_THAT(Judge().reason, HasSubstr("writing to the journal for 5.0 s"));
}

TEST_F(BrokerHealthTest, SaysThatNothingIsAcknowledged) {
  Set(Counter::kDegraded, 1);
  counters_.degraded_why = "write segment: input/output error";
  EXPECT_EQ(State(), HealthState::kDegraded);
  EXPECT_THAT(Judge().reason, HasSubstr("input/output error"));
}

TEST_F(BrokerHealthTest, SaysThatTheDiskIsFullOrWillBe) {
  Set(Counter::kDiskFullSinceNs, 5 * kNsPerSecond);
  EXPECT_EQ(State(), HealthState::kDiskFull);
  Set(Counter::kDiskFullSinceNs, 0);

  Set(Counter::kDiskFreeBytes, 4 * (64ull << 20));
  EXPECT_EQ(State(), HealthState::kWell);
  Set(Counter::kDiskFreeBytes, 4 * (64ull << 20) - 4);
  EXPECT_EQ(State(), HealthState::kDiskFilling);

  Set(Counter::kDiskFreeBytes, 3600ull << 20);
  Set(Counter::kDiskBytesPerSecond, 1 << 20);
  EXPECT_EQ(State(), HealthState::kWell);
  Set(Counter::kDiskBytesPerSecond, 2 << 20);
  EXPECT_EQ(State(), HealthState::kDiskFilling);
  EXPECT_THAT(Judge().reason, HasSubstr("full in 30 min"));
  // A rate of long ago says nothing.
  Set(Counter::kDiskLookedNs, kNow - 61 * kNsPerSecond);
  EXPECT_EQ(State(), HealthState::kWell);
  // Without a journal there is no disk.
  Set(Counter::kDiskFreeBytes, 0);
  counters_.segment_bytes = 0;
  EXPECT_EQ(State(), HealthState::kWell);
}

TEST_F(BrokerHealthTest, SaysThatASyncTakesTooLong) {
  Set(Counter::kJournalSyncBeganNs, kNow - limits_.sync_patience_ns);
  EXPECT_EQ(State(), HealthState::kWell);
  Set(Counter::kJournalSyncBeganNs, kNow - limits_.sync_patience_ns - 1);
  EXPECT_EQ(State(), HealthState::kSyncStalled);
}

TEST_F(BrokerHealthTest, TellsAStoppedADeadAndAReusedPidFromABrokerThatRuns) {
  struct stat ours {};
  ASSERT_EQ(::stat("/proc/self/ns/pid", &ours), 0);
  counters_.pid_namespace = ours.st_ino;
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ASSERT_GT(child, 0);
  std::stringstream stat;
  stat << std::ifstream("/proc/" + std::to_string(child) + "/stat").rdbuf();
  counters_.broker_pid = static_cast<uint32_t>(child);
  counters_.process_start_ticks = ProcessStartTicks(stat.str());
  ASSERT_NE(counters_.process_start_ticks, 0u);
  EXPECT_EQ(LookAtBroker(counters_), ProcessState::kRuns);

  counters_.process_start_ticks += 1;
  EXPECT_EQ(LookAtBroker(counters_), ProcessState::kGone) << "another process has its pid";
  counters_.process_start_ticks -= 1;
  counters_.pid_namespace += 1;
  EXPECT_EQ(LookAtBroker(counters_), ProcessState::kHidden);
  counters_.pid_namespace -= 1;

  ASSERT_EQ(::kill(child, SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  EXPECT_EQ(LookAtBroker(counters_), ProcessState::kStopped);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(LookAtBroker(counters_), ProcessState::kGone) << "nobody has waited for it yet";
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(LookAtBroker(counters_), ProcessState::kGone);
}

TEST(ProcessStatTest, IsNotLedAstrayByTheName) {
  const std::string stat = "7 (a) R 1 (b) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20\n";
  EXPECT_EQ(ProcessStateLetter(stat), 'T');
  EXPECT_EQ(ProcessStartTicks(stat), 4242u);
  for (const char* text : {"", "7 (a", "7 (a)", "7 (a) ", "7 (a) R 1 2"}) {
    EXPECT_EQ(ProcessStartTicks(text), 0u) << text;
  }
}

TEST(CheckHealthTest, SaysSoWhereNoBrokerOrNoCountersAre) {
  const std::string path = ::testing::TempDir() + "roost-health-test-" + std::to_string(::getpid());
  EXPECT_EQ(CheckHealth(path).state, HealthState::kNoBroker);
  std::ofstream(path) << std::string(1 << 20, 'x');
  EXPECT_EQ(CheckHealth(path).state, HealthState::kUnreadable);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace roost
