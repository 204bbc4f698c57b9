#include "broker/confinement.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>

#include "base/unique_fd.h"

namespace roost {
namespace {

// ---- privileges ----

Status DropCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0) {
    return Status::FromErrno(errno, "give up capabilities");
  }
  // Before Linux 4.3 there are no ambient ones.
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return {};
}

// ---- files ----

// The kernel's interface as linux/landlock.h has it since ABI 6; the header of Debian 12 ends at ABI 2.
namespace landlock {

struct Ruleset {
  uint64_t files;
  uint64_t network;  // since ABI 4
  uint64_t scoped;   // since ABI 6
};
struct [[gnu::packed]] PathBeneath {
  uint64_t allowed;
  int32_t parent_fd;
};
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneathRule = 1;

constexpr uint64_t kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDirectory = 1 << 3;
constexpr uint64_t kRemoveFile = 1 << 5, kMakeRegular = 1 << 8;
constexpr uint64_t kTruncate = 1 << 14;  // since ABI 3
constexpr uint64_t kOfFiles = kWriteFile | kReadFile | kTruncate;

// All that an ABI knows to hold back.
constexpr uint64_t FilesOf(long abi) {
  if (abi >= 5) return (1 << 16) - 1;
  if (abi >= 3) return (1 << 15) - 1;
  return abi == 2 ? (1 << 14) - 1 : (1 << 13) - 1;
}
constexpr uint64_t kTcp = 3;     // bind and connect
constexpr uint64_t kSignal = 2;  // to processes outside

}  // namespace landlock

Status Allow(const UniqueFd& ruleset, const std::string& path, uint64_t allowed) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) return Status::FromErrno(errno, fmt::format("open {}", path));
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return Status::FromErrno(errno, fmt::format("stat {}", path));
  if (!S_ISDIR(found.st_mode)) allowed &= landlock::kOfFiles;
  const landlock::PathBeneath rule{allowed, fd.get()};
  if (::syscall(landlock::kAddRule, ruleset.get(), landlock::kPathBeneathRule, &rule, 0) != 0) {
    return Status::FromErrno(errno, fmt::format("allow {} (Landlock)", path));
  }
  return {};
}

// false: this kernel has no Landlock.
Result<bool> HoldFiles(const ConfinementSpec& spec) {
  const long abi = ::syscall(landlock::kCreateRuleset, nullptr, 0, landlock::kAskVersion);
  if (abi <= 0) return false;
  const uint64_t files = landlock::FilesOf(abi);
  const landlock::Ruleset held{files, abi >= 4 ? landlock::kTcp : 0,
                               abi >= 6 ? landlock::kSignal : 0};
  const size_t known = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const UniqueFd ruleset(static_cast<int>(::syscall(landlock::kCreateRuleset, &held, known, 0)));
  if (!ruleset.valid()) return Status::FromErrno(errno, "make a Landlock ruleset");
  const uint64_t read = landlock::kReadFile | landlock::kReadDirectory;
  const uint64_t write = read | landlock::kWriteFile | landlock::kTruncate | landlock::kRemoveFile |
                         landlock::kMakeRegular;
  for (const std::string& path : spec.readable) {
    ROOST_RETURN_IF_ERROR(Allow(ruleset, path, read & files));
  }
  for (const std::string& path : spec.writable) {
    ROOST_RETURN_IF_ERROR(Allow(ruleset, path, write & files));
  }
  if (::syscall(landlock::kRestrictSelf, ruleset.get(), 0) != 0) {
    return Status::FromErrno(errno, "enter a Landlock ruleset");
  }
  return true;
}

// ---- system calls ----

// What roostd and the C and C++ libraries below it do once the log is open.
constexpr int kAllowed[] = {
    // the journal, the policy, the files beside the socket
    SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(close), SCMP_SYS(read), SCMP_SYS(readv),
    SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(stat), SCMP_SYS(fstatfs), SCMP_SYS(statfs), SCMP_SYS(getdents64), SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate), SCMP_SYS(fdatasync), SCMP_SYS(fsync), SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(rename), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    SCMP_SYS(fadvise64), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(dup), SCMP_SYS(fchmod),
    SCMP_SYS(copy_file_range), SCMP_SYS(readlink), SCMP_SYS(access), SCMP_SYS(umask),
    // clients
    SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(sendto),
    SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(recvfrom), SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(shutdown),
    SCMP_SYS(connect),  // to the service manager's socket
    // waiting
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(futex), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(pause),
    // time, chance and memory
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(mincore), SCMP_SYS(memfd_create), SCMP_SYS(sysinfo), SCMP_SYS(membarrier),
    // threads and the end
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(getpriority), SCMP_SYS(setpriority), SCMP_SYS(ioprio_set),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(getppid),
    SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname),
    SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(exit), SCMP_SYS(exit_group)};

struct AllowedWith {
  int call;
  scmp_arg_cmp argument;
};

Status SeccompError(int negative_errno, const char* what) {
  return Status::FromErrno(-negative_errno, fmt::format("{} (seccomp)", what));
}

Status AddRules(scmp_filter_ctx filter) {
  for (const int call : kAllowed) {
    const int added = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    if (added != 0) return SeccompError(added, "allow a system call");
  }
  const auto none = static_cast<scmp_datum_t>(0);
  const AllowedWith some[] = {
      {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, none)},
      {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, none)},
      {SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX, none)},
      {SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
      {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()), none)},
      {SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, none, none)},  // to look, not to set
      {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ, none)},  // what a client has not read
      {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, none)}};
  for (const AllowedWith& one : some) {
    const int added = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, one.call, 1, &one.argument);
    if (added != 0) return SeccompError(added, "allow a system call with an argument");
  }
  // Its flags are in memory, where a filter can't see them; the C library then asks clone.
  const int added = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  return added == 0 ? Status() : SeccompError(added, "refuse clone3");
}

// false: this kernel has no seccomp filters.
Result<bool> HoldSystemCalls() {
  if (::prctl(PR_GET_SECCOMP) < 0) return false;
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(
      seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter) return Status(StatusCode::kExhausted, "no memory for a seccomp filter");
  ROOST_RETURN_IF_ERROR(AddRules(filter.get()));
  const int loaded = seccomp_load(filter.get());
  if (loaded == -EINVAL) return false;
  if (loaded != 0) return SeccompError(loaded, "enter a filter of system calls");
  return true;
}

}  // namespace

Result<Confinement> Confine(const ConfinementSpec& spec) {
  Confinement confinement;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Status::FromErrno(errno, "give up new privileges");
  }
  const Result<bool> files = HoldFiles(spec);
  if (!files.ok()) return files.status();
  ROOST_RETURN_IF_ERROR(DropCapabilities());
  const Result<bool> calls = HoldSystemCalls();
  if (!calls.ok()) return calls.status();
  confinement.files = *files;
  confinement.system_calls = *calls;
  if (!*files) confinement.missing = "Landlock";
  if (!*calls) confinement.missing += *files ? "seccomp" : " and seccomp";
  return confinement;
}

}  // namespace roost
