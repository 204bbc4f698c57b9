// roost claim: holds keys while a command runs, or while standard input is open.
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>

#include "base/utf8.h"
#include "tools/child_process.h"
#include "tools/claim_holder.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/stop_signals.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost claim deploy/web --wait 30s -- ./deploy.sh   # one at a time; renewed while it runs\n"
    "  roost claim src/a.cc src/b.cc --ttl 5m -- make     # both or none\n"
    "  roost claim 'src/**' --json < /dev/tty             # held until the input ends\n"
    "\n"
    "A claim lives as long as the process that made it: it is renewed at a third of --ttl, and "
    "released when "
    "the\n"
    "command ends, without a command when standard input ends or SIGINT or SIGTERM comes. With a "
    "command the exit\n"
    "status is the command's (its environment has the token in ROOST_TOKEN); a claim that is lost "
    "meanwhile ends\n"
    "it with SIGTERM, and the exit status is 1. Exit status 3: not granted; who holds it is "
    "shown.\n"
    "A key is a name, or a glob: '*' within a segment between slashes, '**' for any number of "
    "segments.\n";

constexpr int kSliceMs = 200;

struct Options {
  std::vector<std::string> keys;
  std::chrono::milliseconds ttl{60'000};
  std::chrono::milliseconds wait{0};
  std::string note;
  std::string agent;
  std::vector<std::string> command;
  bool json = false;
};

void AppendKeys(const std::vector<std::string>& keys, std::string* line) {
  *line += '[';
  for (const std::string& key : keys) {
    if (&key != &keys.front()) *line += ',';
    AppendJsonString(key, line);
  }
  *line += ']';
}

void ShowGranted(Program& program, const Options& options, const ClaimResult& granted) {
  std::string line;
  if (options.json) {
    JsonObject object(&line);
    object.Bool("granted", true);
    object.Number("token", granted.token);
    object.Name("keys");
    AppendKeys(options.keys, &line);
    object.Number("expires_in_ms", granted.expires_in_ms);
    object.End();
  } else {
    line = fmt::format(
        "granted: token {}; renewed and held until standard input ends or this is interrupted",
        granted.token);
  }
  program.out.WriteJson(line);
  program.out.Flush();
}

ExitStatus ShowHeld(Program& program, const Options& options, const ClaimResult& result) {
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Bool("granted", false);
    object.Name("held");
    line += '[';
    for (const Holder& holder : result.held) {
      if (&holder != &result.held.front()) line += ',';
      JsonObject inner(&line);
      inner.Text("key", holder.key);
      inner.Text("held", holder.held);
      inner.Text("by", holder.by);
      inner.Number("session", holder.session);
      inner.Number("expires_in_ms", holder.expires_in_ms);
      inner.Bool("waiting", holder.waiting);
      inner.End();
    }
    line += ']';
    object.End();
    program.out.WriteJson(line);
    return ExitStatus::kNo;
  }
  program.out.Write("not granted; --wait T waits in turn\n");
  Table table({{"key"}, {"held"}, {"by"}, {"session", Table::Align::kRight}, {"how"}});
  for (const Holder& holder : result.held) {
    table.Add({holder.key, holder.held, holder.by, fmt::format("{}", holder.session),
               holder.waiting
                   ? "waits for it, since before"
                   : "for " + ShowDuration(holder.expires_in_ms * 1'000'000) + " unless renewed"});
  }
  table.Print(&program.out);
  return ExitStatus::kNo;
}

ExitStatus Lost(Program& program, const Options& options, uint64_t token, const std::string& why) {
  if (options.json && options.command.empty()) {
    std::string line;
    JsonObject object(&line);
    object.Bool("ended", true);
    object.Number("token", token);
    object.Text("reason", why);
    object.End();
    program.out.WriteJson(line);
  }
  PrintError(fmt::format("the claim is lost: {}", why));
  return ExitStatus::kFailed;
}

ExitStatus HoldWhileItRuns(Program& program, const Options& options, ClaimHolder& holder,
                           StopSignals& stop) {
  auto child = ChildProcess::Start(options.command, {fmt::format("ROOST_TOKEN={}", holder.token())},
                                   std::nullopt);
  if (!child.ok()) {
    (void)holder.Release();
    return Fail(child.status());
  }
  std::optional<std::string> lost;
  bool was_stopped = false;
  while (true) {
    pollfd polled[] = {{child->fd(), POLLIN, 0}, {was_stopped ? -1 : stop.fd(), POLLIN, 0}};
    ::poll(polled, 2, kSliceMs);
    if (polled[0].revents != 0) break;
    if (!was_stopped && stop.Came()) {
      was_stopped = true;
      child->Signal(SIGTERM);
    }
    if (lost.has_value()) continue;
    lost = holder.Turn();
    // Two must never do it at once.
    if (lost.has_value()) child->Signal(SIGTERM);
  }
  const int status = child->Wait();
  if (lost.has_value()) return Lost(program, options, holder.token(), *lost);
  if (const Result<bool> released = holder.Release(); !released.ok()) {
    PrintError(
        fmt::format("not released, it ends with this process: {}", released.status().message()));
  }
  return static_cast<ExitStatus>(status);
}

ExitStatus HoldWhileInputIsOpen(Program& program, const Options& options, ClaimHolder& holder,
                                StopSignals& stop) {
  while (true) {
    pollfd polled[] = {{STDIN_FILENO, POLLIN, 0}, {stop.fd(), POLLIN, 0}};
    ::poll(polled, 2, kSliceMs);
    char ignored[4096];
    if (polled[0].revents != 0 && ::read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0) break;
    if (stop.Came()) break;
    if (const auto lost = holder.Turn()) return Lost(program, options, holder.token(), *lost);
  }
  const Result<bool> released = holder.Release();
  if (!released.ok()) return Fail(released.status());
  if (!*released) return Lost(program, options, holder.token(), "it had ended before its release");
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  auto stop = StopSignals::Catch();
  if (!stop.ok()) return Fail(stop.status());
  Client client = program.MakeClient(options.agent);
  ClaimRequest request{
      .keys = options.keys, .ttl = options.ttl, .wait = options.wait, .note = options.note};
  const auto result = client.Claim(request);
  if (!result.ok()) return FailRequest(result.status());
  if (!result->granted) return ShowHeld(program, options, *result);
  ClaimHolder holder(&client, std::move(request), *result);
  if (!options.command.empty()) return HoldWhileItRuns(program, options, holder, *stop);
  ShowGranted(program, options, *result);
  return HoldWhileInputIsOpen(program, options, holder, *stop);
}

}  // namespace

void AddClaimCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "claim", "Hold keys, all or none, while a command runs", kExamples, options,
             Run)
      .Texts("KEY", &options->keys, "KEY", "Names or globs; 1 to 64")
      .Require("KEY")
      .Duration("--ttl", &options->ttl, "How long the claim outlives a process that hangs")
      .Duration("--wait", &options->wait, "Wait in turn for so long (at most 50s)")
      .Text("--note", &options->note, "TEXT", "Why, for whoever asks")
      .Text("--agent", &options->agent, "A", "Claim under this label")
      .Flag("--json", &options->json, "One JSON object a line")
      .Rest(&options->command);
}

}  // namespace roost
