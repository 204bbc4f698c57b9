// Many processes that ask the same new questions at once, some of which are killed while they are to decide.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/own_event.h"
#include "log/ring_reader.h"
#include "tests/broker/running_broker.h"
#include "tests/broker/verdict_peer.h"

namespace roost {
namespace {

constexpr int kAgents = 100;
constexpr int kKilled = 20;
constexpr int kQuestions = 100;

// What an agent does: asks all of it, a batch at a time, decides what it is told to, and asks again until it
// knows everything. Exit status 0: it did, and others decided the same.
int BeAgent(const std::string& socket, int name, bool dies) {
  VerdictPeer peer(socket);
  if (!peer.Attach("agent" + std::to_string(name))) return 2;
  for (int first = 0; first < kQuestions; first += 25) {
    VerdictPeer::Questions questions;
    for (int i = first; i < first + 25; ++i) {
      // Everybody begins with another one.
      questions.push_back({"storm", std::to_string(first + (i + name) % 25)});
    }
    for (bool all = false; !all;) {
      const auto answers = peer.ValidateAll(questions, 20'000);
      if (answers.size() != questions.size()) return 3;
      all = true;
      for (const GotAnswer& answer : answers) {
        if (answer.verdict != wire::Verdict::Undecided) continue;
        all = false;
        if (!answer.you_decide) continue;
        if (dies) ::raise(SIGKILL);
        if (!peer.Decide(answer, wire::Verdict::Allow, "agent" + std::to_string(name)).recorded) {
          return 4;
        }
      }
    }
  }
  return 0;
}

TEST(ValidationStormTest, DecidesEachQuestionOnceHoweverManyAskAndDie) {
  RunningBroker broker;
  broker.options().log.ring_bytes = 16 << 20;
  broker.options().log.segment_bytes = 16 << 20;
  // The agents are made before the broker's threads are, and begin when their pipe is closed: first those that
  // die, so that they are told to decide, and the others when the first of them is dead.
  int begin_dying[2], begin_living[2];
  ASSERT_EQ(::pipe(begin_dying), 0);
  ASSERT_EQ(::pipe(begin_living), 0);
  std::vector<pid_t> agents;
  for (int name = 0; name < kAgents; ++name) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::close(begin_dying[1]);
      ::close(begin_living[1]);
      char byte;
      [[maybe_unused]] const ssize_t size =
          ::read(name < kKilled ? begin_dying[0] : begin_living[0], &byte, 1);
      ::_exit(BeAgent(broker.socket(), name, name < kKilled));
    }
    agents.push_back(pid);
  }
  ::close(begin_dying[0]);
  ::close(begin_living[0]);
  broker.Start();
  ::close(begin_dying[1]);
  siginfo_t first_dead{};
  ASSERT_EQ(::waitid(P_ALL, 0, &first_dead, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(first_dead.si_status, SIGKILL);
  ::close(begin_living[1]);
  for (int name = 0; name < kAgents; ++name) {
    int status = 0;
    ASSERT_EQ(::waitpid(agents[name], &status, 0), agents[name]);
    if (WIFSIGNALED(status)) {
      EXPECT_LT(name, kKilled);
      EXPECT_EQ(WTERMSIG(status), SIGKILL);
    } else {
      EXPECT_EQ(WEXITSTATUS(status), 0) << "agent" << name;
    }
  }

  VerdictPeer reader(broker.socket(), "reader");
  auto ring = RingReader::Open(reader.ring());
  ASSERT_TRUE(ring.ok());
  std::map<std::string, int> types;
  std::set<std::string> keys;
  for (uint64_t sequence = 1; sequence <= ring->head(); ++sequence) {
    RecordHeader header;
    uint64_t position;
    std::vector<std::byte> record;
    ASSERT_EQ(ring->ReadHeader(sequence, &header, &position), RingReader::Outcome::kEvent);
    ASSERT_EQ(ring->ReadRecordAt(position, &record), RingReader::Outcome::kEvent);
    const auto* event = wire::GetEvent(record.data() + sizeof(RecordHeader));
    ++types[event->type()->str()];
    if (event->type()->string_view() == "verdict.decided") {
      keys.insert(std::string(DataOf(*event).substr(0, 72)));
    }
  }
  EXPECT_EQ(types["question.asked"], kQuestions);
  EXPECT_EQ(types["verdict.decided"], kQuestions);
  EXPECT_GT(types["question.reassigned"], 0);
  EXPECT_EQ(keys.size(), static_cast<size_t>(kQuestions));
  for (const auto& [type, count] : types) {
    RecordProperty(type, count);
  }
}

}  // namespace
}  // namespace roost
