// ZeroMQ over ipc: it has no log, so a sequencer of one thread gives the order: it takes a batch from a ROUTER socket,
// puts it into a bare log in shared memory, publishes it on a PUB socket, and answers.
//
// packages: libzmq3-dev cppzmq-dev
// links: zmq
#include <fmt/format.h>
#include <unistd.h>

#include <zmq.hpp>

#include "benchmarks/compare/harness/bare_log.h"
#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

struct Places {
  std::string requests, published;
};

// An empty request asks for an empty publication: so a subscriber learns that it is one.
[[noreturn]] void Sequence(const Places& places, BareLog* log) {
  zmq::context_t context(1);
  context.set(zmq::ctxopt::max_sockets, 4096);
  zmq::socket_t requests(context, zmq::socket_type::router),
      published(context, zmq::socket_type::pub);
  requests.set(zmq::sockopt::rcvhwm, 0);
  requests.set(zmq::sockopt::sndhwm, 0);
  published.set(zmq::sockopt::sndhwm, 0);
  published.bind(places.published);
  requests.bind(places.requests);
  for (;;) {
    zmq::message_t client, batch;
    ROOST_CHECK(requests.recv(client).has_value() && requests.recv(batch).has_value());
    const std::span<const Event> events(batch.data<Event>(), batch.size() / sizeof(Event));
    const uint64_t sequence = log->Append(events);
    requests.send(client, zmq::send_flags::sndmore);
    requests.send(zmq::buffer(&sequence, sizeof(sequence)), zmq::send_flags::none);
    published.send(batch, zmq::send_flags::none);
  }
}

class ZeroMqClient final : public Client {
 public:
  ZeroMqClient(const Places& places, const BareLog* log)
      : places_(places), log_(log), context_(1), requests_(context_, zmq::socket_type::dealer) {
    requests_.set(zmq::sockopt::linger, 0);
    requests_.connect(places.requests);
  }

  void Publish(std::span<const Event> events) override {
    const uint64_t sequence = Ask(zmq::message_t(events.data(), events.size_bytes()));
    ROOST_CHECK(sequence >= last_ + events.size());
    last_ = sequence;
  }

  void Subscribe(Waiting waiting) override {
    spin_ = waiting == Waiting::kSpin;
    published_ = zmq::socket_t(context_, zmq::socket_type::sub);
    published_.set(zmq::sockopt::rcvhwm, 0);
    published_.set(zmq::sockopt::linger, 0);
    published_.set(zmq::sockopt::rcvtimeo, 100);
    published_.set(zmq::sockopt::subscribe, "");
    published_.connect(places_.published);
    zmq::message_t message;
    do {
      Ask(zmq::message_t());
    } while (!published_.recv(message).has_value());
  }

  void Receive(EventSink* sink) override {
    zmq::message_t batch;
    if (!published_.recv(batch, spin_ ? zmq::recv_flags::dontwait : zmq::recv_flags::none)
             .has_value())
      return;
    const auto* events = batch.data<Event>();
    for (size_t i = 0; i < batch.size() / sizeof(Event); ++i) sink->See(&events[i], sizeof(Event));
  }

  void Replay(EventSink* sink) override {
    uint64_t position = log_->oldest();
    log_->ReadOn(&position, sink);
  }
  uint64_t Count() override { return log_->head.load(std::memory_order_acquire); }

 private:
  uint64_t Ask(zmq::message_t request) {
    ROOST_CHECK(requests_.send(request, zmq::send_flags::none).has_value());
    zmq::message_t answer;
    ROOST_CHECK(requests_.recv(answer).has_value() && answer.size() == sizeof(uint64_t));
    return *answer.data<uint64_t>();
  }

  const Places places_;
  const BareLog* const log_;
  zmq::context_t context_;
  zmq::socket_t requests_;
  zmq::socket_t published_;
  uint64_t last_ = 0;
  bool spin_ = false;
};

class ZeroMq final : public Peer {
 public:
  explicit ZeroMq(const Run& run)
      : places_{"ipc://" + (run.scratch / "requests").string(),
                "ipc://" + (run.scratch / "published").string()},
        requests_(run.scratch / "requests") {}

  void Start() override {
    server_.Fork([&] { Sequence(places_, &*log_); },
                 [&] { return std::filesystem::exists(requests_); });
  }
  void Stop() override { server_.Stop(); }
  std::vector<pid_t> Servers() const override { return {server_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t) override {
    return std::make_unique<ZeroMqClient>(places_, &*log_);
  }
  std::string Version() const override {
    const auto [major, minor, patch] = zmq::version();
    return fmt::format("{}.{}.{}", major, minor, patch);
  }

 private:
  const Places places_;
  const std::filesystem::path requests_;
  const SharedMemory<BareLog> log_;
  ServerProcess server_;
};

}  // namespace

Description Describe() {
  return {"ZeroMQ",
          fmt::format("libzmq and cppzmq {}.{}.{}, ipc", CPPZMQ_VERSION_MAJOR, CPPZMQ_VERSION_MINOR,
                      CPPZMQ_VERSION_PATCH),
          {{.name = "sequencer",
            .guarantee = "memory",
            .works = {"latency-spin", "latency-sleep", "append", "fan_out", "memory"},
            .means = "in a sequencer's memory",
            .keeps_all = false}},
          {{"replay", "no log"}, {"streams", "no log"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<ZeroMq>(run); }

}  // namespace roost::compare
