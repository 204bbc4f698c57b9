// roost verify: every checksum and every rule of a journal, without a broker.
#include <fmt/core.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "log/verify.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost verify --data /var/lib/roost\n"
    "  roost verify --data /var/lib/roost --json | grep '\"severity\":\"error\"'\n"
    "\n"
    "Each finding is a line with file and offset, the last line a summary. Exit status 1 when "
    "there is an\n"
    "error, 0 when there are only warnings: what the next start of roostd mends by itself, like "
    "an\n"
    "incomplete last batch. Beside a running broker the newest records may look half written.\n";

struct Options {
  std::string data_directory;
  bool json = false;
};

const char* SeverityName(VerifyFinding::Severity severity) {
  return severity == VerifyFinding::Severity::kError ? "error" : "warning";
}

void PrintJson(Program& program, const VerifyReport& report) {
  for (const VerifyFinding& finding : report.findings) {
    std::string line;
    JsonObject object(&line);
    object.Text("severity", SeverityName(finding.severity));
    object.Text("file", finding.file);
    object.Number("offset", finding.offset);
    object.Text("text", finding.text);
    object.End();
    program.out.WriteJson(line);
  }
  std::string line;
  JsonObject object(&line);
  object.Number("errors", report.errors);
  object.Number("warnings", report.warnings);
  object.Number("findings_not_shown", report.findings_dropped);
  object.Text("log_id", report.log_id);
  object.Number("epoch", report.epoch);
  object.Number("segments", report.segments);
  object.Number("segments_closed", report.segments_closed);
  object.Number("segments_compressed", report.segments_compressed);
  object.Number("file_bytes", report.file_bytes);
  object.Number("record_bytes", report.record_bytes);
  object.Number("events", report.events);
  object.Number("batches", report.batches);
  object.Number("streams", report.streams);
  object.Number("first_sequence", report.first_sequence);
  object.Number("last_sequence", report.last_sequence);
  object.Bool("ended_cleanly", report.ends_with_mark);
  object.Text("last_broker", report.broker);
  object.End();
  program.out.WriteJson(line);
}

std::string EventsText(const VerifyReport& report) {
  if (report.events == 0) return "no events";
  return fmt::format("{} events ({} to {}) in {} batches and {} streams, {} to {}",
                     WithCommas(report.events), report.first_sequence, report.last_sequence,
                     WithCommas(report.batches), WithCommas(report.streams),
                     FormatTime(report.time_ns_min), FormatTime(report.time_ns_max));
}

void PrintText(Program& program, const VerifyReport& report) {
  for (const VerifyFinding& finding : report.findings) {
    const bool error = finding.severity == VerifyFinding::Severity::kError;
    program.out.Write(
        fmt::format("{} {}:{}: {}\n",
                    program.out.Paint(error ? Colour::kRed : Colour::kYellow,
                                      fmt::format("{:<7}", SeverityName(finding.severity))),
                    Printable(finding.file), finding.offset, Printable(finding.text)));
  }
  if (report.findings_dropped != 0) {
    program.out.Write(
        fmt::format("... and {} findings more\n", WithCommas(report.findings_dropped)));
  }
  program.out.Write(fmt::format(
      "log {}, epoch {}, {} segments, {} of records; last broker: {}, {}\n", report.log_id,
      report.epoch, WithCommas(report.segments), ShowBytes(report.record_bytes),
      report.broker.empty() ? "unknown" : Printable(report.broker),
      report.ends_with_mark ? "ended cleanly" : "did not end cleanly"));
  program.out.Write(fmt::format("{}; {} errors, {} warnings\n", EventsText(report), report.errors,
                                report.warnings));
}

ExitStatus Run(Program& program, const Options& options) {
  const auto report = VerifyJournal(options.data_directory);
  if (!report.ok()) return Fail(report.status());
  (options.json ? PrintJson : PrintText)(program, *report);
  return report->errors == 0 ? ExitStatus::kFine : ExitStatus::kFailed;
}

}  // namespace

void AddVerifyCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "verify", "Check every checksum and rule of a data directory", kExamples,
             options, Run)
      .Text("--data", &options->data_directory, "DIR", "The data directory")
      .Require("--data")
      .Flag("--json", &options->json, "One JSON object a line: the findings, then the summary");
}

}  // namespace roost
