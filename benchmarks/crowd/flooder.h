// A hostile client in a process of its own, that asks for as much as it can.
#ifndef ROOST_BENCHMARKS_CROWD_FLOODER_H_
#define ROOST_BENCHMARKS_CROWD_FLOODER_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "benchmarks/crowd/crowd_server.h"

namespace roost {

enum class FloodKind {
  kAppends,    // one connection: requests as fast as the socket takes them, all answers read
  kDeaf,       // reads no answer; attaches again whenever it is hung up on
  kSwarm,      // the same over 50 connections at once
  kAttaching,  // attaches, hangs up, and again
};
std::string_view NameOf(FloodKind kind);

class Flooder {
 public:
  // It is at work when this returns.
  Flooder(const CrowdServer& server, FloodKind kind);
  // Kills it.
  ~Flooder();
  Flooder(const Flooder&) = delete;
  Flooder& operator=(const Flooder&) = delete;

  struct Counts {
    std::atomic<uint64_t> sent{0};
    std::atomic<uint64_t> answered{0};  // not counted when it is deaf
    std::atomic<uint64_t> busy{0};      // refusals; of a deaf one those that it looks at when it was hung up on
    std::atomic<uint64_t> attached{0};
  };
  const Counts& counts() const { return *counts_; }

 private:
  Counts* counts_ = nullptr;  // shared with the process
  pid_t pid_ = -1;
};

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_FLOODER_H_
