// roost stat: how the broker does, also when it does not answer any more.
#include <fmt/core.h>

#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/utf8.h"
#include "client/directory_log.h"
#include "ipc/socket_path.h"
#include "tools/broker_status.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/monitor/broker_watch.h"
#include "tools/monitor/monitor_json.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost stat\n"
    "  roost stat --watch                 # once a second, with rates\n"
    "  roost stat --json | jq .latencies.append.p99_ns\n"
    "  roost stat --watch --json | jq -c '{rate: .rates.events_appended, p99: .latencies.append.p99_ns}'\n"
    "  roost stat --data /var/lib/roost   # of the files; no broker needed\n"
    "\n"
    "The figures come from a file beside the socket, so they are there when the broker hangs or is "
    "dead:\n"
    "then the exit status is still 0, and the first line (\"broker\" in JSON) says how it is. It "
    "is 1 when\n"
    "nothing is known at all.\n";

constexpr std::chrono::milliseconds kAnswerTimeout{1000};
constexpr std::chrono::seconds kWatchInterval{1};

struct Options {
  std::string data_directory;
  bool json = false;
  bool watch = false;
};

std::string HexId(const uint8_t (&id)[16]) {
  std::string text;
  for (const uint8_t byte : id) text += fmt::format("{:02x}", byte);
  return text;
}

ExitStatus StatDirectory(Program& program, const Options& options) {
  if (options.watch) return FailUsage("stat: --watch is for a running broker, not for --data");
  const auto log = DirectoryLog::Open(options.data_directory);
  if (!log.ok()) return Fail(log.status());
  const SegmentHeader& segment = (*log)->newest_segment();
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Text("data_directory", options.data_directory);
    object.Text("log_id", HexId(segment.log_id));
    object.Number("epoch", segment.epoch);
    object.Number("head", (*log)->head());
    object.Number("oldest", (*log)->oldest());
    object.End();
    program.out.WriteJson(line);
  } else {
    program.out.Write(fmt::format("log        {}, epoch {}, {}\nevents     head {}, oldest {}\n",
                                  HexId(segment.log_id), segment.epoch,
                                  Printable(options.data_directory), WithCommas((*log)->head()),
                                  WithCommas((*log)->oldest())));
  }
  return ExitStatus::kFine;
}

void Show(Program& program, const Options& options, const BrokerStatus& status,
          const BrokerStatus* earlier) {
  if (options.json) {
    program.out.WriteJson(StatusJson(status, earlier));
  } else {
    if (options.watch && program.out.terminal()) program.out.Write("\x1b[H\x1b[2J");
    program.out.Write(StatusText(status, earlier));
    if (options.watch && !program.out.terminal()) program.out.Write("\n");
  }
  program.out.Flush();
}

// What roost top and the dashboard show too, once a second; the broker is not asked.
ExitStatus WatchJson(Program& program, const std::string& socket) {
  BrokerWatch watch(CountersPath(socket), {});
  std::string line;
  while (program.out.open() && !program.out.ReaderHasGone()) {
    line.clear();
    AppendIntervalJson(watch.Look(), &line);
    program.out.WriteJson(line);
    program.out.Flush();
    std::this_thread::sleep_for(kWatchInterval);
  }
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  if (!options.data_directory.empty()) return StatDirectory(program, options);
  const auto socket = ChooseSocketPath(program.socket());
  if (!socket.ok()) return Fail(socket.status());
  if (options.watch && options.json) return WatchJson(program, *socket);
  Client client({.socket = *socket,
                 .agent = "",
                 .program = "roost " ROOST_VERSION,
                 .timeout = kAnswerTimeout});
  BrokerStatus status = GetBrokerStatus(*socket, client);
  if (!status.known() && !options.watch) return Fail({StatusCode::kUnavailable, status.reason});
  Show(program, options, status, nullptr);
  while (options.watch && program.out.open() && !program.out.ReaderHasGone()) {
    std::this_thread::sleep_for(kWatchInterval);
    BrokerStatus next = GetBrokerStatus(*socket, client);
    Show(program, options, next, &status);
    status = std::move(next);
  }
  return ExitStatus::kFine;
}

}  // namespace

void AddStatCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "stat", "Show how the broker does", kExamples, options, Run)
      .Text("--data", &options->data_directory, "DIR",
            "What this data directory holds, without a broker")
      .Flag("--json", &options->json, 
            "One JSON object; with --watch one a line, each second, with what roost top shows")
      .Flag("--watch", &options->watch, "Again each second, with rates since the last");
}

}  // namespace roost
