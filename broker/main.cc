// roostd: command line, signals, exit status. Everything else is in the library.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "base/utf8.h"
#include "broker/broker.h"
#include "broker/confinement.h"
#include "broker/logging.h"
#include "broker/options.h"
#include "broker/sequencer.h"
#include "broker/service_manager.h"
#include "broker/verdicts/policy_file.h"

namespace roost {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Fail(int exit_status, const Status& status) {
  if (LogsToJournal()) {
    WriteLogLine(LogLevel::kError, status.message());
  } else {
    fmt::print(stderr, "roostd: {}\n", Printable(status.message()));
  }
  return exit_status;
}

// Descriptors are what clients cost; the soft limit is for programs that use select().
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// A process's table of descriptors grows when it is full, and where there are threads the kernel waits then until nobody
// uses the old one: 20 ms in which a sequencer that accepts serves nobody. So it gets its size (8 bytes each) before there
// are threads.
void MakeRoomForDescriptors(const BrokerOptions& options) {
  constexpr rlim_t kOthers = Sequencer::kNewcomersMax + 256;  // segments, say
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t count = std::min<rlim_t>(limit.rlim_cur, options.sessions_max + kOthers);
  const UniqueFd some(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd highest(::fcntl(some.get(), F_DUPFD_CLOEXEC, static_cast<int>(count) - 1));
}

// SIGTERM, SIGINT and SIGHUP come as something to read, in every thread that will be.
UniqueFd BlockSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGHUP);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::string DirectoryOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().lexically_normal().string();
}

// A policy is read anew by its name, and that may be a link that leads elsewhere.
std::vector<std::string> PolicyPlaces(const std::string& policy) {
  std::error_code error;
  const auto file = std::filesystem::canonical(policy, error);
  std::vector<std::string> places = {DirectoryOf(std::filesystem::absolute(policy).string())};
  if (!error) places.push_back(file.parent_path().string());
  return places;
}

// Of no use to a sanitizer's runtime, which makes calls of its own.
#ifdef ROOST_SANITIZED
constexpr bool kConfines = false;
#else
constexpr bool kConfines = true;
#endif

Status GiveUpWhatIsNotNeeded(const BrokerOptions& options) {
  if (options.unconfined || !kConfines) return {};
  ConfinementSpec spec;
  spec.writable = {DirectoryOf(std::filesystem::absolute(options.socket).string())};
  if (options.log.durability != Durability::kMemory) {
    spec.writable.push_back(options.log.directory);
  }
  spec.readable = {"/dev/null", "/proc/sys/kernel/random/boot_id"};
  if (!options.policy.empty()) {
    for (std::string& place : PolicyPlaces(options.policy)) {
      spec.readable.push_back(std::move(place));
    }
  }
  const Result<Confinement> confinement = Confine(spec);
  if (!confinement.ok()) return confinement.status();
  if (!confinement->missing.empty()) {
    Log(LogLevel::kWarning, "not confined in all: this kernel lacks {}", confinement->missing);
  }
  return {};
}

void SayReady(const Broker& broker) {
  const BrokerOptions& options = broker.options();
  const bool has_journal = options.log.durability != Durability::kMemory;
  fmt::print("roostd ready socket={} data={} durability={} head={} pid={}\n",
             Printable(options.socket), has_journal ? Printable(options.log.directory) : "-",
             DurabilityName(options.log.durability), broker.head(), ::getpid());
  std::fflush(stdout);
  NotifyReady();
  if (options.ready_fd >= 0) {
    // Whoever waited for it may have gone; then nobody needs to be told.
    [[maybe_unused]] const ssize_t written = ::write(options.ready_fd, "ready\n", 6);
    ::close(options.ready_fd);
  }
}

int CheckPolicy(const std::string& path) {
  const auto policy = LoadPolicy(path);
  if (!policy.ok()) return Fail(kFailed, policy.status());
  fmt::print("{}: ok, {} rules, version {}\n", Printable(path), (*policy)->rules().size(),
             (*policy)->version_text());
  return 0;
}

int Main(int argc, char** argv) {
  FindLogDestination();
  Result<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) return Fail(kUsage, line.status());
  if (line->only_text) {
    fmt::print("{}", line->text);
    return 0;
  }
  if (!line->check_policy.empty()) return CheckPolicy(line->check_policy);
  ::umask(077);
  // The memory of the broker holds what makes "read-only" true: no debugger, no /proc/PID/mem.
  ::prctl(PR_SET_DUMPABLE, 0);
  RaiseDescriptorLimit();
  MakeRoomForDescriptors(line->options);
  if (line->options.verbose) SetLogLevel(LogLevel::kDebug);
  const UniqueFd signals = BlockSignals();
  Result<UniqueFd> inherited = InheritListener();
  if (!inherited.ok()) return Fail(kFailed, inherited.status());
  Result<std::unique_ptr<Broker>> broker = Broker::Open(line->options, *std::move(inherited));
  if (!broker.ok()) return Fail(kFailed, broker.status());
  const Status confined = GiveUpWhatIsNotNeeded((*broker)->options());
  if (!confined.ok()) {
    return Fail(kFailed, {confined.code(), confined.message() + "; --unconfined starts without"});
  }
  SayReady(**broker);
  const Status served = (*broker)->Run(signals.get());
  NotifyStopping();
  if (!served.ok()) return Fail(kFailed, served);
  return 0;
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) { return roost::Main(argc, argv); }
