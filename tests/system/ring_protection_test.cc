// Whatever a client does with the ring's descriptor, or to the broker's process: not one byte changes.
//
// The attacks run in a child, as the broker's own user and as another one, on the descriptor that the
// broker hands out. As root every attack on a process succeeds by right, so root gives itself up first.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/mapping.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/raw_client.h"

namespace roost {
namespace {

constexpr uid_t kBrokerUser = 20001;
constexpr uid_t kOtherUser = 20002;
constexpr std::string_view kMark = "ROOST-WAS-WRITTEN";

// One line of the attacker's report for each attack that got through.
using Report = std::function<void(const std::string& attack)>;

// ---- on the descriptor ----

void TryToWriteTo(int fd, const std::string& name, const Report& got_through) {
  if (::write(fd, kMark.data(), kMark.size()) >= 0) got_through(name + ": write");
  if (::pwrite(fd, kMark.data(), kMark.size(), 0) >= 0) got_through(name + ": pwrite");
  iovec piece{const_cast<char*>(kMark.data()), kMark.size()};
  if (::pwritev(fd, &piece, 1, 4096) >= 0) got_through(name + ": pwritev");
  if (::ftruncate(fd, 0) == 0) got_through(name + ": ftruncate to nothing");
  if (::ftruncate(fd, 1ll << 40) == 0) got_through(name + ": ftruncate to more");
  for (const int mode : {0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
                         FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE}) {
    if (mode == 0 ? ::fallocate(fd, 0, 0, 1ll << 40) == 0 : ::fallocate(fd, mode, 0, 4096) == 0) {
      got_through(name + ": fallocate " + std::to_string(mode));
    }
  }
}

void TryToMap(int fd, const std::string& name, const Report& got_through) {
  constexpr size_t kSize = 8192;
  if (::mmap(nullptr, kSize, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED) {
    got_through(name + ": mmap for writing");
  }
  if (::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED) {
    got_through(name + ": mmap for reading and writing");
  }
  void* read_only = ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, fd, 0);
  if (read_only == MAP_FAILED) return;
  if (::mprotect(read_only, kSize, PROT_READ | PROT_WRITE) == 0) got_through(name + ": mprotect");
  if (::madvise(read_only, kSize, MADV_REMOVE) == 0) got_through(name + ": MADV_REMOVE");
  // A write by the kernel, through a read-only mapping.
  int ends[2];
  if (::pipe(ends) == 0) {
    if (::write(ends[1], "x", 1) == 1 && ::read(ends[0], read_only, 1) == 1) {
      got_through(name + ": read() into a read-only mapping");
    }
    ::close(ends[0]);
    ::close(ends[1]);
  }
  const int own_memory = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (own_memory >= 0) {
    // Forced writes to a shared read-only mapping would reach the memfd.
    if (::pwrite(own_memory, kMark.data(), kMark.size(), reinterpret_cast<off_t>(read_only)) > 0) {
      got_through(name + ": /proc/self/mem");
    }
    ::close(own_memory);
  }
  ::munmap(read_only, kSize);
  // A private mapping may be written: the copy is the attacker's own.
  void* copy = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (copy != MAP_FAILED) std::memcpy(copy, kMark.data(), kMark.size());
}

void TryToFeed(int fd, const Report& got_through) {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (::sendfile(fd, file, nullptr, 4096) > 0) got_through("sendfile");
  if (::copy_file_range(file, nullptr, fd, nullptr, 4096, 0) > 0) got_through("copy_file_range");
  int ends[2];
  if (::pipe(ends) == 0) {
    if (::write(ends[1], kMark.data(), kMark.size()) > 0 &&
        ::splice(ends[0], nullptr, fd, nullptr, kMark.size(), 0) > 0) {
      got_through("splice");
    }
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ::close(file);
}

void AttackDescriptor(int ring, const Report& got_through) {
  TryToWriteTo(ring, "the descriptor", got_through);
  TryToMap(ring, "the descriptor", got_through);
  TryToFeed(ring, got_through);
  if (::fcntl(ring, F_ADD_SEALS, F_SEAL_WRITE) == 0) got_through("another seal");
  const std::string path = "/proc/self/fd/" + std::to_string(ring);
  if (::truncate(path.c_str(), 0) == 0) got_through("truncate by /proc");
  for (const int mode :
       {O_RDWR, O_WRONLY, O_RDWR | O_TRUNC, O_RDWR | O_APPEND, O_RDWR | O_DIRECT}) {
    const int again = ::open(path.c_str(), mode | O_CLOEXEC);
    if (again < 0) continue;
    // To open it is no harm yet; the seals must hold for this descriptor too.
    TryToWriteTo(again, "re-opened " + std::to_string(mode), got_through);
    TryToMap(again, "re-opened " + std::to_string(mode), got_through);
    ::close(again);
  }
  // For the broker's own use of it: flags and locks must not matter.
  (void)::fchmod(ring, 0);
  (void)::fcntl(ring, F_SETFL, O_APPEND | O_NONBLOCK | O_DIRECT);
  (void)::flock(ring, LOCK_EX | LOCK_NB);
  (void)::fcntl(ring, F_SETLEASE, F_WRLCK);
}

// ---- on the process ----

void AttackProcess(pid_t broker, const Report& got_through) {
  const std::string proc = "/proc/" + std::to_string(broker);
  for (const char* file : {"/mem", "/environ", "/maps"}) {
    const int fd = ::open((proc + file).c_str(), O_RDONLY | O_CLOEXEC);
    char byte;
    if (fd >= 0 && ::pread(fd, &byte, 1, 0x10000) >= 0) got_through(proc + file + " for reading");
    if (fd >= 0) ::close(fd);
  }
  if (::open((proc + "/mem").c_str(), O_RDWR | O_CLOEXEC) >= 0) got_through(proc + "/mem");
  char text[16] = {};
  iovec local{text, sizeof(text)}, remote{reinterpret_cast<void*>(0x400000), sizeof(text)};
  // ESRCH, EPERM or EACCES refuse; EFAULT would mean that only the address was wrong.
  if (::process_vm_writev(broker, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT) {
    got_through("process_vm_writev");
  }
  if (::process_vm_readv(broker, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT) {
    got_through("process_vm_readv");
  }
  if (::ptrace(PTRACE_SEIZE, broker, nullptr, nullptr) == 0) {
    got_through("ptrace");
    ::ptrace(PTRACE_DETACH, broker, nullptr, nullptr);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, broker, 0));
  for (int number = 0; pidfd >= 0 && number < 64; ++number) {
    if (::syscall(SYS_pidfd_getfd, pidfd, number, 0) >= 0) got_through("pidfd_getfd");
  }
  for (int number = 0; number < 64; ++number) {
    const std::string path = proc + "/fd/" + std::to_string(number);
    if (::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK) >= 0) got_through(path);
  }
}

// Runs `attack` in a child as `uid` (0: as we are) and returns what it reported.
std::vector<std::string> RunAs(uid_t uid, const std::function<void(const Report&)>& attack) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reading(ends[0]), writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGSEGV, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (uid != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0)) {
      ::_exit(1);
    }
    // Dropping root made the child undumpable, which would forbid it its own /proc files.
    ::prctl(PR_SET_DUMPABLE, 1);
    attack([&](const std::string& name) {
      const std::string line = name + "\n";
      (void)!::write(writing.get(), line.data(), line.size());
    });
    (void)!::write(writing.get(), "done\n", 5);
    ::_exit(0);
  }
  writing.Reset();
  std::string text;
  char buffer[4096];
  const Deadline deadline = Deadline::In(std::chrono::minutes(1));
  while (WaitReadable(reading.get(), deadline)) {
    const ssize_t size = ::read(reading.get(), buffer, sizeof(buffer));
    if (size <= 0) break;
    text.append(buffer, static_cast<size_t>(size));
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  EXPECT_TRUE(!lines.empty() && lines.back() == "done") << "the attacker did not get to its end";
  if (!lines.empty()) lines.pop_back();
  return lines;
}

class RingProtectionTest : public ::testing::Test {
 protected:
  static bool IsRoot() { return ::geteuid() == 0; }

