// What simulated programs get from the kernel besides files (for these: tests/log/disk_calls.h): clocks,
// connections, process ids, random bytes. The linker's --wrap puts it between Roost and the C library, so what runs is
// the broker and the client library as they are.
//
// One thread, one Kernel in force at a time.
#ifndef ROOST_TESTS_SIMULATION_KERNEL_CALLS_H_
#define ROOST_TESTS_SIMULATION_KERNEL_CALLS_H_

#include <cstdint>
#include <string>

namespace roost {

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual uint64_t MonotonicNs() = 0;
  virtual uint64_t WallNs() = 0;
  // A program connects `socket` to `path`. 0, or an errno.
  virtual int Connect(int socket, const std::string& path) = 0;
  // Whether what the running program does to sockets and to the socket's file still happens. A dead program goes
  // on for the rest of its step, and nobody gets to know.
  virtual bool IsAlive() = 0;
};

// As long as it lives all calls of this program are `kernel`'s, getpid() is always the same, and so is what follows
// from `seed` as random bytes.
class KernelInForce {
 public:
  KernelInForce(Kernel* kernel, uint64_t seed);
  ~KernelInForce();
  KernelInForce(const KernelInForce&) = delete;
  KernelInForce& operator=(const KernelInForce&) = delete;
};

// Connects for real. 0, or an errno.
int ReallyConnect(int socket, const std::string& path);

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_KERNEL_CALLS_H_
