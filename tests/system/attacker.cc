#include "tests/system/attacker.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "base/unique_fd.h"
#include "tests/support/deadline.h"

namespace roost {

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

std::string ContentOf(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return "";
  std::string content(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t size =
        ::pread(fd, content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (size <= 0) break;
    done += static_cast<size_t>(size);
  }
  content.resize(done);
  return content;
}

void TryToWrite(int fd, bool takes_the_file, const Report& got_through) {
  std::string before = ContentOf(fd);
  if (before.empty()) got_through("there is nothing to be changed");
  const auto attack = [&](int target, const std::string& how) {
    for (const WayToWrite& way : WaysToWrite()) {
      if (way.takes_the_file && !takes_the_file) continue;
      way.attempt(target);
      std::string after = ContentOf(fd);
      if (after == before) continue;
      got_through(how + way.name);
      before = std::move(after);
    }
  };
  attack(fd, "");
  if (!takes_the_file) return;
  // As a descriptor of our own, and as one of another process of the same user.
  for (const pid_t pid : {::getpid(), ::getppid()}) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
    for (const int mode :
         {O_RDWR, O_WRONLY, O_RDWR | O_TRUNC, O_RDWR | O_APPEND, O_RDWR | O_DIRECT}) {
      const UniqueFd again(::open(path.c_str(), mode | O_CLOEXEC));
      // To open it is no harm yet.
      if (again.valid()) attack(again.get(), "opened anew (" + std::to_string(mode) + "): ");
    }
  }
}

}  // namespace roost