  void SetUp() override {
    BrokerSetup setup{.arguments = {"--ring", "1MiB"}};
    if (IsRoot()) setup.uid = kBrokerUser;
    broker_ = std::make_unique<BrokerProcess>(setup);
    ASSERT_TRUE(broker_->Start());
    raw_ = std::make_unique<RawClient>(broker_->socket());
    std::optional<RawReply> attached = raw_->Attach("attacker");
    ASSERT_TRUE(attached.has_value());
    ring_ = std::move(attached->fd);
    ASSERT_TRUE(ring_.valid());
    client_ = std::make_unique<Client>(MakeClient(broker_->socket()));
    NewEvent event{.stream = "s", .type = "t", .data = "\"before the attack\""};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(client_->Append(event).ok());
  }

  uint32_t Checksum() const {
    struct stat info {};
    EXPECT_EQ(::fstat(ring_.get(), &info), 0);
    const Result<Mapping> mapping = Mapping::Map(ring_.get(), static_cast<size_t>(info.st_size),
                                                 Mapping::Access::kRead, "ring");
    EXPECT_TRUE(mapping.ok());
    return mapping.ok() ? Crc32c(0, Bytes(mapping->data(), mapping->size())) : 0;
  }

  // The broker as before: it appends, and everybody reads.
  void ExpectThatAllGoesOn() {
    const Result<AppendResult> result =
        client_->Append(NewEvent{.stream = "s", .type = "t", .data = "\"after the attack\""});
    ASSERT_TRUE(result.ok()) << result.status().message();
    Client fresh = MakeClient(broker_->socket());
    ExpectDense(ReadAll(&fresh));
  }

