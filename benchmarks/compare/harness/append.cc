// N publishers, one order: each publishes and waits until it is acknowledged, again and again. Afterwards all that
// was acknowledged must be there, once, in each publisher's order.
#include <unistd.h>

#include "benchmarks/compare/harness/processes.h"
#include "benchmarks/compare/harness/works.h"

namespace roost::compare {
namespace {

// Each on its own cache lines.
struct alignas(128) Publisher {
  std::atomic<uint64_t> acknowledged{0};
};

struct Shared {
  Meeting meeting;
  std::atomic<bool> finished{false};  // no publisher will publish any more
  std::atomic<bool> adding{false};    // somebody adds to `latency`
  Histogram latency;
};

void AddAll(const std::vector<uint64_t>& samples, Shared* shared) {
  while (shared->adding.exchange(true, std::memory_order_acquire)) ::usleep(100);
  for (const uint64_t sample : samples) shared->latency.Record(sample);
  shared->adding.store(false, std::memory_order_release);
}

void Publish(const Run& run, Peer* peer, uint32_t index, Shared* shared, Publisher* mine) {
  auto client = peer->Connect(index);
  std::vector<Event> events(run.batch);
  uint64_t number = 0;
  const auto publish = [&] {
    for (Event& event : events) {
      event.publisher = index;
      event.number = number++;
      event.Seal();
    }
    const uint64_t start = MonotonicNs();
    client->Publish(events);
    const uint64_t end = MonotonicNs();
    mine->acknowledged.store(number, std::memory_order_relaxed);
    return end - start;
  };
  publish();  // connects, if that was not done yet
  std::vector<uint64_t> samples;
  samples.reserve(1 << 20);
  shared->meeting.Arrive();
  while (!shared->meeting.stopped()) samples.push_back(publish());
  AddAll(samples, shared);
}

uint64_t Acknowledged(const SharedMemory<Publisher>& publishers, uint32_t count) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i)
    total += publishers[i].acknowledged.load(std::memory_order_relaxed);
  return total;
}

void CheckAll(const OrderCheck& check, const SharedMemory<Publisher>& publishers, uint32_t count,
              bool from_zero) {
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t acknowledged = publishers[i].acknowledged.load(std::memory_order_relaxed);
    // Nothing of a publisher among those that are kept: its turn was long ago.
    if (!from_zero && check.next(i) == 0) continue;
    ROOST_CHECK(check.next(i) == acknowledged, "publisher {}: {} acknowledged, {} there", i,
                acknowledged, check.next(i));
  }
}

// A queue's: takes what comes until all of it came.
void Take(const Run& run, Peer* peer, Shared* shared, const SharedMemory<Publisher>& publishers) {
  auto client = peer->Connect(run.publishers);
  client->Subscribe(Waiting::kSleep);
  OrderCheck check;
  shared->meeting.Arrive();
  while (!shared->finished.load(std::memory_order_acquire) ||
         check.seen() < Acknowledged(publishers, run.publishers)) {
    client->Receive(&check);
  }
  CheckAll(check, publishers, run.publishers, true);
}

void ReadAgain(const Run& run, const Mode& mode, Peer* peer,
               const SharedMemory<Publisher>& publishers) {
  auto client = peer->Connect(run.publishers);
  const uint64_t acknowledged = Acknowledged(publishers, run.publishers);
  const uint64_t count = client->Count();
  ROOST_CHECK(count == acknowledged, "{} acknowledged, {} there", acknowledged, count);
  OrderCheck check(mode.keeps_all ? OrderCheck::Begins::kAtZero : OrderCheck::Begins::kTail);
  client->Replay(&check);
  ROOST_CHECK(check.seen() > 0 && (!mode.keeps_all || check.seen() == acknowledged),
              "{} of {} read again", check.seen(), acknowledged);
  CheckAll(check, publishers, run.publishers, mode.keeps_all);
}

}  // namespace

Metrics MeasureAppend(const Run& run, const Mode& mode, Peer* peer) {
  SharedMemory<Shared> shared;
  const SharedMemory<Publisher> publishers(run.publishers);
  peer->Start();
  Children taker, children;
  if (mode.needs_reader) {
    taker.Fork([&] { Take(run, peer, &*shared, publishers); });
    shared->meeting.WaitForAll(1, &taker);
  }
  for (uint32_t i = 0; i < run.publishers; ++i) {
    children.Fork([&] { Publish(run, peer, i, &*shared, &publishers[i]); });
  }
  shared->meeting.WaitForAll(run.publishers + (mode.needs_reader ? 1 : 0), &children);
  shared->meeting.Go();
  ::usleep(50'000);  // not counted: they find their rhythm
  const uint64_t before = Acknowledged(publishers, run.publishers);
  const uint64_t start = MonotonicNs();
  ::usleep(static_cast<useconds_t>(run.seconds * 1e6));
  const uint64_t counted = Acknowledged(publishers, run.publishers) - before;
  const uint64_t end = MonotonicNs();
  shared->meeting.stop.store(true, std::memory_order_release);
  children.Join();
  shared->finished.store(true, std::memory_order_release);
  taker.Join();
  if (!mode.needs_reader) RunInChild([&] { ReadAgain(run, mode, peer, publishers); });
  peer->Stop();

  Metrics metrics;
  AddQuantiles("ack", shared->latency, &metrics);
  metrics["events_per_s"] = static_cast<double>(counted) * 1e9 / static_cast<double>(end - start);
  return metrics;
}

}  // namespace roost::compare
