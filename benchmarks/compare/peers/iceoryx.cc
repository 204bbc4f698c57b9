// iceoryx: its daemon iox-roudi, and a sequencer over its requests and responses, since its publishers have no order
// between them. The sequencer puts a batch into a bare log in shared memory, publishes it and answers; where latency is
// measured the publisher publishes itself, which is quicker. Publishers wait for slow subscribers.
//
// packages: iceoryx libiceoryx-posh-dev libiceoryx-hoofs-dev
// cmake: iceoryx_posh
// links: iceoryx_posh::iceoryx_posh
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_client.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_server.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <optional>

#include "benchmarks/compare/harness/bare_log.h"
#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

using iox::popo::ClientState;
using iox::popo::ServerState;
using iox::popo::SubscriberState;

// As many as the library, as Debian builds it, lets wait for one publisher.
constexpr uint32_t kClientsMax = 250;

struct Message {
  uint64_t count = 0;
  Event events[64];
};
uint32_t SizeOf(size_t count) {
  return static_cast<uint32_t>(offsetof(Message, events) + count * sizeof(Event));
}

void Fill(void* to, std::span<const Event> events) {
  auto* message = static_cast<Message*>(to);
  message->count = events.size();
  std::memcpy(message->events, events.data(), events.size_bytes());
}

void StartRuntime(const std::string& name) {
  iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                           iox::log::LogLevelOutput::kHideLogLevel);
  iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name));
}

iox::capro::ServiceDescription Service(const char* event) {
  return {"RoostCompare", "Log", {iox::cxx::TruncateToCapacity, event}};
}

iox::popo::PublisherOptions WaitsForSubscribers() {
  iox::popo::PublisherOptions options;
  options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
  return options;
}

void PublishOn(iox::popo::UntypedPublisher* publisher, std::span<const Event> events) {
  publisher->loan(SizeOf(events.size()), alignof(Message))
      .and_then([&](auto& payload) {
        Fill(payload, events);
        publisher->publish(payload);
      })
      .or_else([](auto&) { ROOST_CHECK(false, "iceoryx has no chunk"); });
}

[[noreturn]] void Sequence(BareLog* log, std::atomic<bool>* ready) {
  StartRuntime("roost-compare-sequencer");
  iox::popo::ServerOptions options;
  options.requestQueueCapacity = 512;
  iox::popo::UntypedServer server(Service("requests"), options);
  iox::popo::UntypedPublisher publisher(Service("events"), WaitsForSubscribers());
  iox::popo::WaitSet<> wait_set;
  wait_set.attachState(server, ServerState::HAS_REQUEST).or_else([](auto) {
    ROOST_CHECK(false, "wait set");
  });
  ready->store(true, std::memory_order_release);
  for (;;) {
    wait_set.wait();
    while (server.take().and_then([&](const void*& request) {
      const auto& message = *static_cast<const Message*>(request);
      const std::span<const Event> events(message.events, message.count);
      const uint64_t sequence = log->Append(events);
      PublishOn(&publisher, events);
      const auto* header = iox::popo::RequestHeader::fromPayload(request);
      server.loan(header, sizeof(uint64_t), alignof(uint64_t))
          .and_then([&](auto& response) {
            *static_cast<uint64_t*>(response) = sequence;
            server.send(response).or_else(
                [](auto&) { ROOST_CHECK(false, "iceoryx did not send"); });
          })
          .or_else([](auto&) { ROOST_CHECK(false, "iceoryx has no chunk"); });
      server.releaseRequest(request);
    })) {
    }
  }
}

class IceoryxClient final : public Client {
 public:
  IceoryxClient(const BareLog* log, uint32_t index, bool direct) : log_(log) {
    StartRuntime(fmt::format("roost-compare-{}-{}", index, ::getpid()));
    if (direct) {
      if (index == 0) publisher_.emplace(Service("direct"), WaitsForSubscribers());
      service_ = "direct";
    }
  }

  void Publish(std::span<const Event> events) override {
    if (publisher_) {
      PublishOn(&*publisher_, events);
      return;
    }
    ROOST_CHECK(events.size() <= std::size(Message{}.events));
    if (!requests_) Connect();
    requests_->loan(SizeOf(events.size()), alignof(Message))
        .and_then([&](auto& request) {
          Fill(request, events);
          requests_->send(request).or_else(
              [](auto&) { ROOST_CHECK(false, "iceoryx did not send"); });
        })
        .or_else([](auto&) { ROOST_CHECK(false, "iceoryx has no chunk"); });
    for (bool answered = false; !answered;) {
      answers_->timedWait(iox::units::Duration::fromSeconds(10));
      requests_->take().and_then([&](const void*& response) {
        ROOST_CHECK(*static_cast<const uint64_t*>(response) >= last_ + events.size());
        last_ = *static_cast<const uint64_t*>(response);
        requests_->releaseResponse(response);
        answered = true;
      });
    }
  }

