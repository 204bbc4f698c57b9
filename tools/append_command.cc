// roost append: one event, or very many from standard input.
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>

#include "base/utf8.h"
#include "tools/batch_appender.h"
#include "tools/batch_line.h"
#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/json_text.h"
#include "tools/line_reader.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost append tasks/42 task.created '{\"title\":\"count the eggs\"}' --expect 0\n"
    "  roost append inbox/worker-1 note '\"hello\"' --id note-17\n"
    "  make 2>&1 | roost append builds/7 build.log - --content-type text/plain\n"
    "  roost append --batch < events.jsonl\n"
    "  roost dump --data old/ --json | grep -v '\"stream\":\"\\$' | roost append --batch --id "
    "import-1\n"
    "\n"
    "With --expect N the event is appended only if the stream is at revision N (0: does not "
    "exist); if not,\n"
    "the exit status is 3 and the stream's last event is shown.\n"
    "\n"
    "With --batch each line of standard input is one event, a JSON object with stream, type, data "
    "(or\n"
    "data_base64), content_type, correlation_id, causation_id and id; STREAM and TYPE are for "
    "lines without\n"
    "them. Up to 1000 lines (512 KiB of data) make a batch; a line with an id is a batch of its "
    "own. Each\n"
    "batch is appended whole or not at all; the input as a whole is not: at a bad line the batches "
    "before\n"
    "its own are in the log, and the message says up to which line. --id X gives batch k the id "
    "X.k, so that\n"
    "the same input, mended behind that line, can be given again without appending anything twice. "
    "--expect\n"
    "is about the first batch: nothing is appended unless it holds.\n";

constexpr size_t kDataBytesMax = 64 << 20;
constexpr size_t kLineBytesMax = 8 << 20;
constexpr std::chrono::milliseconds kProgressInterval{100};

struct Options {
  std::string stream;
  std::string type;
  std::string data;
  std::optional<uint64_t> expect;
  std::string id;
  std::string correlation_id;
  std::string causation_id;
  std::string content_type;
  std::string agent;
  bool batch = false;
  uint64_t batch_size = 1000;
  bool json = false;
};

bool IsJson(const std::string& content_type) {
  return content_type.empty() || content_type == "application/json";
}

// The event's data, checked. JSON loses the white space around it and nothing else.
Result<std::string> GetData(const Options& options) {
  std::string data = options.data;
  if (data == "-") {
    auto input = ReadAll(STDIN_FILENO, "standard input", kDataBytesMax);
    if (!input.ok()) return input.status();
    data = *std::move(input);
  }
  if (data.empty() || !IsJson(options.content_type)) return data;
  if (const Status status = CheckJson(data); !status.ok()) {
    return Status(status.code(),
                  fmt::format("{}: {}", options.data == "-" ? "standard input" : "the data",
                              status.message()));
  }
  return std::string(TrimJson(data));
}

std::string ResultJson(const AppendResult& result) {
  std::string line;
  JsonObject object(&line);
  object.Bool("appended", true);
  object.Number("first", result.first);
  object.Number("sequence", result.sequence);
  object.Number("revision", result.revision);
  object.Number("count", result.count);
  object.Bool("duplicate", result.duplicate);
  object.Text("durability", DurabilityName(result.durability));
  object.Number("head", result.head);
  object.End();
  return line;
}

// What the stream is at, with the event that made it so, if that is still there.
ExitStatus ShowConflict(Program& program, Client& client, const AppendResult::Conflict& conflict,
                        bool as_json) {
  ReadQuery query;
  query.filter.stream = conflict.stream;
  query.from_revision = conflict.revision;
  query.order = Order::kNewestFirst;
  query.limit = 1;
  Page page;
  const bool has_last =
      conflict.revision != 0 && client.Read(query, &page).ok() && page.size() == 1;

  if (as_json) {
    std::string line;
    JsonObject object(&line);
    object.Bool("appended", false);
    object.Name("conflict");
    JsonObject inner(&line);
    inner.Text("stream", conflict.stream);
    inner.Number("expect", conflict.expect);
    inner.Number("revision", conflict.revision);
    if (has_last) {
      inner.Name("last");
      AppendEventJson(page[0], &line);
    }
    inner.End();
    object.End();
    program.out.WriteJson(line);
    return ExitStatus::kNo;
  }
  const std::string stream = Printable(conflict.stream);
  if (conflict.revision == 0) {
    program.out.Write(fmt::format("not appended: {} does not exist, expected revision {}\n", stream,
                                  conflict.expect));
  } else {
    program.out.Write(fmt::format("not appended: {} is at revision {}, expected {}\n", stream,
                                  conflict.revision, conflict.expect));
  }
  if (has_last) EventPrinter(&program.out, EventFormat::kText).Print(page);
  return ExitStatus::kNo;
}

ExitStatus AppendOne(Program& program, const Options& options) {
  if (options.stream.empty() || options.type.empty()) {
    return FailUsage("append: STREAM and TYPE are needed; see roost append --help");
  }
  if (options.stream.ends_with('*')) {
    return FailUsage("append: STREAM is the name of one stream, without * at its end");
  }
  auto data = GetData(options);
  if (!data.ok()) {
    const bool wrong_argument =
        data.status().code() == StatusCode::kInvalidArgument && options.data != "-";
    return wrong_argument ? FailUsage(data.status().message()) : Fail(data.status());
  }
  Batch batch;
  batch.id = options.id;
  batch.events.push_back({.stream = options.stream,
                          .type = options.type,
                          .data = *std::move(data),
                          .content_type = options.content_type,
                          .correlation_id = options.correlation_id,
                          .causation_id = options.causation_id});
  if (options.expect) batch.conditions.push_back({options.stream, *options.expect});

  Client client = program.MakeClient(options.agent);
  const auto result = client.Append(batch);
  if (!result.ok()) {
    return options.data == "-" ? Fail(result.status()) : FailRequest(result.status());
  }
  if (!result->appended) return ShowConflict(program, client, *result->conflict, options.json);
  if (options.json) {
    program.out.WriteJson(ResultJson(*result));
  } else {
    program.out.Write(fmt::format("{}{} revision {}, event {}\n",
                                  result->duplicate ? "appended before, with the same id: " : "",
                                  Printable(options.stream), result->revision, result->sequence));
  }
  return ExitStatus::kFine;
}

