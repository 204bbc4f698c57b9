// roost take: works off a stream as one consumer of a group.
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"
#include "tools/child_process.h"
#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/json_text.h"
#include "tools/line_reader.h"
#include "tools/outcome.h"
#include "tools/stop_signals.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr char kExamples[] =
    "  roost take tasks workers -- ./do-task               # one event, on the command's standard "
    "input\n"
    "  roost take tasks workers --follow --lease 5m -- ./do-task\n"
    "  roost take tasks workers --max 10 --wait 20s        # JSON lines; outcomes from standard "
    "input\n"
    "\n"
    "With a command it runs once an event, which is a JSON object on its standard input: exit "
    "status 0 settles the\n"
    "event as done; any other gives it to the next consumer (75, EX_TEMPFAIL, says so on purpose), "
    "which after "
    "the\n"
    "broker's --max-tries (5) parks it, or with --park-on-failure at once, unless it was 75.\n"
    "--lease is the time for all events of one take, and nothing makes it longer while a command "
    "runs: what is not\n"
    "settled by then goes to another, and is done twice. Choose it longer than the command may "
    "take, times --max.\n"
    "\n"
    "Without a command each event is one line {\"token\":\"812.0\",\"tries\":1,\"event\":{...}}, "
    "and each line of "
    "standard\n"
    "input settles one: TOKEN done|retry|park. What is not settled when the input ends goes back.\n"
    "Exit status 3: there was nothing to take. 1: some event was not done.\n";

