#include "tools/export/export_options.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost export                                   # http://127.0.0.1:9464/metrics\n"
    "  roost export --listen '[::1]:9464' --sessions 50\n"
    "  roost export --listen 10.0.0.5:9464 --token-file /etc/roost/export.token\n"
    "  roost export --once | promtool check metrics\n"
    "\n"
    "It only reads the counters file: a broker that hangs or is dead holds up no scrape. What "
    "each\n"
    "metric is, alert rules and a dashboard: docs/monitoring.md.\n";

}  // namespace

void AddExportCommand(Program& program,
                      ExitStatus (*run)(Program& program, const ExportOptions& options)) {
  auto options = std::make_shared<ExportOptions>();
  AddCommand(program, "export", "Serve the broker's metrics to Prometheus", kExamples, options, run)
      .Text("--listen", &options->listen, "ADDRESS:PORT",
            "Where to listen, else 127.0.0.1:9464; other than loopback needs --token-file")
      .Texts("--host", &options->hosts, "NAME",
             "A name, besides addresses and localhost, under which this host may be asked")
      .Text("--token-file", &options->token_file, "FILE",
            "Answer only who shows the bearer token in the first line of this file")
      .Number("--sessions", &options->sessions, "N",
              "Series of their own for the N sessions attached for the longest time (0: none)")
      .Number("--groups", &options->groups, "N",
              "Series of their own for N groups at most, else 256")
      .Flag("--once", &options->once, "Print the metrics and end");
}

std::vector<std::string> ArgumentsOf(const ExportOptions& options) {
  std::vector<std::string> arguments = {"--listen", options.listen, "--sessions",
                                        std::to_string(options.sessions)};
  const auto add = [&](const char* name, const std::string& value) {
    arguments.insert(arguments.end(), {name, value});
  };
  for (const std::string& host : options.hosts) add("--host", host);
  if (!options.token_file.empty()) add("--token-file", options.token_file);
  if (options.groups) add("--groups", std::to_string(*options.groups));
  if (options.once) arguments.emplace_back("--once");
  return arguments;
}

}  // namespace roost
