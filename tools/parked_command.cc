// roost parked: the events that a group put aside, and what becomes of them.
#include <fmt/core.h>

#include "base/utf8.h"
#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost parked tasks workers                    # look at them\n"
    "  roost parked tasks workers --retry 17 23      # to be taken again, with new tries\n"
    "  roost parked tasks workers --drop --all\n"
    "\n"
    "REV is an event's revision in its stream. Exit status 3: nothing of what was named is "
    "parked.\n";

constexpr uint32_t kPage = 100;

struct Options {
  std::string stream;
  std::string group;
  std::vector<uint64_t> revisions;
  bool retry = false;
  bool drop = false;
  bool all = false;
  std::string note;
  bool json = false;
};

ExitStatus Unpark(Program& program, const Options& options) {
  if (options.revisions.empty() != options.all) {
    return FailUsage("parked: give the revisions, or --all");
  }
  Client client = program.MakeClient();
  const auto count =
      client.Unpark(options.stream, options.group, options.revisions, options.drop, options.note);
  if (!count.ok()) return Fail(count.status());
  const char* what = options.drop ? "dropped" : "to be taken again";
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Number(options.drop ? "dropped" : "retried", *count);
    object.End();
    program.out.WriteJson(line);
  } else {
    program.out.Write(fmt::format("{} {}\n", *count, what));
  }
  return *count == 0 ? ExitStatus::kNo : ExitStatus::kFine;
}

// The event with this revision, alone on the page; an empty page: it is gone.
Status ReadRevision(Client& client, const std::string& stream, uint64_t revision, Page* page) {
  const TakeResult one{.items = {{.revision = revision}}};
  return client.ReadTaken(stream, one, page);
}

void PrintJson(Program& program, const TakenItem& item, const Page& page) {
  std::string line;
  JsonObject object(&line);
  object.Number("revision", item.revision);
  object.Number("tries", item.tries);
  if (!page.empty()) {
    object.Name("event");
    AppendEventJson(page[0], &line);
  }
  object.End();
  program.out.WriteJson(line);
}

void AddRow(Table& table, const TakenItem& item, const Page& page) {
  const bool there = !page.empty();
  table.Add({fmt::format("{}", item.revision), fmt::format("{}", item.tries),
             there ? fmt::format("{}", page[0].sequence) : "",
             there ? std::string(page[0].type) : "(not there any more)",
             there ? std::string(page[0].agent) : "",
             there ? std::string(CutToWidth(PrintableData(page[0]), 60)) : ""});
}

ExitStatus List(Program& program, const Options& options) {
  using enum Table::Align;
  Client client = program.MakeClient();
  Table table(
      {{"revision", kRight}, {"tries", kRight}, {"event", kRight}, {"type"}, {"agent"}, {"data"}});
  uint64_t after = 0;
  uint64_t count = 0;
  bool more = true;
  while (more && program.out.open()) {
    const auto parked = client.ListParked(options.stream, options.group, after, kPage);
    if (!parked.ok()) return Fail(parked.status());
    for (const TakenItem& item : parked->items) {
      Page page;
      const Status read = ReadRevision(client, options.stream, item.revision, &page);
      if (!read.ok()) return Fail(read);
      if (options.json) {
        PrintJson(program, item, page);
      } else {
        AddRow(table, item, page);
      }
      after = item.revision;
      ++count;
    }
    more = parked->more;
  }
  if (options.json) return ExitStatus::kFine;
  if (count == 0) {
    program.out.Write("nothing is parked\n");
  } else {
    table.Print(&program.out);
  }
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.retry || options.drop) return Unpark(program, options);
  if (options.all || !options.revisions.empty()) {
    return FailUsage("parked: say --retry or --drop with them");
  }
  return List(program, options);
}

}  // namespace

void AddParkedCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "parked", "Show, retry or drop events that a group put aside", kExamples,
             options, Run)
      .Text("STREAM", &options->stream, "STREAM", "Whose events")
      .Text("GROUP", &options->group, "GROUP", "Which group")
      .Require("STREAM")
      .Require("GROUP")
      .Numbers("REV", &options->revisions, "REV", "With --retry or --drop: which events")
      .Flag("--retry", &options->retry, "Let them be taken again")
      .Flag("--drop", &options->drop, "Give them up for good")
      .Exclude("--retry", "--drop")
      .Flag("--all", &options->all, "All that are parked")
      .Text("--note", &options->note, "TEXT", "Why")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
