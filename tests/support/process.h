// A real program as a child of the test. Killed when its Process goes, and by the kernel when the thread
// that started it ends: start children from the test's main thread.
#ifndef ROOST_TESTS_SUPPORT_PROCESS_H_
#define ROOST_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "tests/support/deadline.h"

namespace roost {

// The path of one of Roost's own programs, as built.
std::string ProgramPath(const std::string& name);

struct ProcessOptions {
  std::vector<std::string> arguments;            // the first is the program's path
  std::vector<std::string> environment;          // additions, "NAME=value"; "NAME" alone removes
  std::vector<std::pair<int, int>> descriptors;  // ours, and the number that it has in the child
  std::optional<uid_t> uid;                      // also the gid; needs root
};

// How a program ended.
struct Ending {
  int exit_status = -1;  // -1: by a signal
  int signal = 0;
};

class Process {
 public:
  Process() = default;
  explicit Process(
      const ProcessOptions& options);  // a test failure, and not running(), if it can't
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  bool started() const { return pid_ > 0; }
  // Looks without waiting, and leaves the ending to Wait().
  bool running() const;

  void Signal(int number) const;
  // SIGSTOP; returns when all its threads stand still (or it has ended), also in the midst of a system call.
  void Stop() const;
  // A test failure, and a kill, when it does not end before the deadline.
  Ending Wait(Deadline deadline = Deadline::Default());
  void Kill9();

 private:
  pid_t pid_ = -1;
};

// Runs a program to its end and keeps what it wrote.
struct Finished {
  Ending ending;
  std::string output;
  std::string errors;
};
Finished RunProgram(ProcessOptions options, Deadline deadline = Deadline::Default());

// What /proc says of any process.
uint64_t CpuTicks(pid_t pid);  // user and system, of all its threads
size_t OpenDescriptors(pid_t pid);
std::vector<pid_t> ProcessesWithArgument(const std::string& argument);  // exactly this argument

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_PROCESS_H_
