// Holders of claims, killed and stopped at random, and the broker too: afterwards the log is read by an oracle with code
// of its own, and beside it stands what the holders were told.
//
// ROOST_TEST_SEED repeats the decisions of one run, though not its timing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/claim_oracle.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

constexpr size_t kHolders = 8;
const std::vector<std::string> kKeys = {"a", "a/x", "a/y", "a/*", "*/x", "a/**"};

class ClaimDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* given = ::getenv("ROOST_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    RecordProperty("seed", std::to_string(seed_));
    ASSERT_TRUE(broker_.Start());
    holders_.resize(kHolders);
    for (size_t i = 0; i < kHolders; ++i) StartHolder(i);
  }

  std::string NotesOf(size_t index) {
    return broker_.scratch() / ("holder." + std::to_string(index));
  }

  void StartHolder(size_t index) {
    const UniqueFd notes(
        ::open(NotesOf(index).c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    ASSERT_TRUE(notes.valid());
    ProcessOptions options;
    options.arguments = {std::string(ROOST_TEST_BIN_DIR) + "/claim_holder", broker_.socket(),
                         std::to_string(random_())};
    options.arguments.insert(options.arguments.end(), kKeys.begin(), kKeys.end());
    options.descriptors = {{notes.get(), STDOUT_FILENO}};
    holders_[index] = Process(options);
  }

  void KillAtRandomMoments(int times) {
    for (int i = 0; i < times && !HasFatalFailure(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10 + random_() % 100));
      const size_t index = random_() % holders_.size();
      switch (random_() % 8) {
        case 0:
          ASSERT_TRUE(broker_.Restart());
          break;
        case 1:
          // Looks alive until its leases have expired, and then releases what is not its own any more.
          holders_[index].Signal(SIGSTOP);
          std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 600));
          holders_[index].Signal(SIGCONT);
          break;
        default:
          holders_[index].Kill9();
          StartHolder(index);
      }
    }
  }

  // What holders were told is in the log.
  void ExpectToldTheTruth(const ClaimOracle& oracle) {
    for (size_t index = 0; index < kHolders; ++index) {
      std::istringstream notes(ReadFile(NotesOf(index)));
      std::string what;
      uint64_t token = 0;
      while (notes >> what >> token) {
        ++told_;
        EXPECT_TRUE(oracle.granted().contains(token))
            << "holder " << index << " was told of " << what << " " << token;
      }
    }
  }

  BrokerProcess broker_;
  std::vector<Process> holders_;
  std::mt19937_64 random_;
  uint64_t seed_ = 0;
  uint64_t told_ = 0;
};

TEST_F(ClaimDeathTest, LeavesOneHolderForEachKey) {
  SCOPED_TRACE("ROOST_TEST_SEED=" + std::to_string(seed_));
  KillAtRandomMoments(SoakWanted() ? 3000 : static_cast<int>(Scaled(60)));
  if (HasFatalFailure()) return;
  for (Process& holder : holders_) holder.Kill9();
  // Whoever is dead holds nothing; after the broker's last death it waits 2 s for them.
  Client client = MakeClient(broker_.socket());
  EXPECT_TRUE(Eventually([&] {
    const auto leases = client.ListLeases("");
    return leases.ok() && leases->empty();
  }));
  ClaimOracle oracle;
  const std::vector<SeenEvent> log = ReadAll(&client);
  ExpectDense(log);
  for (const SeenEvent& event : log) {
    if (event.stream == "$leases" || event.stream == "$agents") {
      oracle.See(event.sequence, event.session, event.type, event.data);
    }
  }
  for (const std::string& violation : oracle.violations()) ADD_FAILURE() << violation;
  EXPECT_TRUE(oracle.held().empty());
  ExpectToldTheTruth(oracle);
  EXPECT_GT(told_, 0u);
  RecordProperty("granted", std::to_string(oracle.granted().size()));
  RecordProperty("told", std::to_string(told_));
}

}  // namespace
}  // namespace roost
