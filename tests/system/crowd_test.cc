// Hundreds of clients at once, some of them hostile: nobody else is refused, what has gone leaves nothing behind, and the
// broker's memory stays bounded. What it costs in time is measured by benchmarks/crowd/, which has the same scenes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ipc/protocol.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/raw_client.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

uint64_t AnonymousKib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8));
  }
  return 0;
}

uint64_t Mappings(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  uint64_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

// A thread that does the same again and again until it goes.
class Repeating {
 public:
  explicit Repeating(std::function<void(const std::atomic<bool>& stop)> work)
      : thread_([this, work = std::move(work)] {
          while (!stop_.load(std::memory_order_relaxed)) work(stop_);
        }) {}
  ~Repeating() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// What one connection was told before it was closed, or until nothing more lies there.
uint64_t CountBusy(RawClient* client) {
  uint64_t busy = 0;
  while (std::optional<RawReply> reply =
             client->Receive(Deadline::In(std::chrono::milliseconds(1)))) {
    const wire::Refused* refused = reply->reply().body_as_Refused();
    busy += refused != nullptr && refused->code() == wire::RefusalCode::Busy;
  }
  return busy;
}

class CrowdTest : public ::testing::Test {
 protected:
  static constexpr size_t kPolite = kSlowdown == 1 ? 999 : 150;
  static constexpr uint64_t kAsked = 2;

  void SetUp() override {
    // Of this process and so of the broker: both have a connection to each client.
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_TRUE(broker_.Start());
  }

  void AttachPolite() {
    while (polite_.size() < kPolite) {
      polite_.push_back(std::make_unique<RawClient>(broker_.socket()));
      ASSERT_TRUE(polite_.back()->Attach("polite").has_value());
    }
  }

  // All ask at once, and each reads its answer: the event is appended.
  void ExpectAllServed() {
    for (uint64_t i = 0; i < kAsked; ++i) {
      ++number_;
      for (const auto& client : polite_) {
        ASSERT_TRUE(client->Send(AppendMessage(number_, {RawEvent{.agent = "polite"}})));
      }
      for (const auto& client : polite_) {
        const std::optional<RawReply> reply = client->Receive();
        ASSERT_TRUE(reply.has_value());
        ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Appended);
      }
    }
  }

  BrokerProcess broker_;
  std::vector<std::unique_ptr<RawClient>> polite_;
  uint64_t number_ = 0;  // of the last request of each
};

// Never reads, and comes again as soon as it is hung up on, over many connections.
TEST_F(CrowdTest, IsServedBesideFloodersThatComeAgainAndAgain) {
  AttachPolite();
  std::atomic<uint64_t> busy{0}, attached{0};
  {
    const Repeating flooding([&](const std::atomic<bool>& stop) {
      std::vector<std::unique_ptr<RawClient>> swarm;
      while (swarm.size() < 8) {
        swarm.push_back(std::make_unique<RawClient>(broker_.socket()));
        swarm.back()->Send(AttachMessage("flood"));
        attached.fetch_add(1, std::memory_order_relaxed);
      }
      // Far more than there is room for answers: those that are not hung up on by then are told that the broker is busy.
      for (uint64_t number = 1; number <= 2048 && !stop.load(std::memory_order_relaxed); ++number) {
        const Message message = AppendMessage(number, {RawEvent{.agent = "flood"}});
        for (const auto& client : swarm) client->Send(message);
      }
      busy.fetch_add(CountBusy(swarm.back().get()), std::memory_order_relaxed);
    });
    ExpectAllServed();
    EXPECT_TRUE(Eventually([&] { return busy.load(std::memory_order_relaxed) > 0; }))
        << "no flooder was told that the broker is busy";
    ExpectAllServed();
  }
  EXPECT_GE(attached.load(std::memory_order_relaxed), 8u);
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kSessions) == kPolite; }));
}

TEST_F(CrowdTest, IsServedBesideOneThatAttachesAgainAndAgain) {
  AttachPolite();
  {
    const Repeating attaching([&](const std::atomic<bool>&) {
      RawClient client(broker_.socket());
      client.Send(AttachMessage("restless"));
    });
    ExpectAllServed();
  }
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kSessions) == kPolite; }));
}

