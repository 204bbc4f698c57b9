// roost-export: what `roost export` runs. A program of its own, since its libraries would make every start of roost longer.
#include <fmt/core.h>
#include <poll.h>
#include <prometheus/text_serializer.h>

#include <csignal>
#include <vector>

#include "ipc/socket_path.h"
#include "tools/command.h"
#include "tools/export/broker_metrics.h"
#include "tools/export/export_options.h"
#include "tools/export/metrics_server.h"
#include "tools/stop_signals.h"

namespace roost {
namespace {

ExitStatus Serve(Program& program, MetricsServerOptions server_options,
                 MetricsServer::Collect collect) {
  auto stop = StopSignals::Catch();
  if (!stop.ok()) return Fail(stop.status());
  ListenAddress place = server_options.listen;
  auto server = MetricsServer::Start(std::move(server_options), std::move(collect));
  if (!server.ok()) return Fail(server.status());
  place.port = (*server)->port();
  program.out.Write(fmt::format("metrics at http://{}/metrics\n", place.text()));
  program.out.Flush();
  pollfd poll = {stop->fd(), POLLIN, 0};
  while (!stop->Came()) ::poll(&poll, 1, -1);
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const ExportOptions& options) {
  MetricsServerOptions server;
  auto listen = ParseListenAddress(options.listen);
  if (!listen.ok()) return FailUsage(listen.status().message());
  server.listen = *std::move(listen);
  server.host_names = options.hosts;
  if (!options.token_file.empty()) {
    auto token = ReadToken(options.token_file);
    if (!token.ok()) return Fail(token.status());
    server.token = *std::move(token);
  } else if (!server.listen.loopback() && !options.once) {
    return FailUsage("--listen " + options.listen +
                     " is open to other hosts: say --token-file FILE, with a token that "
                     "Prometheus shows (credentials_file)");
  }
  const auto socket = ChooseSocketPath(program.socket());
  if (!socket.ok()) return Fail(socket.status());
  SeriesLimits limits;
  limits.sessions = options.sessions;
  if (options.groups) limits.groups = *options.groups;
  const auto collect = [path = CountersPath(*socket), limits] {
    return CollectMetrics(path, limits);
  };
  if (options.once) {
    program.out.Write(prometheus::TextSerializer().Serialize(collect()));
    return ExitStatus::kFine;
  }
  return Serve(program, std::move(server), collect);
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an EPIPE, which Output knows
  roost::Program program;
  roost::AddExportCommand(program, roost::Run);
  // The subcommand is the program: its name need not be said.
  std::string name = "export";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + (argc > 0 ? 1 : 0), name.data());
  const int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  if (const auto status = program.Parse(count, arguments.data())) return static_cast<int>(*status);

  roost::ExitStatus status = program.Run();
  if (const roost::Status flushed = program.out.Close(); !flushed.ok()) {
    if (status == roost::ExitStatus::kFine) status = roost::Fail(flushed);
  }
  return static_cast<int>(status);
}
