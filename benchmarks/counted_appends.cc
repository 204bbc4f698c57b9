// So many appends to a broker that runs already, for whoever counts what each costs there (counting_cost.py): one client, one
// batch after the other, or so many in flight.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <string>

#include "roost/client.h"

int main(int argc, char** argv) {
  CLI::App app("A number of appends");
  std::string socket;
  uint64_t appends = 1000;
  size_t batch_events = 1;
  size_t in_flight = 1;
  size_t bytes = 256;
  app.add_option("--socket", socket)->required();
  app.add_option("--appends", appends);
  app.add_option("--batch", batch_events)->check(CLI::Range(1, 1000));
  app.add_option("--in-flight", in_flight)->check(CLI::Range(1, 64));
  app.add_option("--bytes", bytes)->check(CLI::Range(2, 65536));
  CLI11_PARSE(app, argc, argv);

  // A broker that is being looked at is slow.
  roost::Client client({.socket = socket, .agent = "bench", .timeout = std::chrono::minutes(5)});
  roost::Batch batch;
  const std::string data = '"' + std::string(bytes - 2, 'x') + '"';
  for (size_t i = 0; i < batch_events; ++i) {
    batch.events.push_back({.stream = "bench", .type = "counted", .data = data});
  }
  roost::Status failed;
  size_t unanswered = 0;
  for (uint64_t i = 0; i < appends && failed.ok(); ++i) {
    while (failed.ok() && unanswered >= in_flight) failed = client.WaitForAnswer();
    ++unanswered;
    const roost::Status submitted =
        client.Submit(batch, [&](const roost::Result<roost::AppendResult>& result) {
          --unanswered;
          if (!result.ok()) failed = result.status();
        });
    if (!submitted.ok()) failed = submitted;
  }
  if (failed.ok()) failed = client.Flush();
  if (failed.ok()) return 0;
  fmt::print(stderr, "{}\n", failed.message());
  return 1;
}
