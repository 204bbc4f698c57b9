// roostd's configuration file and command line: the file, and behind a zero byte the arguments, each ended by one.
// What is accepted is within the limits, and says the same when it is written down as a file.
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"
#include "broker/options.h"
#include "log/ring_format.h"
#include "log/segment_format.h"

namespace roost {
namespace {

// A file in memory under a name.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("config", MFD_CLOEXEC)), path_("/proc/self/fd/") {
    ROOST_CHECK(fd_.valid());
    path_ += std::to_string(fd_.get());
  }
  const std::string& path() const { return path_; }
  void Write(std::string_view text) {
    ROOST_CHECK(::ftruncate(fd_.get(), 0) == 0);
    const ssize_t written = ::pwrite(fd_.get(), text.data(), text.size(), 0);
    ROOST_CHECK(written == static_cast<ssize_t>(text.size()));
  }

 private:
  UniqueFd fd_;
  std::string path_;
};

Result<CommandLine> Parse(MemoryFile* file, std::string_view text, std::vector<std::string> more) {
  file->Write(text);
  std::vector<std::string> all = {"roostd", "--config", file->path()};
  all.insert(all.end(), more.begin(), more.end());
  std::vector<const char*> argv;
  for (const std::string& argument : all) argv.push_back(argument.c_str());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

// Files that the input names are not to be opened.
bool NamesAFile(std::string_view argument) {
  return argument.starts_with("--config") || argument.starts_with("--check-policy");
}

std::span<const ObjectiveSpec> Objectives(const BrokerOptions& options) {
  if (!options.sla.objectives.has_value()) return {};
  return *options.sla.objectives;
}

void CheckLimits(const BrokerOptions& options) {
  ROOST_CHECK(!options.socket.empty());
  ROOST_CHECK(options.log.ring_bytes >= kRingBytesMin && options.log.ring_bytes <= kRingBytesMax);
  ROOST_CHECK(options.log.segment_bytes >= kSegmentBytesMin &&
              options.log.segment_bytes <= kSegmentBytesMax);
  ROOST_CHECK(options.log.streams_max >= 16 && options.log.streams_max <= kStreamsMaxMax);
  ROOST_CHECK(options.log.event_data_bytes_max > 0 && options.log.batch_events_max > 0);
  ROOST_CHECK(options.sessions_max > 0 && options.max_tries > 0);
  ROOST_CHECK(!options.socket_mode.has_value() || *options.socket_mode <= 0777);
  for (const ObjectiveSpec& objective : Objectives(options)) {
    ROOST_CHECK(objective.share > 0 && objective.share < 1);
    ROOST_CHECK(objective.window_ns >= kObjectiveWindowNsMin &&
                objective.window_ns <= kObjectiveWindowNsMax);
    ROOST_CHECK(objective.text.size() < sizeof(ObjectiveRow::text));
    ROOST_CHECK(objective.kind == ObjectiveKind::kAvailability ||
                (objective.latency <= kHealthLatency && objective.target_ns > 0 &&
                 objective.target_ns <= kObjectiveTargetNsMax));
  }
  ROOST_CHECK(options.log.durability == Durability::kMemory || !options.log.directory.empty());
}

std::string SlaWrittenDown(const BrokerOptions& options) {
  std::string text = fmt::format("[sla]\nshifts = {}\n", options.sla.shifts);
  if (!options.sla.objectives.has_value()) return text;
  text += "objectives = [";
  for (const ObjectiveSpec& objective : Objectives(options)) {
    text += fmt::format("'{}', ", objective.text);
  }
  return text + "]\n";
}

std::string WrittenDown(const BrokerOptions& options) {
  const std::string written = fmt::format(
      "durability = \"{}\"\nring = {}\nsegment = {}\nmax-streams = {}\nmax-sessions = {}\n"
      "max-event-data = {}\nmax-batch-events = {}\nmax-batch-bytes = {}\nmax-tries = {}\n"
      "spin = \"{}ns\"\naccept-damage = {}\nverbose = {}\n",
      DurabilityName(options.log.durability), options.log.ring_bytes, options.log.segment_bytes,
      options.log.streams_max, options.sessions_max, options.log.event_data_bytes_max,
      options.log.batch_events_max, options.log.batch_bytes_max, options.max_tries, options.spin_ns,
      options.log.accept_damage, options.verbose);
  return written + SlaWrittenDown(options);
}

void Try(std::string_view input) {
  static MemoryFile file;
  const size_t end = input.find('\0');
  const std::string_view text = input.substr(0, end);
  std::vector<std::string> arguments;
  if (end != std::string_view::npos) {
    for (std::string_view rest = input.substr(end + 1); !rest.empty();) {
      const size_t length = std::min(rest.find('\0'), rest.size());
      if (!NamesAFile(rest.substr(0, length))) arguments.emplace_back(rest.substr(0, length));
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
  }
  const Result<CommandLine> said = Parse(&file, text, arguments);
  if (!said.ok()) {
    ROOST_CHECK(!said.status().message().empty());
    return;
  }
  if (said->only_text) return;
  CheckLimits(said->options);
  const std::string written = WrittenDown(said->options);
  const Result<CommandLine> again = Parse(&file, written, {});
  ROOST_CHECK(again.ok(), "{}", again.status().message());
  ROOST_CHECK(WrittenDown(again->options) == written, "{}", written);
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
