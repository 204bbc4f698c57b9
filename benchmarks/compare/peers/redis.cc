// Redis Streams: a redis-server on a Unix socket, hiredis in every client. A batch is a pipeline of XADD. Its
// append-only file is not rewritten meanwhile, no snapshots are taken: both would cost it.
//
// packages: redis-server libhiredis-dev
// links: hiredis
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;

class RedisClient final : public Client {
 public:
  // With `places` an event's id says where it is in its stream.
  RedisClient(const std::string& socket, bool places)
      : places_(places), socket_(socket), context_(redisConnectUnix(socket.c_str())) {
    ROOST_CHECK(context_ != nullptr && context_->err == 0, "{}", context_->errstr);
  }

  void Publish(std::span<const Event> events) override {
    for (const Event& event : events) {
      if (key_.empty() || named_ != event.stream) key_ = Key(named_ = event.stream);
      const std::string id = places_ ? fmt::format("{}-0", event.number + 1) : "*";
      std::array<const char*, 5> words = {"XADD", key_.c_str(), id.c_str(), "e",
                                          reinterpret_cast<const char*>(&event)};
      const std::array<size_t, 5> sizes = {4, key_.size(), id.size(), 1, sizeof(Event)};
      ROOST_CHECK(redisAppendCommandArgv(context_.get(), 5, words.data(), sizes.data()) ==
                  REDIS_OK);
    }
    for (size_t i = 0; i < events.size(); ++i) {
      const Reply reply = NextReply();
      ROOST_CHECK(reply->type == REDIS_REPLY_STRING, "{}", std::string(reply->str, reply->len));
    }
  }

  void Subscribe(Waiting waiting) override { spin_ = waiting == Waiting::kSpin; }

  void Receive(EventSink* sink) override {
    ROOST_CHECK(redisAppendCommand(context_.get(), "XREAD COUNT 1000 BLOCK 100 STREAMS %s %s",
                                   Key(0).c_str(), last_.c_str()) == REDIS_OK);
    const Reply reply = spin_ ? SpinForReply() : NextReply();
    if (reply->type == REDIS_REPLY_NIL) return;
    ROOST_CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 1);
    HandOn(*reply->element[0]->element[1], sink);
  }

  void Replay(EventSink* sink) override {
    std::string from = "-";
    for (;;) {
      const Reply page = Ask("XRANGE %s %s + COUNT 1000", Key(0).c_str(), from.c_str());
      if (page->elements == 0) return;
      HandOn(*page, sink);
      from = "(" + last_;
    }
  }

  uint64_t Count() override {
    return static_cast<uint64_t>(Ask("XLEN %s", Key(0).c_str())->integer);
  }

  void ReadFrom(uint32_t stream, uint64_t position, uint32_t count, EventSink* sink) override {
    HandOn(*Ask("XRANGE %s %s + COUNT %u", Key(stream).c_str(),
                fmt::format("{}-0", position + 1).c_str(), count),
           sink);
  }

  bool ReadNewest(uint32_t stream, uint32_t count, EventSink* sink) override {
    HandOn(*Ask("XREVRANGE %s + - COUNT %u", Key(stream).c_str(), count), sink);
    return true;
  }

 private:
  static std::string Key(uint32_t stream) { return fmt::format("compare:{}", stream); }

  Reply NextReply() {
    void* reply = nullptr;
    ROOST_CHECK(redisGetReply(context_.get(), &reply) == REDIS_OK, "{}", context_->errstr);
    return Reply(static_cast<redisReply*>(reply));
  }

  // Looks at the socket again and again, without sleeping on it.
  Reply SpinForReply() {
    int done = 0;
    while (done == 0) ROOST_CHECK(redisBufferWrite(context_.get(), &done) == REDIS_OK);
    for (;;) {
      std::array<char, 16384> piece;
      const ssize_t size = ::recv(context_->fd, piece.data(), piece.size(), MSG_DONTWAIT);
      if (size <= 0) {
        ROOST_CHECK(size < 0 && (errno == EAGAIN || errno == EINTR));
        continue;
      }
      ROOST_CHECK(redisReaderFeed(context_->reader, piece.data(), static_cast<size_t>(size)) ==
                  REDIS_OK);
      void* reply = nullptr;
      ROOST_CHECK(redisGetReplyFromReader(context_.get(), &reply) == REDIS_OK);
      if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
    }
  }

  template <typename... Values>
  Reply Ask(const char* format, Values... values) {
    Reply reply(static_cast<redisReply*>(redisCommand(context_.get(), format, values...)));
    ROOST_CHECK(reply != nullptr && reply->type != REDIS_REPLY_ERROR);
    return reply;
  }

  void HandOn(const redisReply& entries, EventSink* sink) {
    for (size_t i = 0; i < entries.elements; ++i) {
      const redisReply& entry = *entries.element[i];
      const redisReply& value = *entry.element[1]->element[1];
      last_.assign(entry.element[0]->str, entry.element[0]->len);
      sink->See(value.str, value.len);
    }
  }

  const bool places_;
  const std::string socket_;
  Context context_;
  std::string key_;  // of the stream that was named last
  uint32_t named_ = 0;
  std::string last_ = "0-0";
  bool spin_ = false;
};

