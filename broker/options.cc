#include "broker/options.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/utf8.h"
#include "broker/recovered_state.h"
#include "broker/version.h"
#include "ipc/protocol.h"
#include "ipc/socket_path.h"
#include "log/ring_format.h"
#include "log/segment_format.h"

namespace roost {
namespace {

constexpr uint64_t kSpinNsMax = 10 * kNsPerMs;
constexpr uint64_t kRetainBytesMax = 1ull << 60;
constexpr uint64_t kRetainAgeNsMax = 36'500ull * 86'400 * kNsPerSecond;
// A batch travels in one request, with its framing.
constexpr uint64_t kBatchBytesLimit = kRequestBytesMax - (1 << 20);

// One thing that can be said, on the command line as --name, in the file as name.
struct Setting {
  const char* name;
  const char* placeholder;
  const char* help;
  bool is_flag;
  std::function<Status(BrokerOptions&, const std::string&)> set;
};

Status InvalidSetting(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}

using Parse = Result<uint64_t> (*)(std::string_view);

Result<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidSetting(fmt::format("'{}' is not a whole number", text));
  }
  return value;
}

// A number between two bounds, both allowed.
template <typename Value>
auto Number(Value& (*field)(BrokerOptions&), Parse parse, uint64_t least, uint64_t most) {
  return [=](BrokerOptions& options, const std::string& text) -> Status {
    const Result<uint64_t> value = parse(text);
    if (!value.ok()) return value.status();
    if (*value < least || *value > most) {
      return InvalidSetting(fmt::format("{} is out of range ({} to {})", text, least, most));
    }
    field(options) = static_cast<Value>(*value);
    return {};
  };
}

Status SetDurability(BrokerOptions& options, const std::string& text) {
  for (const Durability durability :
       {Durability::kMemory, Durability::kProcess, Durability::kPower}) {
    if (text == DurabilityName(durability)) {
      options.log.durability = durability;
      return {};
    }
  }
  return InvalidSetting(fmt::format("'{}' is not memory, process or power", text));
}

Status SetSocketMode(BrokerOptions& options, const std::string& text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 0777) {
    return InvalidSetting(fmt::format("'{}' is not an octal mode like 0600", text));
  }
  options.socket_mode = mode;
  return {};
}

Status SetReadyFd(BrokerOptions& options, const std::string& text) {
  const Result<uint64_t> value = ParseNumber(text);
  if (!value.ok()) return value.status();
  if (*value > INT32_MAX || ::fcntl(static_cast<int>(*value), F_GETFD) < 0) {
    return InvalidSetting(fmt::format("{} is no open descriptor", text));
  }
  options.ready_fd = static_cast<int>(*value);
  return {};
}

Status SetFlag(bool& flag, const std::string& text) {
  if (text != "true" && text != "false") return InvalidSetting("it is true or false");
  flag = text == "true";
  return {};
}

template <auto Member>
auto& LogField(BrokerOptions& options) {
  return options.log.*Member;
}
template <auto Member>
auto& Field(BrokerOptions& options) {
  return options.*Member;
}

