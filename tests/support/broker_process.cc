#include "tests/support/broker_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace roost {
namespace {

constexpr int kReadyFdInChild = 3;

UniqueFd OpenForAppending(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  EXPECT_TRUE(fd.valid()) << path << ": " << std::strerror(errno);
  return fd;
}

// Where nothing good can follow, whatever the test was about.
bool TellsOfADefect(std::string_view errors) {
  for (const std::string_view mark : {"check failed", "AddressSanitizer", "ThreadSanitizer",
                                      "LeakSanitizer", "runtime error:", "terminate called"}) {
    if (errors.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

BrokerProcess::BrokerProcess(BrokerSetup setup) : setup_(std::move(setup)) {
  if (setup_.uid) {
    const std::string home = scratch_.MakeDirectoryFor(*setup_.uid, "broker");
    if (setup_.data.empty()) setup_.data = home + "/data";
    if (setup_.socket.empty()) setup_.socket = home + "/roost.sock";
  }
  if (setup_.data.empty()) setup_.data = scratch_ / "data";
  if (setup_.socket.empty()) setup_.socket = scratch_ / "roost.sock";
}

BrokerProcess::~BrokerProcess() {
  Kill9();
  const std::string errors = Errors();
  if (TellsOfADefect(errors) || ::testing::Test::HasFailure()) {
    constexpr size_t kShown = 6000;
    const size_t from = errors.size() > kShown ? errors.size() - kShown : 0;
    if (TellsOfADefect(errors)) ADD_FAILURE() << "roostd failed a check";
    if (!errors.empty()) ADD_FAILURE() << "roostd said:\n" << errors.substr(from);
  }
}

// Objectives of the kinds that hold by default, which no machine is too slow for: what a test has
// appended stands in its log alone, without a breach between. In a directory of its own, since the
// broker may read all of it.
std::string BrokerProcess::LenientConfig() {
  const std::string directory = scratch_ / "config";
  std::filesystem::create_directory(directory);
  const std::string path = directory + "/lenient.toml";
  WriteFile(path,
            "[sla]\nobjectives = [\"append p99 < 10m over 5m\", \"health p99 < 10m over 5m\", "
            "\"availability 0.001% over 1h\"]\n");
  return path;
}

UniqueFd BrokerProcess::Spawn() {
  int ready[2];
  EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  UniqueFd ready_read(ready[0]);
  const UniqueFd ready_write(ready[1]);
  const UniqueFd errors = OpenForAppending(scratch_ / "roostd.stderr");
  const UniqueFd output = OpenForAppending(scratch_ / "roostd.stdout");
  ProcessOptions options;
  options.arguments = {ProgramPath("roostd"),
                       "--socket",
                       setup_.socket,
                       "--data",
                       setup_.data,
                       "--ready-fd",
                       std::to_string(kReadyFdInChild)};
  const auto& arguments = setup_.arguments;
  if (std::find(arguments.begin(), arguments.end(), "--config") == arguments.end()) {
    options.arguments.insert(options.arguments.end(), {"--config", LenientConfig()});
  }
  options.arguments.insert(options.arguments.end(), setup_.arguments.begin(),
                           setup_.arguments.end());
  options.descriptors = {{ready_write.get(), kReadyFdInChild},
                         {output.get(), STDOUT_FILENO},
                         {errors.get(), STDERR_FILENO}};
  options.uid = setup_.uid;
  options.environment = setup_.environment;
  process_ = Process(options);
  return ready_read;
}

bool BrokerProcess::Start() {
  const UniqueFd ready = Spawn();
  char word[16] = {};
  if (WaitReadable(ready.get(), Deadline::In(std::chrono::seconds(60))) &&
      ::read(ready.get(), word, sizeof(word)) > 0) {
    return true;
  }
  ADD_FAILURE() << "roostd did not become ready:\n" << Errors();
  return false;
}

void BrokerProcess::StartWithoutWaiting() { Spawn(); }

void BrokerProcess::Kill9() { process_.Kill9(); }

void BrokerProcess::Terminate() {
  process_.Signal(SIGTERM);
  const Ending ending = process_.Wait();
  EXPECT_EQ(ending.exit_status, 0) << "signal " << ending.signal << "\n" << Errors();
}

bool BrokerProcess::Restart() {
  Kill9();
  return Start();
}

Finished BrokerProcess::RunAnother(std::vector<std::string> arguments) {
  ProcessOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), ProgramPath("roostd"));
  options.uid = setup_.uid;
  return RunProgram(std::move(options));
}

std::string BrokerProcess::Errors() const { return ReadFile(scratch_.path() + "/roostd.stderr"); }

std::string BrokerProcess::Output() const { return ReadFile(scratch_.path() + "/roostd.stdout"); }

uint64_t BrokerProcess::Count(Counter counter) const {
  std::string path = setup_.socket;
  if (path.ends_with(".sock")) path.resize(path.size() - 5);
  path += ".counters";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  uint64_t value = 0;
  const auto offset = kCounterValuesOffset + 8 * static_cast<size_t>(counter);
  if (!fd.valid() ||
      ::pread(fd.get(), &value, sizeof(value), static_cast<off_t>(offset)) != sizeof(value)) {
    return 0;
  }
  return value;
}

}  // namespace roost
