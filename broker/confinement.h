// What roostd gives up once it is open, so that whoever finds a hole in it finds nothing behind it: new
// privileges, capabilities, files outside of its own directories (Landlock), and system calls that it does not
// make (seccomp). What a thread gives up, the threads that it starts never had.
//
// The thread that will start all others, after Broker::Open and before Broker::Run. For good: there is no way back.
#ifndef ROOST_BROKER_CONFINEMENT_H_
#define ROOST_BROKER_CONFINEMENT_H_

#include <string>
#include <vector>

#include "base/status.h"

namespace roost {

struct ConfinementSpec {
  std::vector<std::string>
      writable;  // directories: files in them and below may be made, written, removed
  std::vector<std::string> readable;  // directories and files
};

struct Confinement {
  bool files = false;         // held by Landlock
  bool system_calls = false;  // held by seccomp
  std::string missing;        // what this kernel lacks, for a log line; "" when it lacks nothing
};

// A kernel without Landlock or seccomp is no error: the rest is done, and `missing` says what is not. Calls that
// are not allowed fail with EPERM, files out of reach with EACCES. kIoError, kNotFound: a path can't be opened, or
// the kernel refuses what it says it can do.
Result<Confinement> Confine(const ConfinementSpec& spec);

}  // namespace roost

#endif  // ROOST_BROKER_CONFINEMENT_H_
