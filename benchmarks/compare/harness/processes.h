// The processes of a run: servers that are executed, clients that are forked. None of them outlives the run.
#ifndef ROOST_BENCHMARKS_COMPARE_HARNESS_PROCESSES_H_
#define ROOST_BENCHMARKS_COMPARE_HARNESS_PROCESSES_H_

#include <sys/mman.h>
#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/check.h"

namespace roost::compare {

// Memory that is shared with the children forked after it.
template <typename T>
class SharedMemory {
 public:
  explicit SharedMemory(size_t count = 1) : size_(sizeof(T) * count) {
    void* memory =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ROOST_CHECK(memory != MAP_FAILED);
    first_ = static_cast<T*>(memory);
    for (size_t i = 0; i < count; ++i) new (first_ + i) T;
  }
  ~SharedMemory() { ::munmap(first_, size_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  T* operator->() const { return first_; }
  T& operator*() const { return *first_; }
  T& operator[](size_t index) const { return first_[index]; }

 private:
  const size_t size_;
  T* first_;
};

class Children;

// Where the clients of a run meet.
struct Meeting {
  std::atomic<uint32_t> ready{0};
  std::atomic<uint32_t> go{0};  // a futex: who waits costs nothing
  std::atomic<bool> stop{false};

  // A client's: it is ready, and waits for all others.
  void Arrive();
  // The parent's: lets them go.
  void Go();
  // The parent's: ends the process when one of the children fails, or somebody does not come within a minute.
  void WaitForAll(uint32_t count, Children* children);
  bool stopped() const { return stop.load(std::memory_order_acquire); }
};

// Clients, forked. They end when their function returns, and all of them are killed with the object.
class Children {
 public:
  Children() = default;
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void Fork(const std::function<void()>& child);
  // Waits for all of them; ends the process if one failed.
  void Join();
  // Ends the process if one has failed already.
  void CheckNoneFailed();
  const std::vector<pid_t>& pids() const { return pids_; }

 private:
  std::vector<pid_t> pids_;  // of those that still run
};

// Runs it in a process of its own, to its end: what has threads must not be in a process that forks.
void RunInChild(const std::function<void()>& child);

// A program that serves, with its output in a file.
class ServerProcess {
 public:
  ServerProcess() = default;
  ~ServerProcess() { Stop(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Returns when `ready` says yes (it is asked every few milliseconds, for at most 60 s).
  void Start(const std::vector<std::string>& command, const std::filesystem::path& log,
             const std::function<bool()>& ready);
  // The same for a function of this program, which never returns.
  void Fork(const std::function<void()>& server, const std::function<bool()>& ready);
  // SIGTERM; SIGKILL when it has not ended after 20 s. All that it wrote must be there then.
  void Stop();
  pid_t pid() const { return pid_; }

 private:
  void WaitUntil(const std::function<bool()>& ready, const std::string& name);
  pid_t pid_ = -1;
};

// What `command` prints, without the newline at the end; empty if it cannot be run.
std::string OutputOf(const std::string& command);

// Keeps the calling process on the last processor, or off it. Nothing if there is only one.
void StayOnLastCpu();
void StayOffLastCpu();

}  // namespace roost::compare

#endif  // ROOST_BENCHMARKS_COMPARE_HARNESS_PROCESSES_H_
