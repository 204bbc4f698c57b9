// What clients cost in memory: theirs, the server's and, as far as it can be told, the kernel's. A client has
// connected and published one event; busy ones publish one and read the newest ten twice a second.
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "benchmarks/compare/harness/processes.h"
#include "benchmarks/compare/harness/works.h"

namespace roost::compare {
namespace {

struct Shared {
  Meeting meeting;
  std::atomic<uint64_t> acknowledged{0};
};

double KibIn(const std::string& file, const std::vector<std::string>& keys) {
  std::ifstream in(file);
  std::string line;
  double total = 0;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string key;
    double kib = 0;
    words >> key >> kib;
    for (const std::string& wanted : keys) {
      if (key == wanted + ":") total += kib;
    }
  }
  return total;
}

struct Use {
  double pss = 0, uss = 0, page_tables = 0;
};

Use UseOf(const std::vector<pid_t>& pids) {
  Use use;
  for (const pid_t pid : pids) {
    const std::string process = "/proc/" + std::to_string(pid);
    use.pss += KibIn(process + "/smaps_rollup", {"Pss"});
    use.uss += KibIn(process + "/smaps_rollup", {"Private_Clean", "Private_Dirty"});
    use.page_tables += KibIn(process + "/status", {"VmPTE"});
  }
  return use;
}

// Of the whole machine, hence rough; page tables are counted by process.
double KernelKib() { return KibIn("/proc/meminfo", {"Slab", "KernelStack"}); }

void Measure(const std::string& name, const Children& children, const Peer& peer,
             double kernel_before, Metrics* metrics) {
  const auto count = static_cast<double>(children.pids().size());
  const double kernel = KernelKib() - kernel_before;
  const Use clients = UseOf(children.pids());
  const Use server = UseOf(peer.Servers());
  (*metrics)[name + "_client_pss_kib"] = clients.pss / count;
  (*metrics)[name + "_client_uss_kib"] = clients.uss / count;
  (*metrics)[name + "_client_page_tables_kib"] = clients.page_tables / count;
  (*metrics)[name + "_server_pss_mib"] = server.pss / 1024;
  (*metrics)[name + "_kernel_kib_a_client"] = kernel / count;
  (*metrics)[name + "_all_mib"] =
      (clients.pss + server.pss + clients.page_tables + server.page_tables + kernel) / 1024;
}

void BeClient(Peer* peer, uint32_t index, Shared* shared) {
  auto client = peer->Connect(index);
  Event event;
  event.publisher = index;
  const auto publish = [&] {
    event.Seal();
    client->Publish({&event, 1});
    ++event.number;
    shared->acknowledged.fetch_add(1, std::memory_order_relaxed);
  };
  publish();
  shared->meeting.Arrive();  // from now on it is busy
  ::usleep(index * 997 % 500 * 1000);
  while (!shared->meeting.stopped()) {
    publish();
    EventCollector newest;
    if (client->ReadNewest(0, 10, &newest))
      ROOST_CHECK(newest.events.size() <= 10 && !newest.events.empty());
    for (int i = 0; i < 20 && !shared->meeting.stopped(); ++i) ::usleep(25'000);
  }
}

}  // namespace

Metrics MeasureMemory(const Run& run, const Mode& mode, Peer* peer) {
  Metrics metrics;
  SharedMemory<Shared> shared;
  peer->Start();
  std::atomic<bool>& stop = shared->meeting.stop;
  Children taker;
  if (mode.needs_reader) {
    taker.Fork([&] {
      auto client = peer->Connect(run.clients);
      client->Subscribe(Waiting::kSleep);
      OrderCheck check;
      while (!stop.load(std::memory_order_acquire)) client->Receive(&check);
    });
  }
  const double kernel_before = KernelKib();
  Children children;
  for (uint32_t i = 0; i < run.clients; ++i) {
    children.Fork([&] { BeClient(peer, i, &*shared); });
  }
  shared->meeting.WaitForAll(run.clients, &children);
  ::usleep(300'000);
  Measure("idle", children, *peer, kernel_before, &metrics);
  shared->meeting.Go();
  ::usleep(1'500'000);
  Measure("busy", children, *peer, kernel_before, &metrics);
  children.CheckNoneFailed();
  stop.store(true, std::memory_order_release);
  children.Join();
  taker.Join();
  if (!mode.needs_reader) {
    RunInChild([&] {
      const uint64_t count = peer->Connect(0)->Count();
      const uint64_t acknowledged = shared->acknowledged.load(std::memory_order_relaxed);
      ROOST_CHECK(count == acknowledged, "{} acknowledged, {} there", acknowledged, count);
    });
  }
  peer->Stop();
  return metrics;
}

}  // namespace roost::compare
