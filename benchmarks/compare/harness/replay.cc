// A stored million: all of it again, with and without the kernel's copies of the files; ten events of one stream.
#include <random>

#include "benchmarks/compare/harness/page_cache.h"
#include "benchmarks/compare/harness/processes.h"
#include "benchmarks/compare/harness/works.h"

namespace roost::compare {
namespace {

constexpr uint32_t kTen = 10;

// Streams in turn, so that event i is the (i / streams)th of its stream.
void Fill(const Run& run, Peer* peer) {
  auto client = peer->Connect(0);
  std::vector<Event> events;
  for (uint64_t i = 0; i < run.events; ++i) {
    Event& event = events.emplace_back();
    event.stream = static_cast<uint32_t>(i % run.streams);
    event.number = i / run.streams;
    event.Seal();
    if (events.size() < run.batch && i + 1 < run.events) continue;
    client->Publish(events);
    events.clear();
  }
}

double ReplayAll(const Run& run, Peer* peer) {
  SharedMemory<std::atomic<uint64_t>> ns;
  RunInChild([&] {
    auto client = peer->Connect(1);
    OrderCheck check;
    const uint64_t start = MonotonicNs();
    client->Replay(&check);
    ns->store(MonotonicNs() - start, std::memory_order_release);
    ROOST_CHECK(check.seen() == run.events, "{} of {} events", check.seen(), run.events);
  });
  return static_cast<double>(run.events) * 1e9 /
         static_cast<double>(ns->load(std::memory_order_acquire));
}

// `step` +1: from the position on, -1: newest first.
void CheckTen(const std::vector<Event>& events, uint32_t stream, uint64_t first, int step) {
  ROOST_CHECK(events.size() == kTen, "{} events", events.size());
  for (size_t i = 0; i < kTen; ++i) {
    const uint64_t number = step > 0 ? first + i : first - i;
    ROOST_CHECK(events[i].stream == stream && events[i].number == number,
                "stream {} event {} for {} {}", events[i].stream, events[i].number, stream, number);
  }
}

void ReadTens(const Run& run, Peer* peer, Histogram* from, Histogram* newest) {
  auto client = peer->Connect(2);
  std::mt19937_64 random(7);
  const uint64_t each = run.events / run.streams;
  bool offered = true;
  const uint64_t end = MonotonicNs() + static_cast<uint64_t>(run.seconds * 1e9);
  for (uint64_t round = 0; round < 50 || MonotonicNs() < end; ++round) {
    const auto stream = static_cast<uint32_t>(random() % run.streams);
    const uint64_t position = random() % (each - kTen + 1);
    EventCollector forwards;
    uint64_t start = MonotonicNs();
    client->ReadFrom(stream, position, kTen, &forwards);
    from->Record(MonotonicNs() - start);
    CheckTen(forwards.events, stream, position, 1);
    if (!offered) continue;
    EventCollector backwards;
    start = MonotonicNs();
    offered = client->ReadNewest(stream, kTen, &backwards);
    if (!offered) continue;
    newest->Record(MonotonicNs() - start);
    CheckTen(backwards.events, stream, each - 1, -1);
  }
}

void MeasureTens(const Run& run, Peer* peer, Metrics* metrics) {
  SharedMemory<Histogram> histograms(2);
  RunInChild([&] { ReadTens(run, peer, &histograms[0], &histograms[1]); });
  AddQuantiles("ten_from", histograms[0], metrics);
  if (histograms[1].Count() > 0) AddQuantiles("ten_newest", histograms[1], metrics);
}

}  // namespace

Metrics MeasureReplay(const Run& run, const Mode&, Peer* peer) {
  Metrics metrics;
  peer->Start();
  RunInChild([&] { Fill(run, peer); });
  peer->Stop();
  DropCache(run.scratch);
  const uint64_t start = MonotonicNs();
  peer->Start();
  metrics["start_ms"] = static_cast<double>(MonotonicNs() - start) / 1e6;
  const CachedFiles files = DropCache(run.scratch);  // what starting has read
  metrics["disk_mib"] = static_cast<double>(files.bytes) / (1 << 20);
  metrics["still_cached_mib"] = static_cast<double>(files.cached) / (1 << 20);
  metrics["cold_events_per_s"] = ReplayAll(run, peer);
  metrics["warm_events_per_s"] = ReplayAll(run, peer);
  MeasureTens(run, peer, &metrics);
  peer->Stop();
  return metrics;
}

Metrics MeasureStreams(const Run& run, const Mode&, Peer* peer) {
  Metrics metrics;
  peer->Start();
  RunInChild([&] { Fill(run, peer); });
  MeasureTens(run, peer, &metrics);
  peer->Stop();
  return metrics;
}

}  // namespace roost::compare