  void Subscribe(Waiting waiting) override {
    spin_ = waiting == Waiting::kSpin;
    iox::popo::SubscriberOptions options;
    options.queueCapacity = 256;
    options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
    subscriber_.emplace(Service(service_), options);
    arrivals_.emplace();
    arrivals_->attachState(*subscriber_, SubscriberState::HAS_DATA).or_else([](auto) {
      ROOST_CHECK(false, "wait set");
    });
    while (subscriber_->getSubscriptionState() != iox::SubscribeState::SUBSCRIBED) ::usleep(1000);
  }

  void Receive(EventSink* sink) override {
    if (!spin_) arrivals_->timedWait(iox::units::Duration::fromMilliseconds(100));
    while (subscriber_->take().and_then([&](const void*& payload) {
      const auto& message = *static_cast<const Message*>(payload);
      for (uint64_t i = 0; i < message.count; ++i) sink->See(&message.events[i], sizeof(Event));
      subscriber_->release(payload);
    })) {
    }
  }

  void Replay(EventSink* sink) override {
    uint64_t position = log_->oldest();
    log_->ReadOn(&position, sink);
  }
  uint64_t Count() override { return log_->head.load(std::memory_order_acquire); }

 private:
  void Connect() {
    requests_.emplace(Service("requests"));
    answers_.emplace();
    answers_->attachState(*requests_, ClientState::HAS_RESPONSE).or_else([](auto) {
      ROOST_CHECK(false, "wait set");
    });
    while (requests_->getConnectionState() != iox::ConnectionState::CONNECTED) ::usleep(1000);
  }

  const BareLog* const log_;
  const char* service_ = "events";
  std::optional<iox::popo::UntypedPublisher> publisher_;
  std::optional<iox::popo::UntypedClient> requests_;
  std::optional<iox::popo::WaitSet<>> answers_;
  std::optional<iox::popo::UntypedSubscriber> subscriber_;
  std::optional<iox::popo::WaitSet<>> arrivals_;
  uint64_t last_ = 0;
  bool spin_ = false;
};

class Iceoryx final : public Peer {
 public:
  explicit Iceoryx(const Run& run) : run_(run) {}

  void Start() override {
    const std::filesystem::path config = run_.scratch / "roudi.toml", log = run_.scratch / "log";
    std::ofstream(config) << "[general]\nversion = 1\n[[segment]]\n"
                             "[[segment.mempool]]\nsize = 512\ncount = 20000\n"
                             "[[segment.mempool]]\nsize = 17408\ncount = 6000\n";
    daemon_.Start({"iox-roudi", "-c", config, "-m", "off", "-l", "warning"}, log, [&] {
      return OutputOf("cat '" + log.string() + "'").find("RouDi is ready") != std::string::npos;
    });
    sequencer_.Fork([&] { Sequence(&*log_, &*ready_); },
                    [&] { return ready_->load(std::memory_order_acquire); });
  }
  void Stop() override {
    sequencer_.Stop();
    daemon_.Stop();
  }
  std::vector<pid_t> Servers() const override { return {daemon_.pid(), sequencer_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t index) override {
    return std::make_unique<IceoryxClient>(&*log_, index, run_.work == "latency");
  }
  std::string Version() const override {
    return OutputOf("iox-roudi --version | sed -n 's/RouDi version: //p'");
  }

 private:
  const Run run_;
  const SharedMemory<BareLog> log_;
  const SharedMemory<std::atomic<bool>> ready_;
  ServerProcess daemon_;
  ServerProcess sequencer_;
};

}  // namespace

Description Describe() {
  return {"iceoryx",
          "its C++ library",
          {{.name = "sequencer",
            .guarantee = "memory",
            .works = {"latency-spin", "latency-sleep", "append", "fan_out", "memory"},
            .means = "in a sequencer's memory",
            .keeps_all = false,
            .clients_max = kClientsMax}},
          {{"replay", "no log"}, {"streams", "no log"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<Iceoryx>(run); }

}  // namespace roost::compare
