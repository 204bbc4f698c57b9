// roost health: is the broker well? For scripts and probes; asks nothing of the broker.
#include <fmt/core.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "ipc/broker_health.h"
#include "ipc/socket_path.h"
#include "tools/command.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost health || systemctl restart roostd\n"
    "  roost health --json | jq -r .state\n"
    "  roost health --disk-ahead 6h         # warn of a full disk earlier\n"
    "\n"
    "Exit status 0: the broker is well. 1: it is not, and the line says why and what to do. The "
    "states in "
    "JSON:\n"
    "well, no_broker, unreadable, dead, stopped, hung, degraded, disk_full, sync_stalled, "
    "disk_filling.\n"
    "Answered from the counters file and /proc alone, so a broker that hangs can't hold it up.\n";

struct Options {
  bool json = false;
  std::chrono::milliseconds patience{HealthLimits().patience_ns / kNsPerMs};
  std::chrono::milliseconds disk_ahead{HealthLimits().disk_ahead_ns / kNsPerMs};
  uint64_t disk_segments = HealthLimits().disk_segments_min;
};

std::string JsonOf(const Health& health, const std::string& socket) {
  std::string line;
  JsonObject object(&line);
  object.Bool("well", health.well());
  object.Text("state", HealthStateName(health.state));
  object.Text("reason", health.reason);
  if (!health.advice.empty()) object.Text("advice", health.advice);
  object.Text("socket", socket);
  if (health.broker_pid != 0) object.Number("pid", health.broker_pid);
  object.End();
  return line;
}

ExitStatus Run(Program& program, const Options& options) {
  const auto socket = ChooseSocketPath(program.socket());
  if (!socket.ok()) return Fail(socket.status());
  HealthLimits limits;
  limits.patience_ns = static_cast<uint64_t>(options.patience.count()) * kNsPerMs;
  limits.disk_ahead_ns = static_cast<uint64_t>(options.disk_ahead.count()) * kNsPerMs;
  limits.disk_segments_min = std::max<uint64_t>(options.disk_segments, 1);
  const Health health = CheckHealth(CountersPath(*socket), limits);
  if (options.json) {
    program.out.WriteJson(JsonOf(health, *socket));
  } else {
    std::string line = fmt::format("{}: {}", HealthStateName(health.state), health.reason);
    if (!health.advice.empty()) line += "; " + health.advice;
    program.out.Write(Printable(line) + "\n");
  }
  return health.well() ? ExitStatus::kFine : ExitStatus::kFailed;
}

}  // namespace

void AddHealthCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "health", "Say whether the broker is well", kExamples, options, Run)
      .Flag("--json", &options->json, "One JSON object")
      .Duration("--patience", &options->patience, "How long one turn of the broker may take")
      .Duration("--disk-ahead", &options->disk_ahead,
                "The disk must not be full within this time at its present rate")
      .Number("--disk-segments", &options->disk_segments, "N",
              "So many segments of the journal must fit the disk");
}

}  // namespace roost