class Redis final : public Peer {
 public:
  explicit Redis(const Run& run) : run_(run), socket_(run.scratch / "redis.sock") {}

  void Start() override {
    std::vector<std::string> command = {"redis-server",
                                        "--port",
                                        "0",
                                        "--unixsocket",
                                        socket_,
                                        "--save",
                                        "",
                                        "--dir",
                                        run_.scratch,
                                        "--maxclients",
                                        "4096",
                                        "--appendonly",
                                        run_.mode == "no AOF" ? "no" : "yes",
                                        "--auto-aof-rewrite-percentage",
                                        "0"};
    if (run_.mode != "no AOF") {
      command.insert(command.end(), {"--appendfsync", run_.mode.substr(run_.mode.find(' ') + 1)});
    }
    server_.Start(command, run_.scratch / "log", [&] { return Answers(); });
  }
  void Stop() override { server_.Stop(); }
  std::vector<pid_t> Servers() const override { return {server_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t) override {
    return std::make_unique<RedisClient>(socket_, run_.work == "replay" || run_.work == "streams");
  }
  std::string Version() const override {
    return OutputOf("redis-server --version | sed 's/.*v=\\([^ ]*\\).*/\\1/'");
  }

 private:
  // Not before it has loaded what it had.
  bool Answers() const {
    const Context context(redisConnectUnix(socket_.c_str()));
    if (context == nullptr || context->err != 0) return false;
    const Reply reply(static_cast<redisReply*>(redisCommand(context.get(), "PING")));
    return reply != nullptr && reply->type == REDIS_REPLY_STATUS;
  }

  const Run run_;
  const std::string socket_;
  ServerProcess server_;
};

}  // namespace

Description Describe() {
  return {"Redis Streams",
          fmt::format("hiredis {}.{}.{}, Unix socket", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH),
          {{.name = "no AOF",
            .guarantee = "memory",
            .works = {"append", "fan_out"},
            .means = "in the server's memory"},
           {.name = "appendfsync no",
            .guarantee = "process",
            .works = {"append"},
            .means = "written to the file, not synced"},
           {.name = "appendfsync everysec",
            .guarantee = "process",
            .works = {"latency-spin", "latency-sleep", "append", "replay", "streams", "memory"},
            .means = "written to the file, synced by a thread once a second"},
           {.name = "appendfsync always",
            .guarantee = "power",
            .works = {"append"},
            .means = "fdatasync before the answer, one for all that came meanwhile"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<Redis>(run); }

}  // namespace roost::compare
