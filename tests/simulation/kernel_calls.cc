#include "tests/simulation/kernel_calls.h"

#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>

extern "C" {
int __real_clock_gettime(clockid_t clock, timespec* time);
int __real_connect(int socket, const sockaddr* address, socklen_t size);
ssize_t __real_sendmsg(int socket, const msghdr* message, int flags);
int __real_shutdown(int socket, int how);
pid_t __real_getpid();
int __real_getsockopt(int socket, int level, int name, void* value, socklen_t* size);
int __real_unlink(const char* path);
int __real_posix_fallocate(int fd, off_t offset, off_t size);
}

namespace roost {
namespace {

constexpr pid_t kPid = 4711;
constexpr uint64_t kNsInSecond = 1'000'000'000;

Kernel* in_force = nullptr;
std::mt19937_64 random_bytes;

// ---- libsodium's own seam ----

const char* NameOfRandom() { return "simulated"; }
uint32_t RandomWord() { return static_cast<uint32_t>(random_bytes()); }
void RandomBytes(void* to, size_t size) {
  auto* bytes = static_cast<unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(random_bytes());
}
randombytes_implementation random_source = {
    .implementation_name = NameOfRandom,
    .random = RandomWord,
    .stir = nullptr,
    .uniform = nullptr,
    .buf = RandomBytes,
    .close = nullptr,
};

}  // namespace

KernelInForce::KernelInForce(Kernel* kernel, uint64_t seed) {
  randombytes_set_implementation(&random_source);
  // It draws once a process for itself, which must not shift what the first life in it draws.
  if (sodium_init() < 0) std::abort();
  random_bytes.seed(seed);
  in_force = kernel;
}

KernelInForce::~KernelInForce() { in_force = nullptr; }

int ReallyConnect(int socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return __real_connect(socket, generic, sizeof(address)) == 0 ? 0 : errno;
}

}  // namespace roost

// ---- what the linker puts in place of the calls ----

using roost::in_force;

extern "C" {

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  if (in_force == nullptr) return __real_clock_gettime(clock, time);
  const uint64_t now_ns = clock == CLOCK_REALTIME ? in_force->WallNs() : in_force->MonotonicNs();
  time->tv_sec = static_cast<time_t>(now_ns / roost::kNsInSecond);
  time->tv_nsec = static_cast<long>(now_ns % roost::kNsInSecond);
  return 0;
}

int __wrap_connect(int socket, const sockaddr* address, socklen_t size) {
  if (in_force == nullptr) return __real_connect(socket, address, size);
  const int error =
      in_force->Connect(socket, reinterpret_cast<const sockaddr_un*>(address)->sun_path);
  if (error != 0) errno = error;
  return error == 0 ? 0 : -1;
}

ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags) {
  if (in_force == nullptr || in_force->IsAlive()) return __real_sendmsg(socket, message, flags);
  return static_cast<ssize_t>(message->msg_iov->iov_len);
}

int __wrap_shutdown(int socket, int how) {
  return in_force == nullptr || in_force->IsAlive() ? __real_shutdown(socket, how) : 0;
}

int __wrap_unlink(const char* path) {
  return in_force == nullptr || in_force->IsAlive() ? __real_unlink(path) : 0;
}

// The counters file has megabytes, of which a short life touches few: its pages are not wanted all at once.
int __wrap_posix_fallocate(int fd, off_t offset, off_t size) {
  if (in_force == nullptr) return __real_posix_fallocate(fd, offset, size);
  return ::ftruncate(fd, offset + size) == 0 ? 0 : errno;
}

pid_t __wrap_getpid() { return in_force == nullptr ? __real_getpid() : roost::kPid; }

int __wrap_getsockopt(int socket, int level, int name, void* value, socklen_t* size) {
  const int result = __real_getsockopt(socket, level, name, value, size);
  if (in_force != nullptr && result == 0 && level == SOL_SOCKET && name == SO_PEERCRED) {
    static_cast<ucred*>(value)->pid = roost::kPid;
  }
  return result;
}

}  // extern "C"
