// roost groups: how far the groups are with their streams; and removes one that nobody needs any more.
#include <fmt/core.h>

#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost groups\n"
    "  roost groups tasks --json | jq .lag\n"
    "  roost groups tasks workers --drop           # forget this group, and what it had parked\n"
    "\n"
    "lag: events of the stream that are not settled; parked ones are. checkpoint: all up to this "
    "revision are.\n"
    "A group that was dropped begins anew with the next take of its name. Exit status 3: it is in "
    "use, by events in\n"
    "consumers' hands or by takes that wait for it.\n";

struct Options {
  std::string prefix;  // with `drop` the stream itself
  std::string group;
  bool drop = false;
  std::string note;
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
  program.out.WriteJson(line);
}

void AddRow(Table& table, const GroupInfo& group) {
  table.Add({group.stream, group.group, WithCommas(group.checkpoint), WithCommas(group.head),
             WithCommas(LagOf(group)), WithCommas(group.taken), WithCommas(group.returned),
             WithCommas(group.parked), WithCommas(group.consumers), WithCommas(group.waiting)});
}

ExitStatus Drop(Program& program, const Options& options) {
  const auto removal =
      program.MakeClient().RemoveGroup(options.prefix, options.group, options.note);
  if (!removal.ok()) return Fail(removal.status());
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Bool("removed", removal->removed);
    object.Number("taken", removal->taken);
    object.Number("waiting", removal->waiting);
    object.Number("parked", removal->parked);
    object.End();
    program.out.WriteJson(line);
  } else if (removal->removed) {
    program.out.Write(fmt::format("removed; {} parked events were given up\n", removal->parked));
  }
  if (removal->removed) return ExitStatus::kFine;
  PrintError(fmt::format(
      "the group was not dropped, since it is in use: {} of its events are in consumers' "
      "hands, and {} takes wait for it; stop its consumers, then drop it",
      removal->taken, removal->waiting));
  return ExitStatus::kNo;
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.drop) {
    if (options.prefix.empty() || options.group.empty()) {
      return FailUsage("groups: --drop needs STREAM and GROUP");
    }
    return Drop(program, options);
  }
  if (!options.group.empty() || !options.note.empty()) {
    return FailUsage(
        "groups: GROUP and --note are for --drop; to list, give the beginning of streams");
  }
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
      .Text("PREFIX", &options->prefix, "TEXT",
            "Only groups of streams that begin like this; with --drop the stream")
      .Text("GROUP", &options->group, "GROUP", "With --drop: which group")
      .Flag("--drop", &options->drop, "Remove the group for good, with what it has parked")
      .Text("--note", &options->note, "TEXT", "Why")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
