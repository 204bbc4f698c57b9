// roost streams: which streams there are, and how far each is.
#include "base/clock.h"
#include "tools/command.h"
#include "tools/event_source.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost streams                     # all of them, in order of first appearance\n"
    "  roost streams tasks/ --json\n"
    "  roost streams --data /var/lib/roost    # no broker needed\n";

struct Options {
  std::string prefix;
  std::string data_directory;
  uint64_t limit = 1'000'000;
  bool json = false;
};

void PrintJson(Program& program, const std::vector<StreamInfo>& streams) {
  for (const StreamInfo& stream : streams) {
    std::string line;
    JsonObject object(&line);
    object.Text("stream", stream.name);
    object.Number("revision", stream.revision);
    object.Number("last_sequence", stream.last_sequence);
    object.Text("last_time", FormatTime(stream.last_time_ns));
    object.End();
    program.out.WriteJson(line);
  }
}

void PrintTable(Program& program, const std::vector<StreamInfo>& streams) {
  using enum Table::Align;
  Table table({{"stream"}, {"revision", kRight}, {"last event", kRight}, {"last time"}});
  for (const StreamInfo& stream : streams) {
    table.Add({stream.name, WithCommas(stream.revision), WithCommas(stream.last_sequence),
               FormatTime(stream.last_time_ns)});
  }
  table.Print(&program.out);
}

ExitStatus Run(Program& program, const Options& options) {
  auto source = OpenEventSource(program, options.data_directory);
  if (!source.ok()) return Fail(source.status());
  const auto streams = (*source)->ListStreams(options.prefix, options.limit);
  if (!streams.ok()) return Fail(streams.status());
  (options.json ? PrintJson : PrintTable)(program, *streams);
  const Status lost = LostStatus(PrintLost((*source)->lost()));
  return lost.ok() ? ExitStatus::kFine : Fail(lost);
}

}  // namespace

void AddStreamsCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "streams", "List the streams", kExamples, options, Run)
      .Text("PREFIX", &options->prefix, "TEXT", "Only those whose names begin like this")
      .Number("-n,--limit", &options->limit, "N", "At most so many")
      .Text("--data", &options->data_directory, "DIR", "Read this data directory, without a broker")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
