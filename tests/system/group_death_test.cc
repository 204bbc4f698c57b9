// Consumers of groups, killed and stopped at random, and the broker too, while events are appended: afterwards the
// log is read by an oracle with code of its own, and beside it stands what the consumers were told.
//
// ROOST_TEST_SEED repeats the decisions of one run, though not its timing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/broker/group_peer.h"
#include "tests/support/broker_process.h"
#include "tests/support/group_oracle.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

using State = GroupOracle::State;

constexpr size_t kConsumers = 6;  // of each group
const std::vector<std::string> kGroups = {"a", "b"};

class GroupDeathTest : public ::testing::Test {
 protected:
  GroupDeathTest()
      : broker_({.arguments = {"--segment", "1MiB", "--ring", "1MiB", "--max-tries", "5"}}) {}

  void SetUp() override {
    const char* given = ::getenv("ROOST_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    RecordProperty("seed", std::to_string(seed_));
    ASSERT_TRUE(broker_.Start());
    for (size_t i = 0; i < kConsumers * kGroups.size(); ++i) {
      consumers_.emplace_back();
      StartConsumer(i);
    }
  }

  std::string NotesOf(size_t index) {
    return broker_.scratch() / ("consumer." + std::to_string(index));
  }

  void StartConsumer(size_t index) {
    const UniqueFd notes(
        ::open(NotesOf(index).c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    ASSERT_TRUE(notes.valid());
    ProcessOptions options;
    options.arguments = {std::string(ROOST_TEST_BIN_DIR) + "/group_consumer", broker_.socket(),
                         "tasks", kGroups[index % kGroups.size()], std::to_string(random_())};
    options.descriptors = {{notes.get(), STDOUT_FILENO}};
    consumers_[index] = Process(options);
  }

  // Appends until it is told to stop; what was not acknowledged may be there or not.
  void Produce(const std::atomic<bool>& stop) {
    Client client = MakeClient(broker_.socket(), "producer");
    while (!stop.load(std::memory_order_relaxed)) {
      Batch batch;
      for (int i = 0; i < 10; ++i) {
        batch.events.push_back({.stream = "tasks", .type = "task", .data = "{}"});
      }
      const Result<AppendResult> result = client.Append(batch);
      if (result.ok()) acknowledged_ += result->count;
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }

  void KillAtRandomMoments(int times) {
    for (int i = 0; i < times && !HasFatalFailure(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10 + random_() % 100));
      const size_t index = random_() % consumers_.size();
      switch (random_() % 8) {
        case 0:
        case 1:
          broker_.Kill9();
          ASSERT_TRUE(broker_.Start());
          break;
        case 2:
          // Looks alive until its leases have expired, and then settles what is not its own any more.
          consumers_[index].Signal(SIGSTOP);
          std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 600));
          consumers_[index].Signal(SIGCONT);
          break;
        default:
          consumers_[index].Kill9();
          StartConsumer(index);
      }
    }
  }

  // Consumers forget, but not for ever: after five tries an event is parked.
  void WaitUntilAllIsSettled() {
    GroupPeer peer(broker_.socket(), "watcher");
    for (const std::string& group : kGroups) {
      GroupPeer::Seen seen;
      EXPECT_TRUE(Eventually(
          [&] {
            seen = peer.LookAt("tasks", group);
            return seen.head > 0 && seen.checkpoint == seen.head;
          },
          Deadline::In(std::chrono::seconds(60))))
          << group << " is at " << seen.checkpoint << " of " << seen.head;
      EXPECT_EQ(seen.taken + seen.returned, 0u);
      seen_.push_back(seen);
    }
  }

  // What consumers were told is in the log.
  void ExpectToldTheTruth(const GroupOracle& oracle) {
    for (size_t index = 0; index < consumers_.size(); ++index) {
      const auto& group = oracle.groups().at("tasks/" + kGroups[index % kGroups.size()]);
      std::istringstream notes(ReadFile(NotesOf(index)));
      std::string what;
      uint64_t lease = 0, revision = 0;
      std::map<uint64_t, uint64_t> last;  // revision that the lease gave last
      while (notes >> what >> lease >> revision) {
        ++told_;
        if (what == "taken") {
          const auto found = group.leases.find(lease);
          ASSERT_NE(found, group.leases.end()) << "lease " << lease << " is not in the log";
          ASSERT_TRUE(std::ranges::binary_search(found->second, revision))
              << revision << " is not of lease " << lease;
          ASSERT_GT(revision, last[lease]) << "lease " << lease << " not in order, or told twice";
          last[lease] = revision;
        } else {
          const auto& item = group.items.at(revision);
          ASSERT_EQ(item.state, State::kDone) << revision << " was said to be done";
          ASSERT_EQ(item.lease, lease) << revision << " was done under another lease";
        }
      }
    }
  }

  BrokerProcess broker_;
  std::vector<Process> consumers_;
  std::mt19937_64 random_;
  uint64_t seed_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t told_ = 0;
  std::vector<GroupPeer::Seen> seen_;  // of each group, at the end
};

TEST_F(GroupDeathTest, SettlesEachEventOnceOrParksIt) {
  SCOPED_TRACE("ROOST_TEST_SEED=" + std::to_string(seed_));
  std::atomic<bool> stop{false};
  std::thread producer([&] { Produce(stop); });
  KillAtRandomMoments(SoakWanted() ? 500 : static_cast<int>(Scaled(40)));
  stop.store(true, std::memory_order_relaxed);
  producer.join();
  if (HasFatalFailure()) return;
  WaitUntilAllIsSettled();
  for (Process& consumer : consumers_) consumer.Kill9();

  Client client = MakeClient(broker_.socket());
  const std::vector<SeenEvent> log = ReadAll(&client);
  ExpectDense(log);
  GroupOracle oracle(5);
  uint64_t tasks = 0;
  for (const SeenEvent& event : log) {
    oracle.See(event.sequence, event.session, event.stream, event.type, event.data);
    tasks += event.stream == "tasks" ? 1 : 0;
  }
  for (const std::string& violation : oracle.violations()) ADD_FAILURE() << violation;
  EXPECT_GE(tasks, acknowledged_);
  ASSERT_EQ(oracle.groups().size(), kGroups.size());
  for (size_t i = 0; i < kGroups.size(); ++i) {
    const auto& group = oracle.groups().at("tasks/" + kGroups[i]);
    EXPECT_EQ(seen_[i].head, tasks);
    EXPECT_EQ(group.items.size(), tasks) << "not every event was handed out";
    EXPECT_EQ(group.checkpoint(), seen_[i].checkpoint);
    EXPECT_EQ(group.Count(State::kParked), seen_[i].parked);
    EXPECT_EQ(group.Count(State::kDone) + group.Count(State::kParked), tasks);
  }
  ExpectToldTheTruth(oracle);
  EXPECT_GT(told_, tasks);
  RecordProperty("tasks", std::to_string(tasks));
  RecordProperty("events", std::to_string(log.size()));
}

}  // namespace
}  // namespace roost
