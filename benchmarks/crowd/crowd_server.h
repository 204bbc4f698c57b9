// What a crowd is let loose on: a real roostd in a directory of its own, or the yardstick, a bare sequencer behind a
// socket just like it. One thread starts and ends it; it is killed when its CrowdServer goes.
#ifndef ROOST_BENCHMARKS_CROWD_CROWD_SERVER_H_
#define ROOST_BENCHMARKS_CROWD_CROWD_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/counters_format.h"

namespace roost {

class CrowdServer {
 public:
  enum class Kind { kRoost, kBare };

  // Returns when it listens. `directory` is made, and removed with all that is in it by the destructor.
  CrowdServer(Kind kind, std::string directory, const std::vector<std::string>& arguments = {});
  ~CrowdServer();
  CrowdServer(const CrowdServer&) = delete;
  CrowdServer& operator=(const CrowdServer&) = delete;

  bool is_bare() const { return kind_ == Kind::kBare; }
  const std::string& socket() const { return socket_; }
  pid_t pid() const { return pid_; }
  // Of roostd's counters file.
  uint64_t Count(Counter counter) const;

 private:
  void StartRoost(const std::vector<std::string>& arguments, int ready);

  const Kind kind_;
  const std::string directory_;
  const std::string socket_;
  pid_t pid_ = -1;
};

// What /proc says of a process.
struct Footprint {
  uint64_t descriptors = 0;
  uint64_t mappings = 0;
  uint64_t anonymous_kib = 0;  // memory that is its alone: no page of the ring or of a file
};
Footprint FootprintOf(pid_t pid);

// A directory for this run, under the one for temporary files.
std::string CrowdScratch();

// As many descriptors as root may have; a crowd takes thousands.
void RaiseDescriptorLimit();

// Real-time scheduling for this process: what else the machine does is kept out, and an agent that has something to do
// gets a processor. Root alone may; who may not is told so on stderr. A server that it starts comes behind it, and all that
// is ScheduleAsCrowd behind the server: what flooders do to others' time on the processor is the kernel's matter.
void ScheduleAsAgents();
void ScheduleAsCrowd();  // does nothing in a process that has an ordinary schedule

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_CROWD_SERVER_H_
