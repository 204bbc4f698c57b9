// One publisher, batches, and readers that each read and check every event.
#include "benchmarks/compare/harness/processes.h"
#include "benchmarks/compare/harness/works.h"

namespace roost::compare {

Metrics MeasureFanOut(const Run& run, const Mode&, Peer* peer) {
  SharedMemory<Meeting> meeting;
  peer->Start();
  Children children;
  for (uint32_t i = 0; i < run.readers; ++i) {
    children.Fork([&] {
      auto client = peer->Connect(1 + i);
      client->Subscribe(run.waiting);
      OrderCheck check;
      meeting->Arrive();
      while (check.seen() < run.events) client->Receive(&check);
      ROOST_CHECK(check.seen() == run.events);
    });
  }
  children.Fork([&] {
    auto client = peer->Connect(0);
    std::vector<Event> events(run.batch);
    meeting->Arrive();
    for (uint64_t number = 0; number < run.events;) {
      for (Event& event : events) {
        event.number = number++;
        event.Seal();
      }
      client->Publish(events);
    }
  });
  meeting->WaitForAll(run.readers + 1, &children);
  const uint64_t start = MonotonicNs();
  meeting->Go();
  children.Join();
  const uint64_t end = MonotonicNs();
  peer->Stop();
  return {{"reads_per_s",
           static_cast<double>(run.events * run.readers) * 1e9 / static_cast<double>(end - start)}};
}

}  // namespace roost::compare