constexpr int kTempFail = 75;  // EX_TEMPFAIL of sysexits.h
constexpr int kSliceMs = 200;
constexpr uint64_t kTakeSliceMs = 1000;
constexpr milliseconds kFollowWait{10'000};
constexpr milliseconds kRetryPause{500};
constexpr size_t kLineBytesMax = 4096;

struct Options {
  std::string stream;
  std::string group;
  std::string from = "first";
  uint64_t max = 1;
  milliseconds lease{30'000};
  milliseconds wait{0};
  std::string agent;
  bool follow = false;
  bool park_on_failure = false;
  std::vector<std::string> command;
};

// One consumer. One thread.
class Consumer {
 public:
  Consumer(Program* program, const Options& options, StopSignals stop)
      : program_(program),
        options_(options),
        client_(program->MakeClient(options.agent)),
        stop_(std::move(stop)),
        lines_(STDIN_FILENO, "standard input", kLineBytesMax) {}

  ExitStatus Work();

 private:
  Result<TakeResult> Take();
  // Takes once and settles all of it. False: there was nothing.
  Result<bool> WorkOff();
  Status RunCommands(const TakeResult& taken, const Page& page);
  Result<int> RunCommand(const TakenItem& item, const EventView& event);
  Outcome OutcomeOf(int exit_status);
  Status HandOut(const TakeResult& taken, const Page& page);
  // Settles what the next line of standard input says. False: it has ended.
  Result<bool> TakeLine(std::vector<ItemToken>* open);
  Status Settle(std::span<const ItemToken> tokens, Outcome outcome);

  Program* const program_;
  const Options& options_;
  Client client_;
  StopSignals stop_;
  LineReader lines_;
  bool input_ended_ = false;
  bool all_done_ = true;
};

ExitStatus Consumer::Work() {
  bool told = false;
  while (true) {
    const Result<bool> worked = WorkOff();
    if (stop_.Came() || input_ended_ || !program_->out.open()) {
      return worked.ok() && all_done_ ? ExitStatus::kFine : ExitStatus::kFailed;
    }
    if (!options_.follow) {
      if (!worked.ok()) return FailRequest(worked.status());
      if (!*worked) return ExitStatus::kNo;
      return all_done_ ? ExitStatus::kFine : ExitStatus::kFailed;
    }
    if (worked.ok()) {
      told = false;
      continue;
    }
    if (worked.status().code() != StatusCode::kUnavailable) return FailRequest(worked.status());
    if (!told) PrintError(worked.status().message() + " (waiting for it)");
    told = true;
    pollfd polled{stop_.fd(), POLLIN, 0};
    ::poll(&polled, 1, static_cast<int>(kRetryPause.count()));
  }
}

// In slices, so that a signal is heeded soon.
Result<TakeResult> Consumer::Take() {
  TakeRequest request{.stream = options_.stream,
                      .group = options_.group,
                      .from_head = options_.from == "head",
                      .max = static_cast<uint32_t>(options_.max),
                      .lease = options_.lease};
  const milliseconds wait = options_.follow ? std::max(options_.wait, kFollowWait) : options_.wait;
  const uint64_t until_ns = MonotonicNs() + static_cast<uint64_t>(wait.count()) * kNsPerMs;
  while (true) {
    const uint64_t now_ns = MonotonicNs();
    const uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns) / kNsPerMs : 0;
    request.wait = milliseconds(std::min(left_ms, kTakeSliceMs));
    Result<TakeResult> taken = client_.Take(request);
    if (!taken.ok() || !taken->items.empty() || left_ms == 0 || stop_.Came()) return taken;
  }
}

Result<bool> Consumer::WorkOff() {
  const Result<TakeResult> taken = Take();
  if (!taken.ok()) return taken.status();
  if (taken->items.empty()) return false;
  Page page;
  ROOST_RETURN_IF_ERROR(client_.ReadTaken(options_.stream, *taken, &page));
  if (page.gap().has_value()) {
    PrintError("some of the events taken are not there any more; they are settled as done");
  }
  ROOST_RETURN_IF_ERROR(options_.command.empty() ? HandOut(*taken, page)
                                                 : RunCommands(*taken, page));
  return true;
}

Status Consumer::Settle(std::span<const ItemToken> tokens, Outcome outcome) {
  const Result<std::vector<bool>> settled = client_.Settle(tokens, outcome);
  if (!settled.ok()) return settled.status();
  for (size_t i = 0; i < tokens.size(); ++i) {
    if ((*settled)[i]) continue;
    all_done_ = false;
    PrintError(
        fmt::format("{} was not settled: its lease had ended, and the event is another's; "
                    "a longer --lease helps",
                    tokens[i].ToString()));
  }
  return {};
}

// ---- with a command ----

Outcome Consumer::OutcomeOf(int exit_status) {
  if (exit_status == 0) return Outcome::kDone;
  return options_.park_on_failure && exit_status != kTempFail && !stop_.Came() ? Outcome::kPark
                                                                               : Outcome::kRetry;
}

Status Consumer::RunCommands(const TakeResult& taken, const Page& page) {
  size_t next = 0;  // on the page, which lacks those that are gone
  for (const TakenItem& item : taken.items) {
    Outcome outcome = Outcome::kRetry;
    if (next == page.size() || page[next].revision != item.revision) {
      outcome = Outcome::kDone;
    } else if (!stop_.Came()) {
      const Result<int> status = RunCommand(item, page[next]);
      if (!status.ok()) {
        (void)Settle(std::span(&item.token, 1), Outcome::kRetry);
        return status.status();
      }
      outcome = OutcomeOf(*status);
    }
    if (next < page.size() && page[next].revision == item.revision) ++next;
    if (outcome != Outcome::kDone) all_done_ = false;
    ROOST_RETURN_IF_ERROR(Settle(std::span(&item.token, 1), outcome));
  }
  return {};
}

Result<int> Consumer::RunCommand(const TakenItem& item, const EventView& event) {
  std::string input;
  AppendEventJson(event, &input);
  input += '\n';
  auto child = ChildProcess::Start(
      options_.command,
      {"ROOST_TOKEN=" + item.token.ToString(), fmt::format("ROOST_TRIES={}", item.tries)}, input);
  if (!child.ok()) return child.status();
  bool was_stopped = false;
  while (true) {
    pollfd polled[] = {{child->fd(), POLLIN, 0}, {was_stopped ? -1 : stop_.fd(), POLLIN, 0}};
    ::poll(polled, 2, kSliceMs);
    if (polled[0].revents != 0) return child->Wait();
    if (!was_stopped && stop_.Came()) {
      was_stopped = true;
      child->Signal(SIGTERM);
    }
    // Keeps the session while a broker restarts. No claims are held here.
    (void)client_.TakeEndedLeases();
  }
}

// ---- without one ----

Status Consumer::HandOut(const TakeResult& taken, const Page& page) {
  std::vector<ItemToken> open;
  std::vector<ItemToken> gone;
  size_t next = 0;
  for (const TakenItem& item : taken.items) {
    if (next == page.size() || page[next].revision != item.revision) {
      gone.push_back(item.token);
      continue;
    }
    std::string line;
    JsonObject object(&line);
    object.Text("token", item.token.ToString());
    object.Number("tries", item.tries);
    object.Name("event");
    AppendEventJson(page[next++], &line);
    object.End();
    program_->out.WriteJson(line);
    open.push_back(item.token);
  }
  program_->out.Flush();
  if (!gone.empty()) ROOST_RETURN_IF_ERROR(Settle(gone, Outcome::kDone));
  while (!open.empty() && !input_ended_) {
    const Result<bool> more = TakeLine(&open);
    if (!more.ok()) return more.status();
    input_ended_ = !*more;
  }
  if (open.empty()) return {};
  all_done_ = false;
  return Settle(open, Outcome::kRetry);
}

Result<bool> Consumer::TakeLine(std::vector<ItemToken>* open) {
  while (!lines_.HasLine()) {
    pollfd polled[] = {{STDIN_FILENO, POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
    ::poll(polled, 2, kSliceMs);
    if (stop_.Came()) return false;
    if (polled[0].revents != 0) break;
    (void)client_.TakeEndedLeases();  // as above
  }
  std::string_view line;
  const Result<bool> more = lines_.Next(&line);
  if (!more.ok() || !*more) return more;
  const size_t space = line.find(' ');
  const std::optional<ItemToken> token = ItemToken::Parse(line.substr(0, space));
  const std::optional<Outcome> outcome =
      space == std::string_view::npos ? std::nullopt : ParseOutcome(line.substr(space + 1));
  const auto place = token.has_value() ? std::ranges::find(*open, *token) : open->end();
  if (!outcome.has_value() || place == open->end()) {
    PrintError(
        fmt::format("line {}: say TOKEN done|retry|park, with the token of an event above "
                    "that is not settled",
                    lines_.line_number()));
    return true;
  }
  open->erase(place);
  if (*outcome != Outcome::kDone) all_done_ = false;
  ROOST_RETURN_IF_ERROR(Settle(std::span(&*token, 1), *outcome));
  return true;
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.from != "first" && options.from != "head") {
    return FailUsage("take: --from is first or head");
  }
  if (options.max == 0 || options.max > 500) return FailUsage("take: --max is 1 to 500");
  if (options.stream.ends_with('*')) {
    return FailUsage("take: STREAM is the name of one stream, without * at its end");
  }
  auto stop = StopSignals::Catch();
  if (!stop.ok()) return Fail(stop.status());
  return Consumer(&program, options, std::move(*stop)).Work();
}

}  // namespace

void AddTakeCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "take", "Work a stream off as one of a group", kExamples, options, Run)
      .Text("STREAM", &options->stream, "STREAM", "Whose events")
      .Text("GROUP", &options->group, "GROUP", "Each event goes to one consumer of a group")
      .Require("STREAM")
      .Require("GROUP")
      .Text("--from", &options->from, "WHERE", "Where a new group begins: first (default) or head")
      .Number("--max", &options->max, "N", "Events at once")
      .Duration("--lease", &options->lease,
                "For how long they are ours (30s): longer than the commands of one take need")
      .Duration("--wait", &options->wait, "Wait so long for the first")
      .Flag("--follow", &options->follow, "Go on until SIGINT or SIGTERM")
      .Flag("--park-on-failure", &options->park_on_failure, "Park what fails instead of retrying")
      .Text("--agent", &options->agent, "A", "Take under this label")
      .Rest(&options->command);
}

}  // namespace roost
