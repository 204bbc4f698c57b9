#include "benchmarks/crowd/crowd_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/check.h"
#include "benchmarks/crowd/bare_sequencer.h"
#include "ipc/counters_reader.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

constexpr rlim_t kDescriptors = 16'384;
constexpr int kAgentsPriority = 20;
constexpr int kServerPriority = 15;
constexpr int kCrowdPriority = 10;

// Keeps an ordinary schedule where this process has one.
void LowerPriorityTo(int priority) {
  if (::sched_getscheduler(0) != SCHED_RR) return;
  const sched_param parameter{priority};
  ROOST_CHECK(::sched_setscheduler(0, SCHED_RR, &parameter) == 0);
}

std::string ProgramBeside(const char* name) {
  return (std::filesystem::canonical("/proc/self/exe").parent_path() / name).string();
}

}  // namespace

CrowdServer::CrowdServer(Kind kind, std::string directory,
                         const std::vector<std::string>& arguments)
    : kind_(kind), directory_(std::move(directory)), socket_(directory_ + "/roost.sock") {
  std::filesystem::create_directories(directory_);
  int ready[2];
  ROOST_CHECK(::pipe(ready) == 0);
  pid_ = ::fork();
  ROOST_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ready[0]);
    LowerPriorityTo(kServerPriority);
    if (is_bare()) {
      RunBareSequencer(socket_, directory_ + "/journal", ready[1]);
    } else {
      StartRoost(arguments, ready[1]);
    }
    ::_exit(127);
  }
  ::close(ready[1]);
  char byte;
  ROOST_CHECK(::read(ready[0], &byte, 1) == 1, "the server did not start");
  ::close(ready[0]);
}

void CrowdServer::StartRoost(const std::vector<std::string>& arguments, int ready) {
  const int null = ::open("/dev/null", O_WRONLY);
  ::dup2(null, STDOUT_FILENO);
  std::vector<std::string> all = {ProgramBeside("roostd"), "--socket",   socket_,
                                  "--data",                directory_ + "/data", "--ready-fd",
                                  std::to_string(ready)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : all) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(pointers[0], pointers.data());
}

CrowdServer::~CrowdServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

uint64_t CrowdServer::Count(Counter counter) const {
  const Result<CountersSnapshot> counters =
      ReadCounters(CountersPath(socket_), CountersDetail::kValues);
  ROOST_CHECK(counters.ok(), "{}", counters.status().message());
  return (*counters)[counter];
}

Footprint FootprintOf(pid_t pid) {
  Footprint footprint;
  const std::filesystem::path proc = "/proc/" + std::to_string(pid);
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(proc / "fd")) {
    ++footprint.descriptors;
  }
  std::ifstream maps(proc / "maps");
  for (std::string line; std::getline(maps, line);) ++footprint.mappings;
  std::ifstream status(proc / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) footprint.anonymous_kib = std::stoull(line.substr(8));
  }
  return footprint;
}

std::string CrowdScratch() {
  return std::filesystem::temp_directory_path() / fmt::format("roost-crowd-{}", ::getpid());
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  ROOST_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur >= kDescriptors) return;
  limit.rlim_cur = kDescriptors;
  if (limit.rlim_max < kDescriptors) limit.rlim_max = kDescriptors;
  ROOST_CHECK(::setrlimit(RLIMIT_NOFILE, &limit) == 0,
              "a crowd needs {} descriptors: raise the limit (ulimit -n), or run it as root",
              kDescriptors);
}

void ScheduleAsAgents() {
  const sched_param parameter{kAgentsPriority};
  if (::sched_setscheduler(0, SCHED_RR, &parameter) == 0) return;
  fmt::print(stderr, "no real-time scheduling (errno {}): what else runs is in the figures\n", errno);
}

void ScheduleAsCrowd() { LowerPriorityTo(kCrowdPriority); }

}  // namespace roost
