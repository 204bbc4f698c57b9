// What a confined process can't do any more, tried in a child that has confined itself as roostd does.
#include "broker/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

namespace roost {
namespace {

namespace fs = std::filesystem;

// 0, or the errno of a call that returned -1.
int ErrnoOf(long result) { return result == -1 ? errno : 0; }
int OpenErrno(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  const int error = ErrnoOf(fd);
  if (fd >= 0) ::close(fd);
  return error;
}

class ConfinementTest : public ::testing::Test {
 protected:
  ConfinementTest()
      : place_(fs::path(::testing::TempDir()) / ("confined-" + std::to_string(::getpid()))) {
    for (const char* name : {"own", "policy", "other"}) {
      fs::create_directories(place_ / name);
      std::ofstream(place_ / name / "file") << "text";
    }
  }
  ~ConfinementTest() override { fs::remove_all(place_); }

  std::string Path(const std::string& name) const { return (place_ / name).string(); }

  // What `tried` returns in a process that is confined: 0 to 200. -1: it could not be; -2: it was killed.
  // `held` says whether the kernel has what the test is about.
  int Try(const std::function<int()>& tried, bool Confinement::*held = nullptr) {
    const pid_t child = ::fork();
    if (child == 0) {
      const Result<Confinement> confined =
          Confine({.writable = {Path("own")}, .readable = {Path("policy")}});
      if (!confined.ok()) {
        std::fprintf(stderr, "%s\n", confined.status().message().c_str());
        ::_exit(255);
      }
      if (held != nullptr && !((*confined).*held)) ::_exit(254);
      ::_exit(tried());
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (!WIFEXITED(status)) return -2;
    if (WEXITSTATUS(status) == 254) return kLacking;
    return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
  }

  static constexpr int kLacking = 254;
  const fs::path place_;
};

#define EXPECT_REFUSED(error, held, ...)                        \
  do {                                                          \
    const int result_ = Try([&] { return __VA_ARGS__; }, held); \
    if (result_ == kLacking) GTEST_SKIP() << "not this kernel"; \
    EXPECT_EQ(result_, error) << #__VA_ARGS__;                  \
  } while (false)

TEST_F(ConfinementTest, WritesInItsOwnDirectoryAlone) {
  auto held = &Confinement::files;
  EXPECT_REFUSED(0, held, OpenErrno(Path("own/new"), O_RDWR | O_CREAT));
  EXPECT_REFUSED(0, held, OpenErrno(Path("own/file"), O_RDWR | O_TRUNC));
  EXPECT_REFUSED(0, held, ErrnoOf(::rename(Path("own/file").c_str(), Path("own/moved").c_str())));
  EXPECT_REFUSED(0, held, ErrnoOf(::unlink(Path("own/moved").c_str())));
  EXPECT_REFUSED(EACCES, held, OpenErrno(Path("policy/file"), O_WRONLY));
  EXPECT_REFUSED(EACCES, held, OpenErrno(Path("other/new"), O_RDWR | O_CREAT));
  EXPECT_REFUSED(EACCES, held, ErrnoOf(::unlink(Path("other/file").c_str())));
  EXPECT_REFUSED(EACCES, held, OpenErrno(Path("other/file"), O_WRONLY | O_TRUNC));
  EXPECT_TRUE(fs::exists(place_ / "other/file"));
  EXPECT_EQ(fs::file_size(place_ / "other/file"), 4u);
}

TEST_F(ConfinementTest, ReadsItsOwnAndThePolicyAlone) {
  auto held = &Confinement::files;
  EXPECT_REFUSED(0, held, OpenErrno(Path("own/file"), O_RDONLY));
  EXPECT_REFUSED(0, held, OpenErrno(Path("policy/file"), O_RDONLY));
  EXPECT_REFUSED(EACCES, held, OpenErrno(Path("other/file"), O_RDONLY));
  EXPECT_REFUSED(EACCES, held, OpenErrno("/etc/passwd", O_RDONLY));
  EXPECT_REFUSED(EACCES, held, OpenErrno("/proc/self/mem", O_RDWR));
  EXPECT_REFUSED(EACCES, held, OpenErrno("/", O_RDONLY | O_DIRECTORY));
}

TEST_F(ConfinementTest, StartsNoProgramAndNoProcess) {
  auto held = &Confinement::system_calls;
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::execv(program, arguments)));
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::fork()));
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::syscall(SYS_ptrace, 16 /* attach */, ::getppid(), 0, 0)));
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::kill(::getppid(), 0)));
}

TEST_F(ConfinementTest, OpensNoNetwork) {
  auto held = &Confinement::system_calls;
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::socket(AF_INET, SOCK_STREAM, 0)));
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::socket(AF_INET6, SOCK_DGRAM, 0)));
  EXPECT_REFUSED(EPERM, held, ErrnoOf(::socket(AF_NETLINK, SOCK_RAW, 0)));
  EXPECT_REFUSED(0, held, ErrnoOf(::socket(AF_UNIX, SOCK_DGRAM, 0)));
}

TEST_F(ConfinementTest, RunsNothingThatItWrote) {
  auto held = &Confinement::system_calls;
  const auto map = [](int protection) {
    void* memory = ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : 0;
  };
  EXPECT_REFUSED(0, held, map(PROT_READ | PROT_WRITE));
  EXPECT_REFUSED(EPERM, held, map(PROT_READ | PROT_EXEC));
  EXPECT_REFUSED(EPERM, held, [] {
    void* memory = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ErrnoOf(::mprotect(memory, 4096, PROT_READ | PROT_EXEC));
  }());
}

TEST_F(ConfinementTest, HasNoPrivilegesAndGetsNone) {
  EXPECT_EQ(Try([] { return ErrnoOf(::prctl(PR_SET_DUMPABLE, 1)); }), EPERM);
  // Without CAP_DAC_OVERRIDE the mode of a file counts for root too.
  const std::string sealed = Path("own/sealed");
  std::ofstream(sealed) << "text";
  fs::permissions(sealed, fs::perms::none);
  EXPECT_EQ(Try([&] { return OpenErrno(sealed, O_RDONLY); }), EACCES);
}

TEST_F(ConfinementTest, HoldsThreadsThatStartLater) {
  auto held = &Confinement::system_calls;
  EXPECT_REFUSED(EPERM, held, [] {
    int error = 0;
    std::thread([&] { error = ErrnoOf(::socket(AF_INET, SOCK_STREAM, 0)); }).join();
    return error;
  }());
}

TEST_F(ConfinementTest, NamesAPathThatIsNotThere) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<Confinement> confined = Confine({.writable = {Path("none")}, .readable = {}});
    const bool named =
        !confined.ok() && confined.status().message().find(Path("none")) != std::string::npos;
    ::_exit(confined.ok() ? kLacking : named ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == kLacking) GTEST_SKIP() << "not this kernel";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace roost
