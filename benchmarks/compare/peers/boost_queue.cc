// Boost.Interprocess message_queue: messages in shared memory under a mutex, each taken by one reader. What is
// acknowledged is in the queue. There is no log to read again and no second reader, so neither replay nor fan-out.
//
// packages: libboost1.81-dev
// links:
#include <fmt/format.h>
#include <unistd.h>

#include <boost/date_time/posix_time/posix_time_types.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/version.hpp>

#include "benchmarks/compare/harness/peer.h"

namespace roost::compare {
namespace {

using Queue = boost::interprocess::message_queue;
constexpr size_t kPlaces = 4096;

class QueueClient final : public Client {
 public:
  explicit QueueClient(const std::string& name)
      : queue_(boost::interprocess::open_only, name.c_str()) {}

  void Publish(std::span<const Event> events) override {
    for (const Event& event : events) queue_.send(&event, sizeof(event), 0);
  }
  void Subscribe(Waiting waiting) override { spin_ = waiting == Waiting::kSpin; }
  void Receive(EventSink* sink) override {
    Event event;
    Queue::size_type size = 0;
    unsigned priority = 0;
    if (spin_) {
      if (!queue_.try_receive(&event, sizeof(event), size, priority)) return;
    } else {
      const auto end = boost::posix_time::microsec_clock::universal_time() +
                       boost::posix_time::milliseconds(100);
      if (!queue_.timed_receive(&event, sizeof(event), size, priority, end)) return;
    }
    sink->See(&event, size);
  }

 private:
  Queue queue_;
  bool spin_ = false;
};

class BoostQueue final : public Peer {
 public:
  BoostQueue() : name_(fmt::format("roost-compare-{}", ::getpid())) {}
  ~BoostQueue() override { Stop(); }

  void Start() override {
    Queue(boost::interprocess::create_only, name_.c_str(), kPlaces, sizeof(Event));
  }
  // Who made the name removes it; a forked client has a copy of this object.
  void Stop() override {
    if (owner_ == ::getpid()) Queue::remove(name_.c_str());
  }
  std::vector<pid_t> Servers() const override { return {}; }
  std::unique_ptr<Client> Connect(uint32_t) override {
    return std::make_unique<QueueClient>(name_);
  }
  std::string Version() const override {
    return fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                       BOOST_VERSION % 100);
  }

 private:
  const std::string name_;
  const pid_t owner_ = ::getpid();
};

}  // namespace

Description Describe() {
  return {
      "Boost message_queue",
      "the library itself, no server",
      {{.name = "queue",
        .guarantee = "memory",
        .works = {"latency-spin", "latency-sleep", "append", "memory"},
        .means = "in a queue of 4096 in shared memory",
        .needs_reader = true}},
      {{"fan_out", "each message has one reader"}, {"replay", "no log"}, {"streams", "no log"}}};
}

std::unique_ptr<Peer> MakePeer(const Run&) { return std::make_unique<BoostQueue>(); }

}  // namespace roost::compare
