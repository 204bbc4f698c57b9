// A limit: the least that a broker in shared memory does. Each client has a place for 64 events; one thread goes
// around them, copies what is there into a log that all can read, and says so. It looks on for 50 us before it
// sleeps; a client that is alone looks on for its answer, too, others sleep at once. It checks nothing.
//
// packages:
// links:
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "benchmarks/compare/harness/bare_log.h"
#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

constexpr uint64_t kLookOnNs = 50'000;

// Returns when it was woken, after 100 ms, or at once if the word is not `seen`.
void SleepOn(std::atomic<uint32_t>* word, uint32_t seen) {
  const timespec timeout{0, 100'000'000};
  ::syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, nullptr, 0);
}
void Wake(std::atomic<uint32_t>* word, int count) {
  ::syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
}

// A client fills `events`, stores `asked` (release), rings, and waits until the sequencer has stored 0 (release).
struct alignas(128) Place {
  std::atomic<uint32_t> asked{0};  // how many events there are
  std::atomic<uint32_t> sleeps{0};
  Event events[64];
};

struct Shared {
  alignas(128) std::atomic<uint32_t> rung{0};
  alignas(128) std::atomic<uint32_t> asleep{0};
  alignas(128) std::atomic<uint32_t> clients{0};  // places in use
  BareLog log;
  Place places[kPublishersMax];
};

bool GoAround(Shared* shared) {
  bool any = false;
  const uint32_t clients = shared->clients.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < clients; ++i) {
    Place& place = shared->places[i];
    const uint32_t count = place.asked.load(std::memory_order_acquire);
    if (count == 0) continue;
    shared->log.Append({place.events, count});
    // Sequentially consistent, as the client's stores and loads of the same two: one of both sees the other.
    place.asked.store(0, std::memory_order_seq_cst);
    if (place.sleeps.load(std::memory_order_seq_cst) != 0) Wake(&place.asked, 1);
    any = true;
  }
  if (any) {
    shared->log.wakes.fetch_add(1, std::memory_order_seq_cst);
    if (shared->log.sleepers.load(std::memory_order_seq_cst) > 0) Wake(&shared->log.wakes, INT_MAX);
  }
  return any;
}

[[noreturn]] void Sequence(Shared* shared) {
  for (;;) {
    uint64_t idle_since = MonotonicNs();
    while (MonotonicNs() - idle_since < kLookOnNs) {
      if (GoAround(shared)) idle_since = MonotonicNs();
    }
    const uint32_t rung = shared->rung.load(std::memory_order_seq_cst);
    shared->asleep.store(1, std::memory_order_seq_cst);
    if (!GoAround(shared)) SleepOn(&shared->rung, rung);
    shared->asleep.store(0, std::memory_order_seq_cst);
  }
}

class BareShmClient final : public Client {
 public:
  // `alone`: may look on without taking the processor from others of its kind.
  BareShmClient(Shared* shared, uint32_t index, bool alone, bool polls)
      : shared_(shared), place_(shared->places[index]), alone_(alone), polls_(polls) {
    uint32_t clients = shared->clients.load(std::memory_order_relaxed);
    while (clients < index + 1 &&
           !shared->clients.compare_exchange_weak(clients, index + 1, std::memory_order_acq_rel)) {
    }
  }

  void Publish(std::span<const Event> events) override {
    ROOST_CHECK(events.size() <= std::size(place_.events));
    std::copy(events.begin(), events.end(), place_.events);
    place_.asked.store(static_cast<uint32_t>(events.size()), std::memory_order_seq_cst);
    if (shared_->asleep.load(std::memory_order_seq_cst) != 0) {
      shared_->rung.fetch_add(1, std::memory_order_seq_cst);
      Wake(&shared_->rung, 1);
    }
    if (alone_) {
      const uint64_t start = MonotonicNs();
      while (place_.asked.load(std::memory_order_acquire) != 0 &&
             MonotonicNs() - start < kLookOnNs) {
      }
    }
    place_.sleeps.store(1, std::memory_order_seq_cst);
    for (uint32_t asked; (asked = place_.asked.load(std::memory_order_seq_cst)) != 0;)
      SleepOn(&place_.asked, asked);
    place_.sleeps.store(0, std::memory_order_relaxed);
  }

  void Subscribe(Waiting waiting) override {
    spin_ = waiting == Waiting::kSpin;
    position_ = shared_->log.head.load(std::memory_order_acquire);
  }

  void Receive(EventSink* sink) override {
    if (!spin_ && position_ == shared_->log.head.load(std::memory_order_acquire)) Wait();
    shared_->log.ReadOn(&position_, sink);
  }

  void Replay(EventSink* sink) override {
    uint64_t position = shared_->log.oldest();
    shared_->log.ReadOn(&position, sink);
  }
  uint64_t Count() override { return shared_->log.head.load(std::memory_order_acquire); }

 private:
  void Wait() {
    if (polls_) {
      ::usleep(1000);
      return;
    }
    BareLog& log = shared_->log;
    const uint32_t wakes = log.wakes.load(std::memory_order_seq_cst);
    log.sleepers.fetch_add(1, std::memory_order_seq_cst);
    if (position_ == log.head.load(std::memory_order_seq_cst)) SleepOn(&log.wakes, wakes);
    log.sleepers.fetch_sub(1, std::memory_order_seq_cst);
  }

  Shared* const shared_;
  Place& place_;
  const bool alone_;
  const bool polls_;
  uint64_t position_ = 0;
  bool spin_ = false;
};

class BareShm final : public Peer {
 public:
  explicit BareShm(const Run& run) : run_(run) {}

  void Start() override {
    server_.Fork([&] { Sequence(&*shared_); }, [] { return true; });
  }
  void Stop() override { server_.Stop(); }
  std::vector<pid_t> Servers() const override { return {server_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t index) override {
    return std::make_unique<BareShmClient>(&*shared_, index,
                                           run_.publishers == 1 && run_.work == "append",
                                           run_.mode == "memory polling");
  }
  std::string Version() const override { return "-"; }

 private:
  const Run run_;
  const SharedMemory<Shared> shared_;
  ServerProcess server_;
};

}  // namespace

Description Describe() {
  return {"limit: bare shared-memory sequencer",
          "a futex",
          {{.name = "memory",
            .guarantee = "memory",
            .works = {"latency-spin", "latency-sleep", "append", "memory"},
            .means = "in shared memory",
            .keeps_all = false},
           {.name = "memory polling",
            .guarantee = "memory",
            .works = {"fan_out"},
            .means = "in shared memory, readers look once a millisecond"}},
          {{"replay", "no file"}, {"streams", "no file"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<BareShm>(run); }

}  // namespace roost::compare