// "\r  12,000 events" on a terminal, now and then.
class Progress {
 public:
  void Show(uint64_t events) {
    if (!on_terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kProgressInterval) return;
    last_ = now;
    fmt::print(stderr, "\r  {} events appended", WithCommas(events));
    shown_ = true;
  }
  void End() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

// Feeds the appender; what is wrong with the input, which ends there.
Status FeedLines(const Options& options, BatchAppender* appender, Progress* progress) {
  LineReader lines(STDIN_FILENO, "standard input", kLineBytesMax);
  std::string_view text;
  while (true) {
    const auto more = lines.Next(&text);
    if (!more.ok()) {
      const uint64_t unsent = appender->DropUnsent(lines.line_number() + 1);
      return {more.status().code(), fmt::format("{}; nothing from line {} on was appended",
                                                more.status().message(), unsent)};
    }
    if (!*more) return {};
    if (TrimJson(text).empty()) continue;
    auto line = ParseBatchLine(text, options.stream, options.type);
    if (!line.ok()) {
      // The same input, mended here, must give the same batches.
      const uint64_t unsent = appender->DropUnsent(lines.line_number());
      return {line.status().code(),
              fmt::format("line {}: {}; nothing from line {} on was appended", lines.line_number(),
                          line.status().message(), unsent)};
    }
    if (!appender->Add(*std::move(line), lines.line_number())) return {};
    progress->Show(appender->totals().events);
  }
}

void ShowTotals(Program& program, const BatchAppender::Totals& totals, bool as_json) {
  if (as_json) {
    std::string line;
    JsonObject object(&line);
    object.Bool("appended", true);
    object.Number("first", totals.first);
    object.Number("sequence", totals.last);
    object.Number("count", totals.events);
    object.Number("batches", totals.batches);
    object.Number("duplicate_batches", totals.duplicates);
    object.End();
    program.out.WriteJson(line);
    return;
  }
  std::string text =
      fmt::format("{} events in {} batches", WithCommas(totals.events), WithCommas(totals.batches));
  if (totals.duplicates != 0)
    text += fmt::format(", {} of them appended before", WithCommas(totals.duplicates));
  if (totals.events != 0) text += fmt::format(", sequences {} to {}", totals.first, totals.last);
  program.out.Write(text + "\n");
}

ExitStatus AppendLines(Program& program, const Options& options) {
  if (!options.data.empty())
    return FailUsage("append: with --batch the events come from standard input, without JSON");
  if (options.expect && options.stream.empty()) return FailUsage("append: --expect needs STREAM");
  if (options.batch_size < 1 || options.batch_size > 1000)
    return FailUsage("--batch-size: 1 to 1000");
  ClientOptions attaching = program.OptionsFor(options.agent);
  attaching.lane = true;
  Client client(std::move(attaching));
  BatchAppender::Options how{.batch_events = options.batch_size, .id = options.id, .condition = {}};
  if (options.expect) how.condition = Condition{options.stream, *options.expect};
  BatchAppender appender(&client, how);
  Progress progress;
  const Status input = FeedLines(options, &appender, &progress);
  const BatchAppender::Totals totals = appender.Finish();
  progress.End();

  if (totals.conflict) return ShowConflict(program, client, *totals.conflict, options.json);
  if (!totals.failure.ok()) {
    return Fail(
        {totals.failure.code(),
         fmt::format("lines {} to {}: {}; {} events were appended", totals.failed_line_first,
                     totals.failed_line_last, totals.failure.message(), totals.events)});
  }
  if (!input.ok()) return Fail(input);
  ShowTotals(program, totals, options.json);
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  return options.batch ? AppendLines(program, options) : AppendOne(program, options);
}

}  // namespace

void AddAppendCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "append", "Append an event, or many", kExamples, options, Run)
      .Text("STREAM", &options->stream, "TEXT",
            "The stream, which begins to exist with its first event")
      .Text("TYPE", &options->type, "TEXT", "What kind of thing happened: task.created")
      .Text("JSON", &options->data, "TEXT",
            "The data, any JSON value; - reads standard input; else none")
      .Number("--expect", &options->expect, "N",
              "Only if the stream is at this revision; 0: does not exist")
      .Text("--id", &options->id, "X", "Idempotency key: the same again is not appended twice")
      .NotEmpty("--id")
      .Text("--correlation-id", &options->correlation_id, "X", "What this belongs to")
      .Text("--causation-id", &options->causation_id, "X", "What made this happen")
      .Text("--content-type", &options->content_type, "TYPE", "Other data than JSON, kept as it is")
      .Text("--agent", &options->agent, "A",
            "Label of who appends; else $ROOST_AGENT, else roost-<pid>")
      .Flag("--batch", &options->batch, "One JSON event a line on standard input; see below")
      .Number("--batch-size", &options->batch_size, "N", "Events in a batch, 1 to 1000")
      .Flag("--json", &options->json, "The result as one JSON object");
}

}  // namespace roost