std::vector<Setting> AllSettings() {
  return {
      {"socket", "PATH", "control socket (default: $ROOST_SOCKET, /run/roost or /tmp/roost-<uid>)",
       false,
       [](BrokerOptions& options, const std::string& text) {
         options.socket = text;
         return Status();
       }},
      {"socket-mode", "MODE", "its mode (default: 0660 in /run/roost, else 0600)", false,
       SetSocketMode},
      {"data", "DIR", "data directory (default: /var/lib/roost as root, else ~/.local/share/roost)",
       false,
       [](BrokerOptions& options, const std::string& text) {
         options.log.directory = text;
         return Status();
       }},
      {"durability", "KIND", "memory, process or power (default: process)", false, SetDurability},
      {"ring", "SIZE", "events in shared memory (default: 64MiB)", false,
       Number(LogField<&LogOptions::ring_bytes>, ParseSize, kRingBytesMin, kRingBytesMax)},
      {"segment", "SIZE", "one file of the journal (default: 64MiB)", false,
       Number(LogField<&LogOptions::segment_bytes>, ParseSize, kSegmentBytesMin, kSegmentBytesMax)},
      {"retain-bytes", "SIZE",
       "delete the oldest events when the journal is larger (default: never)", false,
       Number(LogField<&LogOptions::retain_bytes>, ParseSize, 2 * kSegmentBytesMin,
              kRetainBytesMax)},
      {"retain-age", "TIME",
       "delete events when the broker has run so long after them (default: never)", false,
       Number(LogField<&LogOptions::retain_age_ns>, ParseDurationNs, kNsPerSecond,
              kRetainAgeNsMax)},
      {"max-streams", "N", "streams (default: 1048576)", false,
       Number(LogField<&LogOptions::streams_max>, ParseNumber, 16, kStreamsMaxMax)},
      {"max-sessions", "N", "sessions attached at a time (default: 8192)", false,
       Number(Field<&BrokerOptions::sessions_max>, ParseNumber, 1, RecoveredState::kJoinedMax)},
      {"max-event-data", "SIZE", "data of one event (default: 1MiB)", false,
       Number(LogField<&LogOptions::event_data_bytes_max>, ParseSize, 1, kBatchBytesLimit)},
      {"max-batch-events", "N", "events of one batch (default: 1000)", false,
       Number(LogField<&LogOptions::batch_events_max>, ParseNumber, 1, UINT16_MAX)},
      {"max-batch-bytes", "SIZE", "a batch (default: 4MiB; never over ring/4 or segment/2)", false,
       Number(LogField<&LogOptions::batch_bytes_max>, ParseSize, 4096, kBatchBytesLimit)},
      {"max-tries", "N", "hand an event of a group out so often, then park it (default: 5)", false,
       Number(Field<&BrokerOptions::max_tries>, ParseNumber, 1, 1'000'000)},
      {"policy", "FILE", "rules that answer questions (docs/validation.md); SIGHUP loads it anew",
       false,
       [](BrokerOptions& options, const std::string& text) {
         if (text.empty()) return InvalidSetting("a policy needs the name of its file");
         options.policy = text;
         return Status();
       }},
      {"spin", "TIME", "while it pays, look on so long before sleeping (default: 100us)", false,
       Number(Field<&BrokerOptions::spin_ns>, ParseDurationNs, 0, kSpinNsMax)},
      {"ready-fd", "N", "gets \"ready\\n\" and is closed when clients can connect", false,
       SetReadyFd},
      {"accept-damage", "", "start on a damaged journal, without what is damaged", true,
       [](BrokerOptions& options, const std::string& text) {
         return SetFlag(options.log.accept_damage, text);
       }},
      {"unconfined", "", "keep files, system calls and privileges that a broker does not need", true,
       [](BrokerOptions& options, const std::string& text) {
         return SetFlag(options.unconfined, text);
       }},
      {"verbose", "", "say more on stderr", true,
       [](BrokerOptions& options, const std::string& text) {
         return SetFlag(options.verbose, text);
       }},
  };
}

// The text of a value of the file, as it would stand on the command line.
std::optional<std::string> SettingText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

// [sla]
Status ApplySla(const toml::node& node, const std::string& path, SlaOptions& sla) {
  const auto wrong = [&path](const toml::node& where, std::string_view what) {
    return InvalidSetting(fmt::format("{}:{}: {}", path, where.source().begin.line, what));
  };
  const auto* table = node.as_table();
  if (table == nullptr) return wrong(node, "sla must be a table: [sla]");
  for (const auto& [key, value] : *table) {
    if (key == "shifts") {
      const auto* flag = value.as_boolean();
      if (flag == nullptr) return wrong(value, "sla.shifts must be true or false");
      sla.shifts = flag->get();
    } else if (key == "objectives") {
      const auto* list = value.as_array();
      if (list == nullptr) return wrong(value, "sla.objectives must be an array of texts");
      std::vector<ObjectiveSpec>& objectives = sla.objectives.emplace();
      for (const toml::node& element : *list) {
        const auto* text = element.as_string();
        if (text == nullptr) return wrong(element, "sla.objectives must have texts alone");
        const Status added = AddObjective(text->get(), &objectives);
        if (!added.ok()) {
          return wrong(element, fmt::format("sla.objectives: \"{}\": {}", Printable(text->get()),
                                            added.message()));
        }
      }
    } else {
      return InvalidSetting(
          fmt::format("{}:{}: there is no setting 'sla.{}'; there are sla.objectives and sla.shifts",
                      path, key.source().begin.line, std::string(key.str())));
    }
  }
  return {};
}

