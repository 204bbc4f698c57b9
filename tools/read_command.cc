// roost read: some events, by stream, place, type, agent and time.
#include <fmt/core.h>

#include "base/clock.h"
#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/event_source.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost read tasks/42                          # a stream from its beginning\n"
    "  roost read 'tasks/*' --type task.done -n 5 --backward\n"
    "  roost read --agent worker-1 --since 10m --json\n"
    "  roost read --after 1200 --limit 100          # go on behind event 1200\n"
    "  roost read tasks/42 --data /var/lib/roost    # no broker needed\n";

struct Options {
  std::string stream;
  std::string data_directory;
  uint64_t after = 0;
  uint64_t before = 0;
  uint64_t limit = 50;
  bool backward = false;
  std::vector<std::string> types;
  std::string agent;
  std::string since;
  bool json = false;
};

ExitStatus Run(Program& program, const Options& options) {
  ReadQuery query;
  SetStream(options.stream, &query.filter);
  query.filter.types = options.types;
  query.filter.agent = options.agent;
  query.after = options.after;
  query.before = options.before;
  query.order = options.backward ? Order::kNewestFirst : Order::kOldestFirst;
  if (!options.since.empty()) {
    const auto since = ParseSince(options.since);
    if (!since.ok()) return FailUsage(since.status().message());
    query.filter.since_ns = *since;
  }

  auto source = OpenEventSource(program, options.data_directory);
  if (!source.ok()) return Fail(source.status());
  EventPrinter printer(&program.out, options.json ? EventFormat::kJson : EventFormat::kText);
  ReadEnd end;
  const Status status = ReadPages(
      **source, query, options.limit,
      [&](const Page& page) {
        printer.Print(page);
        return program.out.open();
      },
      &end);
  program.out.Flush();
  if (!status.ok()) return Fail(status);
  if (end.more && options.limit != 0 && program.out.terminal()) {
    fmt::print(stderr, "there may be more: go on with {} {}\n",
               options.backward ? "--before" : "--after", end.next);
  }
  return ExitStatus::kFine;
}

}  // namespace

void AddReadCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "read", "Print events, oldest first", kExamples, options, Run)
      .Text("STREAM", &options->stream, "TEXT",
            "Only this stream; with * at the end all that begin so; else all")
      .Number("--after", &options->after, "N", "Only events behind this sequence")
      .Number("--before", &options->before, "N", "Only events before this sequence")
      .Number("-n,--limit", &options->limit, "N", "At most so many events; 0: all")
      .Flag("--backward", &options->backward, "Newest first")
      .Texts("--type", &options->types, "T", "Only events of this type; may be given several times")
      .Text("--agent", &options->agent, "A", "Only events of this agent")
      .Text("--since", &options->since, "T",
            "Not before this time (2026-01-31T12:00:00Z), or 10m ago")
      .Text("--data", &options->data_directory, "DIR", "Read this data directory, without a broker")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
