// roost compact: compresses the closed segments of a data directory that no broker has.
#include <fmt/core.h>

#include "base/utf8.h"
#include "log/data_directory.h"
#include "log/segment_compactor.h"
#include "log/segment_reader.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost compact --data /var/lib/roost\n"
    "  roost compact --data /var/lib/roost --keep 4       # the 4 newest closed ones stay plain\n"
    "  roost compact --data /var/lib/roost --level 9 --json\n"
    "\n"
    "Everything is read from compressed segments as before, a little slower. Segments that are "
    "compressed\n"
    "already, and the one that is written to, stay as they are. Each segment is replaced whole, so "
    "this may\n"
    "be interrupted, and started again, at any time. A segment with damage is left as it is: exit "
    "status 1.\n"
    "The broker must be stopped meanwhile.\n";

struct Options {
  std::string data_directory;
  uint64_t level = kCompactionLevelDefault;
  uint64_t keep = 0;
  bool json = false;
};

struct Totals {
  uint64_t compressed = 0;
  uint64_t not_smaller = 0;
  uint64_t failed = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
};

void Count(const CompactionOutcome& outcome, Totals* totals) {
  ++(outcome.compressed ? totals->compressed : totals->not_smaller);
  totals->bytes_before += outcome.bytes_before;
  totals->bytes_after += outcome.bytes_after;
}

void PrintSegment(Program& program, const Options& options, const std::string& name,
                  const CompactionOutcome& outcome) {
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Text("segment", name);
    object.Bool("compressed", outcome.compressed);
    object.Number("bytes_before", outcome.bytes_before);
    object.Number("bytes_after", outcome.bytes_after);
    object.End();
    program.out.WriteJson(line);
  } else if (outcome.compressed) {
    program.out.Write(fmt::format("{}  {:>10} -> {:>10}\n", name, ShowBytes(outcome.bytes_before),
                                  ShowBytes(outcome.bytes_after)));
  } else {
    program.out.Write(
        fmt::format("{}  {:>10}, would not be smaller\n", name, ShowBytes(outcome.bytes_before)));
  }
  program.out.Flush();
}

void PrintTotals(Program& program, const Options& options, const CompactionPlan& plan,
                 const Totals& totals) {
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Number("compressed", totals.compressed);
    object.Number("not_smaller", totals.not_smaller);
    object.Number("failed", totals.failed);
    object.Number("compressed_before", plan.compressed_already);
    object.Number("bytes_before", totals.bytes_before);
    object.Number("bytes_after", totals.bytes_after);
    object.End();
    program.out.WriteJson(line);
    return;
  }
  std::string text = fmt::format("{} segments compressed, {} -> {}", totals.compressed,
                                 ShowBytes(totals.bytes_before), ShowBytes(totals.bytes_after));
  if (plan.compressed_already != 0) {
    text += fmt::format("; {} were before", plan.compressed_already);
  }
  if (totals.failed != 0) {
    text += "; " + program.out.Paint(Colour::kRed, fmt::format("{} damaged ones left as they are",
                                                               totals.failed));
  }
  program.out.Write(text + "\n");
}

// Takes the directory's lock, so that no broker begins meanwhile.
Result<DataDirectory> LockDirectory(const std::string& path) {
  // Opening it would make one that is not there.
  const auto files = ListSegments(path);
  if (!files.ok()) return files.status();
  auto directory = DataDirectory::Open(path, "none: roost compact");
  if (directory.status().code() == StatusCode::kAlreadyExists) {
    return Status(StatusCode::kAlreadyExists,
                  fmt::format("{} is in use ({}): stop that broker first, then compact", path,
                              DescribeLockHolder(path)));
  }
  return directory;
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.level < kCompactionLevelMin || options.level > kCompactionLevelMax) {
    return FailUsage(fmt::format("--level: from {} (quick) to {} (small)", kCompactionLevelMin,
                                 kCompactionLevelMax));
  }
  const auto directory = LockDirectory(options.data_directory);
  if (!directory.ok()) return Fail(directory.status());
  const auto plan = PlanCompaction(options.data_directory, options.keep);
  if (!plan.ok()) return Fail(plan.status());
  Totals totals;
  for (const std::string& name : plan->names) {
    const auto outcome = CompactSegment(*directory, name, static_cast<int>(options.level));
    if (outcome.status().code() == StatusCode::kCorruption) {
      PrintError(outcome.status().message());
      ++totals.failed;
      continue;
    }
    if (!outcome.ok()) return Fail(outcome.status());
    Count(*outcome, &totals);
    PrintSegment(program, options, name, *outcome);
  }
  PrintTotals(program, options, *plan, totals);
  return totals.failed == 0 ? ExitStatus::kFine : ExitStatus::kFailed;
}

}  // namespace

void AddCompactCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "compact", "Compress the closed segments of a data directory", kExamples,
             options, Run)
      .Text("--data", &options->data_directory, "DIR", "The data directory")
      .Require("--data")
      .Number("--level", &options->level, "N", "How hard zstd tries, 1 to 19")
      .Number("--keep", &options->keep, "N", "Leave the N newest closed segments as they are")
      .Flag("--json", &options->json, "One JSON object a line: the segments, then the summary");
}

}  // namespace roost
