// roost groups: how far the groups are with their streams.
#include <fmt/core.h>

#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost groups\n"
    "  roost groups tasks --json | jq .lag\n"
    "\n"
    "lag: events of the stream that are not settled; parked ones are. checkpoint: all up to this "
    "revision are.\n";

struct Options {
  std::string prefix;
  bool json = false;
};

uint64_t LagOf(const GroupInfo& group) {
  return group.head > group.checkpoint ? group.head - group.checkpoint : 0;
}

void PrintJson(Program& program, const GroupInfo& group) {
  std::string line;
  JsonObject object(&line);
  object.Text("stream", group.stream);
  object.Text("group", group.group);
  object.Number("checkpoint", group.checkpoint);
  object.Number("next", group.next);
  object.Number("head", group.head);
  object.Number("lag", LagOf(group));
  object.Number("taken", group.taken);
  object.Number("returned", group.returned);
  object.Number("parked", group.parked);
  object.Number("consumers", group.consumers);
  object.Number("waiting", group.waiting);
  object.End();
  program.out.Write(line + "\n");
}

void AddRow(Table& table, const GroupInfo& group) {
  table.Add({group.stream, group.group, WithCommas(group.checkpoint), WithCommas(group.head),
             WithCommas(LagOf(group)), WithCommas(group.taken), WithCommas(group.returned),
             WithCommas(group.parked), WithCommas(group.consumers), WithCommas(group.waiting)});
}

ExitStatus Run(Program& program, const Options& options) {
  using enum Table::Align;
  const auto groups = program.MakeClient().ListGroups(options.prefix);
  if (!groups.ok()) return Fail(groups.status());
  Table table({{"stream"},
               {"group"},
               {"checkpoint", kRight},
               {"head", kRight},
               {"lag", kRight},
               {"taken", kRight},
               {"returned", kRight},
               {"parked", kRight},
               {"consumers", kRight},
               {"waiting", kRight}});
  for (const GroupInfo& group : *groups) {
    if (options.json) {
      PrintJson(program, group);
    } else {
      AddRow(table, group);
    }
  }
  if (!options.json) table.Print(&program.out);
  return ExitStatus::kFine;
}

}  // namespace

void AddGroupsCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "groups", "List the groups and how far they are", kExamples, options, Run)
      .Text("PREFIX", &options->prefix, "TEXT", "Only groups of streams that begin like this")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
