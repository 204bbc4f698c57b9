#include "broker/wake_scanner.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "base/check.h"
#include "log/record.h"

namespace roost {
namespace {

// A log whose events, and the moments at which they appear, a test decides.
class ScriptedLog : public WatchedLog {
 public:
  void Append(const std::string& stream, const std::string& type = "t",
              const std::string& agent = "a") {
    RecordHeader header{};
    header.sequence = events_.size() + 1;
    header.stream = IdOf(stream);
    header.type = FilterHash(type);
    header.agent = FilterHash(agent);
    events_.push_back(header);
  }

  uint64_t head() override {
    const uint64_t head = events_.size();
    // Whatever is appended here comes after the caller has looked.
    if (after_head) std::exchange(after_head, nullptr)();
    return head;
  }
  RingReader::Outcome ReadHeader(uint64_t sequence, RecordHeader* header) override {
    if (sequence > events_.size()) return RingReader::Outcome::kNotYet;
    if (sequence < oldest) return RingReader::Outcome::kOverrun;
    *header = events_[sequence - 1];
    return RingReader::Outcome::kEvent;
  }
  std::string_view StreamName(uint32_t id) override { return names_[id]; }
  uint64_t LastSequenceOf(std::string_view stream) override {
    uint64_t last = 0;
    for (const RecordHeader& event : events_) {
      if (names_[event.stream] == stream) last = event.sequence;
    }
    return last;
  }

  std::function<void()> after_head;
  uint64_t oldest = 1;

 private:
  uint32_t IdOf(const std::string& stream) {
    for (uint32_t id = 0; id < names_.size(); ++id) {
      if (names_[id] == stream) return id;
    }
    names_.push_back(stream);
    return static_cast<uint32_t>(names_.size() - 1);
  }

  std::vector<RecordHeader> events_;
  std::deque<std::string> names_;
};

class WakeScannerTest : public ::testing::Test {
 protected:
  WakeScannerTest() : first_(NewSocket()), second_(NewSocket()) {}

  static std::shared_ptr<PeerSocket> NewSocket() {
    int pair[2];
    ROOST_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    ::close(pair[1]);
    return std::make_shared<PeerSocket>(UniqueFd(pair[0]), PeerCredentials());
  }

  WaitRequest For(const std::string& stream, uint64_t after, uint64_t registration = 1) {
    WaitRequest wait;
    wait.socket = first_;
    wait.registration = registration;
    wait.after = after;
    wait.stream = stream;
    return wait;
  }
  WaitRequest ForPrefix(const std::string& prefix, uint64_t after, uint64_t registration = 1) {
    WaitRequest wait = For("", after, registration);
    wait.stream_prefix = prefix;
    return wait;
  }

  void Register(WaitRequest wait) { scanner_.Register(std::move(wait), &woken_); }
  // The registrations that were woken since the last call.
  std::vector<uint64_t> Woken() {
    std::vector<uint64_t> registrations;
    for (const WaitRequest& wait : woken_) registrations.push_back(wait.registration);
    woken_.clear();
    return registrations;
  }
  std::vector<uint64_t> Scan() {
    scanner_.Scan(&woken_);
    return Woken();
  }

  using Numbers = std::vector<uint64_t>;