TEST_F(CrowdTest, GoesOnWhileHalfOfTheReadersAreStopped) {
  const size_t readers = kSlowdown == 1 ? 60 : 10;
  constexpr uint64_t kEvents = 1000;
  // Each has read the beginning, which $agents' events are a part of, and waits for the rest.
  const uint64_t last = kEvents + readers;
  std::vector<Process> followers;
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  for (size_t i = 0; i < readers; ++i) {
    followers.emplace_back(ProcessOptions{
        .arguments = {ROOST_TEST_BIN_DIR "/log_follower", broker_.socket(), std::to_string(last)},
        .descriptors = {{null.get(), STDOUT_FILENO}}});
  }
  ASSERT_TRUE(Eventually([&] { return broker_.Count(Counter::kWaits) == readers; }));
  for (size_t i = 0; i < readers / 2; ++i) followers[i].Stop();
  const uint64_t memory_kib = AnonymousKib(broker_.pid());
  RawClient appender(broker_.socket());
  ASSERT_TRUE(appender.Attach("appender").has_value());
  for (uint64_t number = 1; number <= kEvents; ++number) {
    const std::optional<RawReply> reply = appender.Append(number, {RawEvent{.agent = "appender"}});
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Appended);
  }
  // Those that run get all of it; for those that do not, nothing piles up.
  for (size_t i = readers / 2; i < readers; ++i) EXPECT_EQ(followers[i].Wait().exit_status, 0);
  if (kSlowdown == 1) {
    EXPECT_LT(AnonymousKib(broker_.pid()), memory_kib + 4096);
  }
  for (size_t i = 0; i < readers / 2; ++i) {
    EXPECT_TRUE(followers[i].running());
    followers[i].Signal(SIGCONT);
    EXPECT_EQ(followers[i].Wait().exit_status, 0);
  }
}

TEST_F(CrowdTest, OfProcessesThatAreKilledAtOnceLeavesNothing) {
  const size_t shims = kSlowdown == 1 ? 150 : 20;
  const size_t descriptors = OpenDescriptors(broker_.pid());
  std::vector<std::unique_ptr<ShimProcess>> crowd;
  std::vector<uint64_t> calls;
  for (size_t i = 0; i < shims; ++i) {
    crowd.push_back(std::make_unique<ShimProcess>(
        ShimSetup{.socket = broker_.socket(), .agent = "agent-" + std::to_string(i)}));
    calls.push_back(crowd.back()->StartCall(
        "claim", {{"keys", {"key/" + std::to_string(i)}}, {"ttl_ms", 600'000}}));
  }
  for (size_t i = 0; i < shims; ++i) {
    const ToolResult result = crowd[i]->FinishCall(calls[i]);
    ASSERT_TRUE(result.ok()) << result.text;
  }
  EXPECT_EQ(broker_.Count(Counter::kSessions), shims);
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kLeases) == shims; }));
  for (const auto& shim : crowd) shim->process().Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    return broker_.Count(Counter::kSessions) == 0 && broker_.Count(Counter::kLeases) == 0;
  }));
  // All but one, which the broker may open at any time: the segment that it prepares ahead.
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors(broker_.pid()) <= descriptors + 1; }));
  Client client = MakeClient(broker_.socket());
  for (size_t i = 0; i < shims; ++i) {
    const Result<ClaimResult> claimed = client.Claim({.keys = {"key/" + std::to_string(i)}});
    ASSERT_TRUE(claimed.ok() && claimed->granted) << i;
  }
}

TEST_F(CrowdTest, ThatComesAndGoesLeavesNothing) {
  // The broker keeps the newest 4,096 sessions that have ended, with their answers; from there on nothing may grow.
  const uint64_t warm_up = kSlowdown == 1 ? 4300 : 500;
  const uint64_t connects = kSlowdown == 1 ? 4000 : 500;
  const size_t descriptors = OpenDescriptors(broker_.pid());
  const auto come_and_go = [&](uint64_t times, bool all_kinds) {
    for (uint64_t i = 0; i < times; ++i) {
      RawClient client(broker_.socket());
      ASSERT_TRUE(client.connected());
      const uint64_t kind = all_kinds ? i % 4 : 3;
      if (kind == 1) client.Send(Message(40));
      if (kind == 2) client.Send(AttachMessage("hasty"));
      if (kind != 3) continue;
      ASSERT_TRUE(client.Attach("guest").has_value());
      ASSERT_TRUE(client.Append(1, {RawEvent{.agent = "guest"}}).has_value());
    }
  };
  const auto all_have_gone = [&] {
    return broker_.Count(Counter::kSessions) == 0 &&
           OpenDescriptors(broker_.pid()) <= descriptors + 1;
  };
  come_and_go(warm_up, false);
  ASSERT_TRUE(Eventually(all_have_gone)) << OpenDescriptors(broker_.pid()) << " descriptors";
  const uint64_t memory_kib = AnonymousKib(broker_.pid()), mappings = Mappings(broker_.pid());
  come_and_go(connects, true);
  ASSERT_TRUE(Eventually(all_have_gone)) << OpenDescriptors(broker_.pid()) << " descriptors";
  // One more may be that of the segment prepared ahead.
  EXPECT_LE(Mappings(broker_.pid()), mappings + 2);
  if (kSlowdown == 1) {
    EXPECT_LE(AnonymousKib(broker_.pid()), memory_kib + 1024);
  }
}

}  // namespace
}  // namespace roost
