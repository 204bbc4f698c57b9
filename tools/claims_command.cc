// roost claims: who holds what.
#include <fmt/core.h>

#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost claims\n"
    "  roost claims src/ --json | jq -r .agent\n";

struct Options {
  std::string prefix;
  bool json = false;
};

void PrintJson(Program& program, const LeaseInfo& lease) {
  std::string line;
  JsonObject object(&line);
  object.Number("token", lease.token);
  object.Name("keys");
  line += '[';
  for (const std::string& key : lease.keys) {
    if (&key != &lease.keys.front()) line += ',';
    AppendJsonString(key, &line);
  }
  line += ']';
  object.Text("agent", lease.agent);
  object.Number("session", lease.session);
  object.Number("ttl_ms", lease.ttl_ms);
  object.Number("expires_in_ms", lease.expires_in_ms);
  if (!lease.note.empty()) object.Text("note", lease.note);
  object.End();
  program.out.WriteJson(line);
}

// A line a key; what is the same for all keys of a claim stands beside the first.
void AddRows(Table& table, const LeaseInfo& lease) {
  for (const std::string& key : lease.keys) {
    const bool first = &key == &lease.keys.front();
    table.Add({key, fmt::format("{}", lease.token), lease.agent, fmt::format("{}", lease.session),
               ShowDuration(lease.expires_in_ms * 1'000'000), first ? lease.note : ""});
  }
}

ExitStatus Run(Program& program, const Options& options) {
  using enum Table::Align;
  const auto leases = program.MakeClient().ListLeases(options.prefix);
  if (!leases.ok()) return Fail(leases.status());
  Table table(
      {{"key"}, {"token", kRight}, {"agent"}, {"session", kRight}, {"ends in", kRight}, {"note"}});
  for (const LeaseInfo& lease : *leases) {
    if (options.json) {
      PrintJson(program, lease);
    } else {
      AddRows(table, lease);
    }
  }
  if (!options.json) table.Print(&program.out);
  return ExitStatus::kFine;
}

}  // namespace

void AddClaimsCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "claims", "List the keys that are held, and by whom", kExamples, options, Run)
      .Text("PREFIX", &options->prefix, "TEXT", "Only claims with a key that begins like this")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
