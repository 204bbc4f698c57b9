// roost dump: the whole log, or a part of it, as it was when the command began.
#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/event_source.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost dump                                   # the whole log\n"
    "  roost dump --json > log.jsonl\n"
    "  roost dump --from 100 --to 199 --hex         # as the bytes of their records\n"
    "  roost dump --data /var/lib/roost             # from the files; no broker needed\n";

struct Options {
  std::string data_directory;
  uint64_t from = 1;
  uint64_t to = 0;
  bool json = false;
  bool hex = false;
};

// The newest event as of now, so that a dump of a busy log ends.
Result<uint64_t> FindHead(EventSource& source) {
  ReadQuery newest;
  newest.order = Order::kNewestFirst;
  newest.limit = 1;
  Page page;
  ROOST_RETURN_IF_ERROR(source.Read(newest, &page));
  return page.head();
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.from == 0) return FailUsage("--from: the first event is 1");
  if (options.to != 0 && options.to < options.from) return FailUsage("--to is before --from");
  auto source = OpenEventSource(program, options.data_directory);
  if (!source.ok()) return Fail(source.status());
  const auto head = FindHead(**source);
  if (!head.ok()) return Fail(head.status());
  const uint64_t last = options.to == 0 || options.to > *head ? *head : options.to;
  if (last < options.from) return ExitStatus::kFine;

  ReadQuery query;
  query.after = options.from - 1;
  query.before = last + 1;
  EventPrinter printer(&program.out, options.json  ? EventFormat::kJson
                                     : options.hex ? EventFormat::kHex
                                                   : EventFormat::kText);
  const Status status = ReadPages(**source, query, 0, [&](const Page& page) {
    printer.Print(page);
    return program.out.open();
  });
  return status.ok() ? ExitStatus::kFine : Fail(status);
}

}  // namespace

void AddDumpCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "dump", "Print the whole log", kExamples, options, Run)
      .Text("--data", &options->data_directory, "DIR", "Read this data directory, without a broker")
      .Number("--from", &options->from, "N", "The first event, by sequence")
      .Number("--to", &options->to, "N", "The last event, by sequence; else the newest")
      .Flag("--json", &options->json, "One JSON object a line")
      .Flag("--hex", &options->hex, "The bytes of each event's record, in hexadecimal")
      .Exclude("--hex", "--json");
}

}  // namespace roost