Status ApplyFile(const std::string& path, std::span<const Setting> settings,
                 BrokerOptions& options) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return InvalidSetting(
        fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  for (const auto& [key, node] : table) {
    const auto place = fmt::format("{}:{}", path, key.source().begin.line);
    const std::string name(key.str());
    if (name == "sla") {
      ROOST_RETURN_IF_ERROR(ApplySla(node, path, options.sla));
      continue;
    }
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&](const Setting& one) { return name == one.name; });
    if (setting == settings.end()) {
      return InvalidSetting(
          fmt::format("{}: there is no setting '{}'; see roostd --help", place, name));
    }
    const auto text = SettingText(node);
    if (!text.has_value()) {
      return InvalidSetting(
          fmt::format("{}: {} must be a text, a whole number, true or false", place, name));
    }
    if (const Status status = setting->set(options, *text); !status.ok()) {
      return InvalidSetting(fmt::format("{}: {}: {}", place, name, status.message()));
    }
  }
  return {};
}

Status ChooseDefaults(BrokerOptions& options) {
  Result<std::string> socket = ChooseSocketPath(options.socket);
  if (!socket.ok()) return socket.status();
  options.socket = *socket;
  if (options.log.durability == Durability::kMemory || !options.log.directory.empty()) return {};
  if (::geteuid() == 0) {
    options.log.directory = "/var/lib/roost";
    return {};
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    return InvalidSetting("$HOME is not set; name the data directory with --data");
  }
  options.log.directory = std::string(home) + "/.local/share/roost";
  return {};
}

constexpr char kExamples[] =
    "Examples:\n"
    "  roostd                                     under your own user, in ~/.local/share/roost\n"
    "  roostd --socket /tmp/x/roost.sock --data /tmp/x/data\n"
    "  roostd --durability memory --ring 256MiB   scratch work: nothing is written to disk\n"
    "  roostd --check-policy policy.toml          is it right? exit 0, else 1 and the line\n"
    "  roostd --config /etc/roost/roost.toml      the same names: ring = \"256MiB\"; and objectives:\n"
    "                                             [sla] objectives = [\"append p99 < 1ms over 1m\"]\n"
    "\nExit status: 0 ended cleanly, 1 failed, 2 wrong usage.\n";

}  // namespace

Result<CommandLine> ParseCommandLine(int argc, const char* const* argv) {
  const std::vector<Setting> settings = AllSettings();
  CLI::App app("roostd: the broker of an event log that the agents of one host share", "roostd");
  app.footer(kExamples);
  app.set_version_flag("--version", fmt::format("roostd {}", kBrokerVersion));
  std::string config;
  app.add_option("--config", config, "read settings from this TOML file")->type_name("FILE");
  CommandLine line;
  app.add_option("--check-policy", line.check_policy, "only say whether this policy can be used")
      ->type_name("FILE");
  std::map<std::string, std::string> given;
  for (const Setting& setting : settings) {
    const std::string option = fmt::format("--{}", setting.name);
    if (setting.is_flag) {
      app.add_flag_callback(
          option, [&given, &setting] { given[setting.name] = "true"; }, setting.help);
    } else {
      app.add_option_function<std::string>(
             option, [&given, &setting](const std::string& text) { given[setting.name] = text; },
             setting.help)
          ->type_name(setting.placeholder);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
    line.only_text = true;
    return line;
  } catch (const CLI::CallForVersion&) {
    line.text = fmt::format("roostd {}\n", kBrokerVersion);
    line.only_text = true;
    return line;
  } catch (const CLI::ParseError& error) {
    return InvalidSetting(fmt::format("{}; see roostd --help", error.what()));
  }
  if (!line.check_policy.empty()) return line;
  if (!config.empty()) ROOST_RETURN_IF_ERROR(ApplyFile(config, settings, line.options));
  for (const Setting& setting : settings) {
    const auto said = given.find(setting.name);
    if (said == given.end()) continue;
    if (const Status status = setting.set(line.options, said->second); !status.ok()) {
      return InvalidSetting(fmt::format("--{}: {}", setting.name, status.message()));
    }
  }
  ROOST_RETURN_IF_ERROR(ChooseDefaults(line.options));
  return line;
}

}  // namespace roost
