// From just before an event is published until a reader in another process has it and has checked it, one event at a
// time, with a pause of 0.2 to 0.4 ms between them: nobody is busy, whoever may sleep does.
#include <unistd.h>

#include <random>

#include "benchmarks/compare/harness/processes.h"
#include "benchmarks/compare/harness/works.h"

namespace roost::compare {
namespace {

struct Shared {
  Meeting meeting;
  std::atomic<uint64_t> published{0};
  std::atomic<bool> finished{false};
  Histogram latency;
};

void Publish(const Run& run, Peer* peer, Shared* shared) {
  auto client = peer->Connect(0);
  std::minstd_rand random(42);
  Event event;
  shared->meeting.Arrive();
  const uint64_t end = MonotonicNs() + static_cast<uint64_t>(run.seconds * 1e9);
  while (event.number < 2 * OrderCheck::kWarmUp || MonotonicNs() < end) {
    ::usleep(static_cast<useconds_t>(200 + random() % 200));
    event.sent_ns = MonotonicNs();
    event.Seal();
    client->Publish({&event, 1});
    ++event.number;
  }
  shared->published.store(event.number, std::memory_order_relaxed);
  shared->finished.store(true, std::memory_order_release);
}

void Read(const Run& run, Peer* peer, Shared* shared) {
  if (run.waiting == Waiting::kSpin) StayOnLastCpu();
  auto client = peer->Connect(1);
  client->Subscribe(run.waiting);
  OrderCheck check(OrderCheck::Begins::kAtZero, &shared->latency);
  shared->meeting.Arrive();
  while (!shared->finished.load(std::memory_order_acquire) ||
         check.seen() < shared->published.load(std::memory_order_relaxed)) {
    client->Receive(&check);
  }
}

}  // namespace

Metrics MeasureLatency(const Run& run, const Mode&, Peer* peer) {
  SharedMemory<Shared> shared;
  // Who spins has a processor, and all others do without it.
  if (run.waiting == Waiting::kSpin) StayOffLastCpu();
  peer->Start();
  Children children;
  children.Fork([&] { Read(run, peer, &*shared); });
  children.Fork([&] { Publish(run, peer, &*shared); });
  shared->meeting.WaitForAll(2, &children);
  shared->meeting.Go();
  children.Join();
  peer->Stop();
  Metrics metrics;
  AddQuantiles("latency", shared->latency, &metrics);
  metrics["events"] = static_cast<double>(shared->latency.Count());
  return metrics;
}

}  // namespace roost::compare
