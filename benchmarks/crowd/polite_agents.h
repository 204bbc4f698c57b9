// Many agents that ask one thing at a time and read each answer, all driven by one thread around one epoll: each has a
// connection of its own and appends an event of 64 bytes now and then. How long an answer takes is counted from the moment
// at which it was sent for.
#ifndef ROOST_BENCHMARKS_CROWD_POLITE_AGENTS_H_
#define ROOST_BENCHMARKS_CROWD_POLITE_AGENTS_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "benchmarks/crowd/crowd_server.h"
#include "ipc/messages.h"

namespace roost {

// One connection, attached. A check fails if it can't be.
class AttachedSocket {
 public:
  AttachedSocket(const CrowdServer& server, std::string_view agent);
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

// A request to append one event, as bytes that can be given any number (RenumberRequest).
std::vector<std::byte> AppendRequest(std::string_view stream, std::string_view agent, size_t bytes);

class PoliteAgents {
 public:
  PoliteAgents(const CrowdServer& server, int count);

  struct Figures {
    uint64_t answered = 0;
    uint64_t refused = 0;  // or hung up on
    double p50_us = 0;
    double p99_us = 0;
  };
  // `rate` requests a second in all, at random moments, each by an agent that has none under way; 0: each agent asks
  // again as soon as it has its answer.
  Figures Run(double seconds, double rate);

 private:
  struct Agent {
    AttachedSocket socket;
    std::vector<std::byte> request;
    uint64_t number = 0;
    uint64_t sent_ns = 0;  // 0: nothing is under way
  };

  void Ask(Agent& agent);
  void AskWhomIsDue(double rate);
  // Waits until `until_ns` at most.
  void TakeAnswers(uint64_t until_ns, bool ask_again);
  bool TakeAnswer(Agent& agent);

  const bool is_bare_;
  UniqueFd epoll_;
  std::vector<Agent> agents_;
  std::mt19937_64 random_;
  uint64_t next_ns_ = 0;
  uint64_t under_way_ = 0;
  Figures figures_;
  std::vector<uint64_t> latencies_;
};

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_POLITE_AGENTS_H_
