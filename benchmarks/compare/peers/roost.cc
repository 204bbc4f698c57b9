// Roost itself: a roostd, and libroost in every client.
//
// packages:
// links: roost::client
#include "roost/client.h"

#include <fmt/format.h>
#include <unistd.h>

#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

template <typename T>
T Need(Result<T> result) {
  ROOST_CHECK(result.ok(), "{}", result.status().message());
  return std::move(*result);
}

constexpr uint32_t kNoStream = UINT32_MAX;

std::string StreamName(uint32_t stream) { return fmt::format("compare/{}", stream); }

class RoostClient final : public Client {
 public:
  // `mode`: its durability, then perhaps "lane" (appends through shared memory) or "polling" (looks once a millisecond
  // instead of being woken).
  RoostClient(const std::string& socket, uint32_t index, const std::string& mode)
      : polls_(mode.ends_with("polling")),
        client_({.socket = socket,
                 .agent = fmt::format("compare-{}", index),
                 .timeout = std::chrono::seconds(60),
                 .lane = mode.ends_with("lane")}) {
    Need(client_.Info());  // attaches
  }

  void Publish(std::span<const Event> events) override {
    // What stays the same from one batch to the next is not said anew.
    static const NewEvent kPlain{.type = "compare.event", .content_type = "application/octet-stream"};
    batch_.events.resize(events.size(), kPlain);
    streams_.resize(events.size(), kNoStream);
    for (size_t i = 0; i < events.size(); ++i) {
      NewEvent& event = batch_.events[i];
      if (streams_[i] != events[i].stream) event.stream = StreamName(events[i].stream);
      streams_[i] = events[i].stream;
      event.data.assign(reinterpret_cast<const char*>(&events[i]), sizeof(Event));
    }
    const AppendResult result = Need(client_.Append(batch_));
    ROOST_CHECK(result.appended && result.count == events.size());
  }

  void Subscribe(Waiting waiting) override {
    spin_ = waiting == Waiting::kSpin;
    after_ = Need(client_.Info()).head;
  }

  void Receive(EventSink* sink) override {
    const ReadQuery query{.filter = {.stream = StreamName(0)}, .after = after_, .limit = 1000};
    if (spin_ || polls_) {
      const Status status = client_.Read(query, &page_);
      ROOST_CHECK(status.ok(), "{}", status.message());
      if (polls_ && page_.empty()) ::usleep(1000);
    } else {
      page_ = Need(client_.Wait(query, std::chrono::milliseconds(100)));
    }
    after_ = page_.next();
    HandOn(sink);
  }

  void Replay(EventSink* sink) override {
    ReadQuery query{.filter = {.stream_prefix = "compare/"}, .limit = 1000};
    do {
      const Status status = client_.Read(query, &page_);
      ROOST_CHECK(status.ok(), "{}", status.message());
      query.after = page_.next();
      if (page_.gap())
        continue;  // where only the newest are kept; whoever wants all of them counts
      HandOn(sink);
    } while (page_.more() || page_.gap());
  }

  uint64_t Count() override {
    const std::vector<StreamInfo> streams = Need(client_.ListStreams(StreamName(0), 1));
    return streams.empty() ? 0 : streams[0].revision;
  }

  void ReadFrom(uint32_t stream, uint64_t position, uint32_t count, EventSink* sink) override {
    Read({.filter = {.stream = StreamName(stream)}, .from_revision = position + 1, .limit = count},
         sink);
  }

  bool ReadNewest(uint32_t stream, uint32_t count, EventSink* sink) override {
    Read({.filter = {.stream = StreamName(stream)}, .limit = count, .order = Order::kNewestFirst},
         sink);
    return true;
  }

 private:
  void Read(const ReadQuery& query, EventSink* sink) {
    const Status status = client_.Read(query, &page_);
    ROOST_CHECK(status.ok(), "{}", status.message());
    HandOn(sink);
  }
  void HandOn(EventSink* sink) {
    for (size_t i = 0; i < page_.size(); ++i) {
      const std::string_view data = page_[i].data;
      sink->See(data.data(), data.size());
    }
  }

  const bool polls_;
  roost::Client client_;
  Batch batch_;
  std::vector<uint32_t> streams_;  // that the events of batch_ name
  Page page_;
  uint64_t after_ = 0;
  bool spin_ = false;
};

class Roost final : public Peer {
 public:
  explicit Roost(const Run& run) : run_(run), socket_(run.scratch / "roost.sock") {}

  void Start() override {
    int ready[2];
    ROOST_CHECK(::pipe(ready) == 0);
    server_.Start(
        {run_.bin / "roostd", "--socket", socket_, "--data", run_.scratch / "data", "--durability",
         run_.mode.substr(0, run_.mode.find(' ')), "--ready-fd", std::to_string(ready[1])},
        run_.scratch / "log", [&] {
          // Blocks; the broker alone has the other end then.
          if (ready[1] >= 0) ::close(ready[1]);
          ready[1] = -1;
          char byte;
          return ::read(ready[0], &byte, 1) == 1;
        });
    ::close(ready[0]);
  }
  void Stop() override { server_.Stop(); }
  std::vector<pid_t> Servers() const override { return {server_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t index) override {
    return std::make_unique<RoostClient>(socket_, index, run_.mode);
  }
  std::string Version() const override {
    return OutputOf("git -C '" COMPARE_SOURCE "' describe --always --dirty --match=none");
  }

 private:
  const Run run_;
  const std::string socket_;
  ServerProcess server_;
};

}  // namespace

Description Describe() {
  return {"Roost",
          "libroost",
          {{.name = "memory",
            .guarantee = "memory",
            .works = {"append", "fan_out"},
            .means = "in shared memory; gone with the broker",
            .keeps_all = false},
           {.name = "memory lane",
            .guarantee = "memory",
            .works = {"append"},
            .means = "the same, through a lane",
            .keeps_all = false},
           {.name = "memory polling",
            .guarantee = "memory",
            .works = {"fan_out"},
            .means = "the same, readers look once a millisecond"},
           {.name = "process",
            .guarantee = "process",
            .works = {"latency-spin", "latency-sleep", "append", "replay", "streams", "memory"},
            .means = "written to the journal's file, not synced"},
           {.name = "process lane",
            .guarantee = "process",
            .works = {"latency-spin", "latency-sleep", "append", "memory"},
            .means = "the same, through a lane"},
           {.name = "power",
            .guarantee = "power",
            .works = {"append"},
            .means = "fdatasync before the answer, one for all that came meanwhile"},
           {.name = "power lane",
            .guarantee = "power",
            .works = {"append"},
            .means = "the same, through a lane"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<Roost>(run); }

}  // namespace roost::compare