  std::shared_ptr<PeerSocket> first_, second_;
  ScriptedLog log_;
  WakeScanner scanner_{&log_};
  std::vector<WaitRequest> woken_;
};

TEST_F(WakeScannerTest, WakesWhoWaitsForAStreamOnce) {
  Register(For("s", 0));
  EXPECT_EQ(Scan(), Numbers{});
  log_.Append("other");
  EXPECT_EQ(Scan(), Numbers{});
  log_.Append("s");
  EXPECT_EQ(Scan(), Numbers{1});
  log_.Append("s");
  EXPECT_EQ(Scan(), Numbers{});
}

TEST_F(WakeScannerTest, WakesAtOnceWhenTheLogHasMovedOn) {
  log_.Append("s");
  Register(For("s", 0));
  EXPECT_EQ(Woken(), Numbers{1});
  Register(ForPrefix("", 0));
  EXPECT_EQ(Woken(), Numbers{1});
  EXPECT_TRUE(scanner_.registry().empty());
}

TEST_F(WakeScannerTest, DoesNotWakeForEventsThatWereLookedAt) {
  log_.Append("s");
  Register(For("s", 1, 1));
  Register(ForPrefix("s", 1, 2));
  EXPECT_EQ(Woken(), Numbers{});
  EXPECT_EQ(Scan(), Numbers{});
}

TEST_F(WakeScannerTest, DoesNotWakeAtOnceForOtherStreams) {
  log_.Append("other");
  Register(For("s", 0, 1));
  Register(ForPrefix("s", 0, 2));
  EXPECT_EQ(Woken(), Numbers{});
}

// The event appears when the wait was compared with head, before anybody scans again.
TEST_F(WakeScannerTest, LosesNoWakeUpWhenAnEventComesWhileItRegisters) {
  log_.after_head = [this] { log_.Append("s"); };
  Register(For("s", 0, 1));
  Register(ForPrefix("s", 0, 2));
  std::vector<uint64_t> woken = Woken();
  for (const uint64_t registration : Scan()) woken.push_back(registration);
  std::sort(woken.begin(), woken.end());
  EXPECT_EQ(woken, (Numbers{1, 2}));
}

TEST_F(WakeScannerTest, LosesNoWakeUpWhenAnEventComesWhileItScans) {
  Register(For("s", 0));
  log_.Append("other");
  log_.after_head = [this] { log_.Append("s"); };
  EXPECT_EQ(Scan(), Numbers{});
  EXPECT_GT(scanner_.Behind(), 0u);
  EXPECT_EQ(Scan(), Numbers{1});
}

TEST_F(WakeScannerTest, LosesNoEventBetweenALaterWaitAndTheScanThatIsDue) {
  Register(For("quiet", 0, 1));
  log_.Append("s");  // not scanned yet
  Register(For("s", 0, 2));
  std::vector<uint64_t> woken = Woken();
  for (const uint64_t registration : Scan()) woken.push_back(registration);
  EXPECT_EQ(woken, Numbers{2});
}

TEST_F(WakeScannerTest, WakesAnOldVagueWaitAtOnce) {
  for (uint64_t i = 0; i < WakeScanner::kCompareMax + 1; ++i) log_.Append("other");
  Register(ForPrefix("s", 0));
  EXPECT_EQ(Woken(), Numbers{1});
}

TEST_F(WakeScannerTest, FiltersByPrefixTypeAndAgent) {
  WaitRequest of_type = ForPrefix("", 0, 1);
  of_type.types = {FilterHash("x"), FilterHash("y")};
  WaitRequest of_agent = ForPrefix("", 0, 2);
  of_agent.has_agent = true;
  of_agent.agent = FilterHash("bob");
  Register(of_type);
  Register(of_agent);
  Register(ForPrefix("task/", 0, 3));
  log_.Append("note/1", "z", "alice");
  EXPECT_EQ(Scan(), Numbers{});
  log_.Append("note/1", "y", "alice");
  EXPECT_EQ(Scan(), Numbers{1});
  log_.Append("note/1", "z", "bob");
  EXPECT_EQ(Scan(), Numbers{2});
  log_.Append("task/1", "z", "alice");
  EXPECT_EQ(Scan(), Numbers{3});
}

TEST_F(WakeScannerTest, ComparesTypesOfAnExactStreamWithWhatIsThere) {
  log_.Append("s", "x");
  WaitRequest wait = For("s", 0);
  wait.types = {FilterHash("y")};
  Register(wait);
  EXPECT_EQ(Woken(), Numbers{});
  log_.Append("s", "y");
  EXPECT_EQ(Scan(), Numbers{1});
}

TEST_F(WakeScannerTest, WakesEverybodyWhenItWasOverrun) {
  Register(For("s", 0, 1));
  Register(ForPrefix("p", 0, 2));
  for (int i = 0; i < 10; ++i) log_.Append("other");
  log_.oldest = 5;
  std::vector<uint64_t> woken = Scan();
  std::sort(woken.begin(), woken.end());
  EXPECT_EQ(woken, (Numbers{1, 2}));
  EXPECT_EQ(scanner_.Behind(), 0u);
}

TEST_F(WakeScannerTest, CancelsAWait) {
  Register(For("s", 0, 1));
  Register(For("s", 0, 2));
  EXPECT_TRUE(scanner_.registry().Cancel(first_.get(), 1));
  EXPECT_FALSE(scanner_.registry().Cancel(first_.get(), 1));
  EXPECT_FALSE(scanner_.registry().Cancel(second_.get(), 2));
  log_.Append("s");
  EXPECT_EQ(Scan(), Numbers{2});
}

TEST_F(WakeScannerTest, ReplacesAWaitWithTheSameRegistration) {
  Register(For("s", 0, 1));
  EXPECT_TRUE(scanner_.Register(For("t", 0, 1), &woken_));
  log_.Append("s");
  EXPECT_EQ(Scan(), Numbers{});
  log_.Append("t");
  EXPECT_EQ(Scan(), Numbers{1});
}

TEST_F(WakeScannerTest, DropsThePeersWaitsAndNobodyElses) {
  Register(For("s", 0, 1));
  Register(ForPrefix("", 0, 2));
  WaitRequest theirs = For("s", 0, 3);
  theirs.socket = second_;
  Register(theirs);
  EXPECT_EQ(scanner_.registry().DropPeer(first_.get()), 2u);
  log_.Append("s");
  EXPECT_EQ(Scan(), Numbers{3});
}

}  // namespace
}  // namespace roost
