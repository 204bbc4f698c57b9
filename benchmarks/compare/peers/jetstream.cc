// NATS JetStream: a nats-server on TCP of this machine (it has no Unix sockets), cnats in every client. A batch is as
// many asynchronous publishes, and then a wait for all their acknowledgements. Readers are ordered consumers.
//
// packages: nats-server libnats-dev
// links: nats
#include <arpa/inet.h>
#include <fmt/format.h>
#include <nats/nats.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "base/unique_fd.h"
#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

constexpr const char* kStream = "COMPARE";

void Need(natsStatus status, const char* what) {
  ROOST_CHECK(status == NATS_OK, "{}: {}", what, natsStatus_GetText(status));
}

std::string Subject(uint32_t stream) { return fmt::format("compare.{}", stream); }

class JetStreamClient final : public Client {
 public:
  JetStreamClient(const std::string& url, uint32_t streams) : streams_(streams) {
    natsOptions* options = nullptr;
    Need(natsOptions_Create(&options), "options");
    Need(natsOptions_SetURL(options, url.c_str()), "url");
    // Many connect at once.
    Need(natsOptions_SetTimeout(options, 60'000), "timeout");
    Need(natsConnection_Connect(&connection_, options), "connect");
    natsOptions_Destroy(options);
    jsOptions js_options;
    Need(jsOptions_Init(&js_options), "options");
    js_options.Wait = 20'000;
    js_options.PublishAsync.MaxPending = 4096;
    js_options.PublishAsync.ErrHandler = [](jsCtx*, jsPubAckErr* error, void*) {
      CheckFailed(__FILE__, __LINE__, "publish", error->ErrText);
    };
    Need(natsConnection_JetStream(&context_, connection_, &js_options), "JetStream");
  }
  ~JetStreamClient() override {
    if (subscription_ != nullptr) natsSubscription_Destroy(subscription_);
    jsCtx_Destroy(context_);
    natsConnection_Destroy(connection_);
  }

  void AddStream(bool in_memory) {
    const std::string subjects = "compare.>";
    const char* list[] = {subjects.c_str()};
    jsStreamConfig config;
    Need(jsStreamConfig_Init(&config), "stream");
    config.Name = kStream;
    config.Subjects = list;
    config.SubjectsLen = 1;
    config.Storage = in_memory ? js_MemoryStorage : js_FileStorage;
    config.AllowDirect = true;
    Need(js_AddStream(nullptr, context_, &config, nullptr, nullptr), "add stream");
  }

  void Publish(std::span<const Event> events) override {
    if (events.size() == 1) {
      jsPubAck* ack = nullptr;
      Need(js_Publish(&ack, context_, Subject(events[0].stream).c_str(), &events[0], sizeof(Event),
                      nullptr, nullptr),
           "publish");
      ROOST_CHECK(!ack->Duplicate);
      jsPubAck_Destroy(ack);
      return;
    }
    for (const Event& event : events) {
      if (subject_.empty() || named_ != event.stream) subject_ = Subject(named_ = event.stream);
      Need(js_PublishAsync(context_, subject_.c_str(), &event, sizeof(Event), nullptr), "publish");
    }
    jsPubOptions options;
    Need(jsPubOptions_Init(&options), "options");
    options.MaxWait = 20'000;
    Need(js_PublishAsyncComplete(context_, &options), "acknowledgements");
  }

  void Subscribe(Waiting waiting) override {
    ROOST_CHECK(waiting == Waiting::kSleep, "the library's own thread reads the socket");
    jsSubOptions options;
    Need(jsSubOptions_Init(&options), "options");
    options.Ordered = true;
    options.Stream = kStream;
    Need(js_SubscribeSync(&subscription_, context_, Subject(0).c_str(), nullptr, &options, nullptr),
         "subscribe");
    Need(natsSubscription_SetPendingLimits(subscription_, -1, -1), "limits");
  }

  void Receive(EventSink* sink) override {
    natsMsg* message = nullptr;
    const natsStatus status = natsSubscription_NextMsg(&message, subscription_, 100);
    if (status == NATS_TIMEOUT) return;
    Need(status, "next message");
    HandOn(message, sink);
  }

  void Replay(EventSink* sink) override {
    uint64_t left = Count();
    Subscribe(Waiting::kSleep);
    for (; left > 0; --left) {
      natsMsg* message = nullptr;
      Need(natsSubscription_NextMsg(&message, subscription_, 10'000), "next message");
      HandOn(message, sink);
    }
    natsSubscription_Destroy(subscription_);
    subscription_ = nullptr;
  }

  uint64_t Count() override {
    jsStreamInfo* info = nullptr;
    Need(js_GetStreamInfo(&info, context_, kStream, nullptr, nullptr), "stream");
    const uint64_t count = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return count;
  }

  // A consumer made for it: one "direct get" after the other takes several times as long.
  void ReadFrom(uint32_t stream, uint64_t position, uint32_t count, EventSink* sink) override {
    jsSubOptions options;
    Need(jsSubOptions_Init(&options), "options");
    options.Stream = kStream;
    options.Config.DeliverPolicy = js_DeliverByStartSequence;
    options.Config.OptStartSeq = position * streams_ + stream + 1;
    options.Config.AckPolicy = js_AckNone;
    options.Config.MemoryStorage = true;
    natsSubscription* consumer = nullptr;
    Need(js_PullSubscribe(&consumer, context_, Subject(stream).c_str(), nullptr, nullptr, &options,
                          nullptr),
         "consumer");
    natsMsgList messages{};
    Need(natsSubscription_Fetch(&messages, consumer, static_cast<int>(count), 20'000, nullptr),
         "fetch");
    for (int i = 0; i < messages.Count; ++i) {
      HandOn(messages.Msgs[i], sink);
      messages.Msgs[i] = nullptr;
    }
    natsMsgList_Destroy(&messages);
    natsSubscription_Destroy(consumer);  // the server forgets the consumer with it
  }

 private:
  static void HandOn(natsMsg* message, EventSink* sink) {
    sink->See(natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message)));
    natsMsg_Destroy(message);
  }

  const uint32_t streams_;
  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
  natsSubscription* subscription_ = nullptr;
  std::string subject_;  // of the stream that was named last
  uint32_t named_ = 0;
};

// A port that nobody has at the moment.
int FreePort() {
  const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ROOST_CHECK(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  ROOST_CHECK(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

class JetStream final : public Peer {
 public:
  explicit JetStream(const Run& run) : run_(run) {}

  void Start() override {
    if (port_ == 0) port_ = FreePort();
    const std::filesystem::path config = run_.scratch / "nats.conf";
    std::ofstream(config) << fmt::format(
        "host: 127.0.0.1\nport: {}\nmax_connections: 4096\n"
        "jetstream {{ store_dir: \"{}\", max_memory_store: 4GB, max_file_store: 16GB }}\n",
        port_, (run_.scratch / "data").string());
    server_.Start({"nats-server", "-c", config}, run_.scratch / "log", [&] { return Listens(); });
    if (has_stream_) return;
    RunInChild([&] { JetStreamClient(Url(), run_.streams).AddStream(run_.mode == "memory"); });
    has_stream_ = true;
  }
  void Stop() override { server_.Stop(); }
  std::vector<pid_t> Servers() const override { return {server_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t) override {
    return std::make_unique<JetStreamClient>(Url(), run_.streams);
  }
  std::string Version() const override { return OutputOf("nats-server --version | sed 's/.*v//'"); }

 private:
  std::string Url() const { return fmt::format("nats://127.0.0.1:{}", port_); }
  // It listens when its streams are there again.
  bool Listens() const {
    const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port_));
    return ::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  const Run run_;
  int port_ = 0;
  bool has_stream_ = false;
  ServerProcess server_;
};

}  // namespace

Description Describe() {
  return {"NATS JetStream",
          fmt::format("cnats {}, TCP", nats_GetVersion()),
          {{.name = "memory",
            .guarantee = "memory",
            .works = {"append", "fan_out"},
            .means = "in the server's memory",
            .fan_out_part = 16},
           {.name = "file",
            .guarantee = "process",
            .works = {"latency-sleep", "append", "replay", "streams", "memory"},
            .means = "handed to the file store, synced every two minutes"}},
          {{"latency-spin", "the client library's own thread sleeps on the socket"},
           {"append power", "this version syncs by the clock alone (sync_interval came later)"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<JetStream>(run); }

}  // namespace roost::compare