  void ExpectRefused(uid_t uid) {
    const uint32_t before = Checksum();
    const pid_t broker = broker_->pid();
    const int ring = ring_.get();
    EXPECT_EQ(RunAs(uid, [ring](const Report& report) { AttackDescriptor(ring, report); }),
              std::vector<std::string>{});
    EXPECT_EQ(RunAs(uid, [broker](const Report& report) { AttackProcess(broker, report); }),
              std::vector<std::string>{});
    EXPECT_EQ(Checksum(), before);
    ExpectThatAllGoesOn();
  }

  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<RawClient> raw_;
  std::unique_ptr<Client> client_;
  UniqueFd ring_;
};

TEST_F(RingProtectionTest, HoldsAgainstAProcessOfTheBrokersOwnUser) {
  ExpectRefused(IsRoot() ? kBrokerUser : 0);
}

TEST_F(RingProtectionTest, HoldsAgainstAProcessOfAnotherUser) {
  if (!IsRoot()) GTEST_SKIP() << "needs root to become another user";
  ExpectRefused(kOtherUser);
}

TEST_F(RingProtectionTest, HoldsForTheDescriptorAgainstRootItself) {
  if (!IsRoot()) GTEST_SKIP() << "needs root";
  const uint32_t before = Checksum();
  const int ring = ring_.get();
  EXPECT_EQ(RunAs(0, [ring](const Report& report) { AttackDescriptor(ring, report); }),
            std::vector<std::string>{});
  EXPECT_EQ(Checksum(), before);
  ExpectThatAllGoesOn();
}

TEST_F(RingProtectionTest, HoldsForTheSegmentsThatAreHandedOut) {
  ASSERT_TRUE(raw_->Send(FindSegmentMessage(1, 1)));
  std::optional<RawReply> reply;
  do {
    reply = raw_->Receive();
    ASSERT_TRUE(reply.has_value());
  } while (reply->reply().number() != 1);
  ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Segment);
  ASSERT_TRUE(reply->fd.valid());
  const int segment = reply->fd.get();
  const auto attack = [segment](const Report& report) {
    TryToWriteTo(segment, "the segment", report);
    if (::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, segment, 0) != MAP_FAILED) {
      report("the segment: mmap for writing");
    }
  };
  EXPECT_EQ(RunAs(IsRoot() ? kBrokerUser : 0, attack), std::vector<std::string>{});
  if (IsRoot()) {
    EXPECT_EQ(RunAs(kOtherUser,
                    [&](const Report& report) {
                      attack(report);
                      const std::string path = "/proc/self/fd/" + std::to_string(segment);
                      if (::open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0) report("re-opened");
                    }),
              std::vector<std::string>{});
  }
  ExpectThatAllGoesOn();
}

TEST_F(RingProtectionTest, HoldsForTheCountersAgainstAnotherUser) {
  if (!IsRoot()) GTEST_SKIP() << "needs root to become another user";
  std::string path = broker_->socket();
  path.replace(path.size() - 5, 5, ".counters");
  const auto attack = [path](const Report& report) {
    if (::open(path.c_str(), O_RDONLY | O_CLOEXEC) < 0) report("cannot even be read");
    if (::open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0) report("opened for writing");
    if (::chmod(path.c_str(), 0666) == 0) report("chmod");
    if (::unlink(path.c_str()) == 0) report("unlink");
  };
  EXPECT_EQ(RunAs(kOtherUser, attack), std::vector<std::string>{});
}

}  // namespace
}  // namespace roost
