// roost tail: the newest events, then each new one as it comes.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tools/command.h"
#include "tools/event_printer.h"
#include "tools/event_source.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost tail                        # the whole log, as it grows\n"
    "  roost tail 'inbox/*' -n 0         # only what comes from now on\n"
    "  roost tail tasks/42 --json | jq .data\n";

// How often to look whether somebody still reads our output.
constexpr std::chrono::milliseconds kWaitSlice{500};
constexpr std::chrono::milliseconds kRetryPause{200};
constexpr uint64_t kEventsMax = 10'000;

struct Options {
  std::string stream;
  uint64_t count = 10;
  bool json = false;
};

// Prints the newest `count` events, oldest first. Returns the sequence to go on behind.
Result<uint64_t> PrintNewest(Client& client, const Filter& filter, uint64_t count,
                             EventPrinter& printer) {
  ReadQuery query;
  query.filter = filter;
  query.order = Order::kNewestFirst;
  std::vector<Page> pages;
  uint64_t head = 0, found = 0;
  do {
    query.limit =
        static_cast<uint32_t>(std::min<uint64_t>(std::max<uint64_t>(count - found, 1), 1000));
    Page page;
    ROOST_RETURN_IF_ERROR(client.Read(query, &page));
    if (pages.empty()) head = page.head();
    found += page.size();
    query.before = page.next();
    pages.push_back(std::move(page));
  } while (pages.back().more() && found < count);

  std::vector<EventView> events;
  for (const Page& page : pages) {
    for (size_t i = 0; i < page.size() && events.size() < count; ++i) {
      // What came between two pages is for the following to print.
      if (page[i].sequence <= head) events.push_back(page[i]);
    }
  }
  std::reverse(events.begin(), events.end());
  printer.Print(events);
  return head;
}

ExitStatus Follow(Program& program, Client& client, ReadQuery query, EventPrinter& printer) {
  bool told = false;
  while (program.out.open() && !program.out.ReaderHasGone()) {
    const auto page = client.Wait(query, kWaitSlice);
    if (page.ok()) {
      told = false;
      if (page->gap()) PrintGap(*page->gap());
      printer.Print(*page);
      program.out.Flush();
      query.after = page->next();
    } else if (page.status().code() == StatusCode::kUnavailable) {
      if (!told) PrintError(page.status().message() + " (waiting for it)");
      told = true;
      std::this_thread::sleep_for(kRetryPause);
    } else if (page.status().code() != StatusCode::kTimedOut) {
      return Fail(page.status());
    }
  }
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.count > kEventsMax) return FailUsage("-n: at most 10000; use 'roost read' for more");
  ReadQuery query;
  SetStream(options.stream, &query.filter);
  Client client = program.MakeClient();
  EventPrinter printer(&program.out, options.json ? EventFormat::kJson : EventFormat::kText);
  const auto head = PrintNewest(client, query.filter, options.count, printer);
  if (!head.ok()) return Fail(head.status());
  program.out.Flush();
  query.after = *head;
  query.limit = 1000;
  return Follow(program, client, query, printer);
}

}  // namespace

void AddTailCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "tail", "Print the newest events, then each new one as it comes", kExamples,
             options, Run)
      .Text("STREAM", &options->stream, "TEXT",
            "Only this stream; with * at the end all that begin so; else all")
      .Number("-n", &options->count, "N", "How many to begin with")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
