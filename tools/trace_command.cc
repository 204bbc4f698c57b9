// roost trace: what belongs together, as a tree of causes.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/utf8.h"
#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/event_source.h"
#include "tools/event_trace.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost trace order-17              # all with this correlation id, or caused by the event "
    "with this id\n"
    "  roost trace 1204                  # the event with this sequence, its correlation, and what "
    "it caused\n"
    "  roost trace order-17 --since 1h --json\n"
    "\n"
    "A causation id names an event by its id or its sequence. The whole log is looked through "
    "unless --since or "
    "--after\n"
    "says from where on. Exit status 3: there is none.\n";

constexpr size_t kIndentMax = 20;

struct Options {
  std::string id;
  std::string data_directory;
  uint64_t after = 0;
  uint64_t limit = 1000;
  std::string since;
  bool json = false;
};

// What is kept of an event until all are found.
struct Line {
  std::string place;
  std::string text;
};

Line LineOf(const EventView& event) {
  std::string text = fmt::format("{} {}  {}  by {}", Printable(event.stream), event.revision,
                                 Printable(event.type), Printable(event.agent));
  if (!event.data.empty()) text += "  " + PrintableData(event);
  return {fmt::format("{:>8}  {}  ", event.sequence, FormatTime(event.time_ns).substr(0, 19)),
          text};
}

// The event that `id` names by its sequence, if it does.
Status FindRoot(EventSource& source, const std::string& id, EventTrace* trace) {
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
  if (error != std::errc() || end != id.data() + id.size() || sequence == 0) return {};
  ReadQuery query;
  query.after = sequence - 1;
  query.limit = 1;
  Page page;
  // Beyond the head there is none; it may be a correlation id all the same.
  if (const Status read = source.Read(query, &page); !read.ok()) {
    return read.code() == StatusCode::kInvalidArgument ? Status() : read;
  }
  if (page.size() == 1 && page[0].sequence == sequence) trace->AddRoot(page[0]);
  return {};
}

void Show(Program& program, const Options& options, const EventTrace& trace,
          const std::vector<Line>& lines) {
  for (const EventTrace::Place& place : trace.Tree()) {
    const Line& line = lines[place.index];
    if (options.json) {
      program.out.WriteJson(fmt::format("{{\"depth\":{},\"event\":{}}}", place.depth, line.text));
      continue;
    }
    std::string text(2 * std::min(place.depth, kIndentMax), ' ');
    text += line.text;
    if (const size_t width = program.out.Width(); width != 0) {
      text = CutToWidth(text, width > line.place.size() ? width - line.place.size() : 0);
    }
    program.out.Write(program.out.Paint(Colour::kDim, line.place) + text + "\n");
  }
}

ExitStatus Run(Program& program, const Options& options) {
  ReadQuery query;
  query.after = options.after;
  if (!options.since.empty()) {
    const auto since = ParseSince(options.since);
    if (!since.ok()) return FailUsage(since.status().message());
    query.filter.since_ns = *since;
  }
  auto source = OpenEventSource(program, options.data_directory);
  if (!source.ok()) return Fail(source.status());
  EventTrace trace(options.id);
  if (const Status root = FindRoot(**source, options.id, &trace); !root.ok()) return Fail(root);
  std::vector<Line> lines;
  const Status status = ReadPages(**source, query, 0, [&](const Page& page) {
    for (size_t i = 0; i < page.size() && lines.size() < options.limit; ++i) {
      if (!trace.Take(page[i])) continue;
      lines.push_back(options.json ? Line() : LineOf(page[i]));
      if (options.json) AppendEventJson(page[i], &lines.back().text);
    }
    return lines.size() < options.limit;
  });
  if (!status.ok()) return Fail(status);
  Show(program, options, trace, lines);
  if (lines.size() == options.limit) {
    PrintError(fmt::format("there may be more than {}; see --limit", options.limit));
  }
  return lines.empty() ? ExitStatus::kNo : ExitStatus::kFine;
}

}  // namespace

void AddTraceCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "trace", "Follow correlation and causation", kExamples, options, Run)
      .Text("ID", &options->id, "ID", "A correlation id, an event's id or its sequence")
      .Require("ID")
      .Number("--after", &options->after, "N", "Only events behind this sequence")
      .Text("--since", &options->since, "T",
            "Not before this time (2026-01-31T12:00:00Z), or 10m ago")
      .Number("-n,--limit", &options->limit, "N", "At most so many events")
      .Text("--data", &options->data_directory, "DIR", "Read this data directory, without a broker")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
