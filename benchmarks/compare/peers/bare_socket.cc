// A limit: the least that a broker over Unix sockets does. One thread receives (SOCK_SEQPACKET), keeps, answers, and
// sends to who subscribed. It keeps in memory, or in a file with one write for all that came in a turn, and with
// "power" one fdatasync for it. It checks nothing. Readers of the stored read the file itself.
//
// packages:
// links:
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/unix_socket.h"
#include "benchmarks/compare/harness/bare_log.h"
#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

constexpr size_t kBuffer = 1 << 20;  // of a client
constexpr size_t kMessageMax = 1000 * sizeof(Event);

struct Shared {
  std::atomic<uint64_t> count{0};
  BareLog log;
};

template <typename T>
T Need(Result<T> result) {
  ROOST_CHECK(result.ok(), "{}", result.status().message());
  return std::move(*result);
}

// False: the other side has gone.
bool SendAll(int socket, Bytes message) {
  for (;;) {
    const SocketOutcome outcome = SendSeqpacket(socket, message);
    if (outcome == SocketOutcome::kDone) return true;
    if (outcome != SocketOutcome::kWouldBlock) return false;
    pollfd room{socket, POLLOUT, 0};
    ::poll(&room, 1, -1);
  }
}

class Sequencer {
 public:
  Sequencer(UniqueFd listener, const std::string& mode, const std::string& file, Shared* shared)
      : listener_(std::move(listener)), shared_(shared), syncs_(mode == "power") {
    if (mode != "memory") {
      file_ = UniqueFd(::open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
      ROOST_CHECK(file_.valid());
    }
  }

  [[noreturn]] void Run() {
    for (;;) {
      polled_.clear();
      polled_.push_back({listener_.get(), POLLIN, 0});
      for (const Connection& one : connections_) polled_.push_back({one.socket.get(), POLLIN, 0});
      ::poll(polled_.data(), polled_.size(), -1);
      for (size_t i = 1; i < polled_.size(); ++i) {
        if (polled_[i].revents != 0) ReceiveFrom(&connections_[i - 1]);
      }
      Commit();
      std::erase_if(connections_, [](const Connection& one) { return one.gone; });
      if (polled_[0].revents != 0) Accept();
    }
  }

 private:
  struct Connection {
    UniqueFd socket;
    bool subscribed = false;
    bool asked = false;
    bool gone = false;
  };

  void Accept() {
    Result<UniqueFd> socket = AcceptSeqpacket(listener_.get());
    if (!socket.ok()) return;
    connections_.push_back({.socket = std::move(*socket)});
  }

  void ReceiveFrom(Connection* one) {
    turn_.resize(used_ + kMessageMax);
    const Received received =
        ReceiveSeqpacket(one->socket.get(), turn_.data() + used_, kMessageMax);
    if (received.outcome == SocketOutcome::kWouldBlock) return;
    if (received.outcome != SocketOutcome::kDone) {
      one->gone = true;
      return;
    }
    one->asked = true;
    if (received.size < sizeof(Event)) {
      one->subscribed = true;
    } else {
      used_ += received.size;
    }
  }

  // What came in this turn: kept, answered, sent on.
  void Commit() {
    const size_t count = used_ / sizeof(Event);
    if (used_ > 0) {
      if (file_.valid()) {
        ROOST_CHECK(::write(file_.get(), turn_.data(), used_) == static_cast<ssize_t>(used_));
        if (syncs_) ROOST_CHECK(::fdatasync(file_.get()) == 0);
      } else {
        shared_->log.Append({reinterpret_cast<const Event*>(turn_.data()), count});
      }
    }
    const uint64_t total = shared_->count.load(std::memory_order_relaxed) + count;
    shared_->count.store(total, std::memory_order_release);
    for (Connection& one : connections_) {
      if (one.asked && !SendAll(one.socket.get(), std::as_bytes(std::span(&total, 1))))
        one.gone = true;
      one.asked = false;
    }
    for (Connection& one : connections_) {
      if (one.subscribed && used_ > 0 && !SendInPieces(one.socket.get())) one.gone = true;
    }
    used_ = 0;
  }

  bool SendInPieces(int socket) const {
    constexpr size_t kPiece = 64 * sizeof(Event);
    for (size_t sent = 0; sent < used_; sent += kPiece) {
      if (!SendAll(socket, Bytes(turn_).subspan(sent, std::min(kPiece, used_ - sent))))
        return false;
    }
    return true;
  }

  const UniqueFd listener_;
  Shared* const shared_;
  const bool syncs_;
  UniqueFd file_;
  std::vector<Connection> connections_;
  std::vector<pollfd> polled_;
  std::vector<std::byte> turn_;
  size_t used_ = 0;
};

class BareSocketClient final : public Client {
 public:
  BareSocketClient(const std::string& socket, const std::string& file, const Shared* shared,
                   uint32_t streams)
      : shared_(shared),
        streams_(streams),
        socket_(Need(ConnectSeqpacket(socket))),
        file_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)),
        buffer_(std::make_unique_for_overwrite<std::byte[]>(kBuffer)) {}

  void Publish(std::span<const Event> events) override {
    ROOST_CHECK(SendAll(socket_.get(), std::as_bytes(events)));
    ROOST_CHECK(Next(Waiting::kSleep, -1) == sizeof(uint64_t));
  }

  void Subscribe(Waiting waiting) override {
    const std::byte one{1};
    ROOST_CHECK(SendAll(socket_.get(), Bytes(&one, 1)));
    ROOST_CHECK(Next(Waiting::kSleep, -1) == sizeof(uint64_t));
    waiting_ = waiting;
  }

  void Receive(EventSink* sink) override { HandOn(Next(waiting_, 100), sink); }

  void Replay(EventSink* sink) override {
    if (!file_.valid()) {
      uint64_t position = shared_->log.oldest();
      shared_->log.ReadOn(&position, sink);
      return;
    }
    off_t offset = 0;
    for (;;) {
      const ssize_t size = ::pread(file_.get(), buffer_.get(), kBuffer, offset);
      ROOST_CHECK(size >= 0);
      if (size == 0) return;
      HandOn(static_cast<size_t>(size), sink);
      offset += size;
    }
  }

  uint64_t Count() override { return shared_->count.load(std::memory_order_acquire); }

  void ReadFrom(uint32_t stream, uint64_t position, uint32_t count, EventSink* sink) override {
    if (streams_ == 1) return ReadPlace(position, count, sink);
    for (uint32_t i = 0; i < count; ++i) ReadPlace((position + i) * streams_ + stream, 1, sink);
  }

  bool ReadNewest(uint32_t stream, uint32_t count, EventSink* sink) override {
    if (!file_.valid()) return false;
    const uint64_t rows = (Count() + streams_ - 1 - stream) / streams_;
    for (uint64_t i = 1; i <= std::min<uint64_t>(count, rows); ++i)
      ReadPlace((rows - i) * streams_ + stream, 1, sink);
    return true;
  }

 private:
  void ReadPlace(uint64_t place, uint32_t count, EventSink* sink) {
    const ssize_t size = ::pread(file_.get(), buffer_.get(), count * sizeof(Event),
                                 static_cast<off_t>(place * sizeof(Event)));
    ROOST_CHECK(size == static_cast<ssize_t>(count * sizeof(Event)));
    HandOn(static_cast<size_t>(size), sink);
  }

  size_t Next(Waiting waiting, int timeout_ms) {
    for (;;) {
      const Received received = ReceiveSeqpacket(socket_.get(), buffer_.get(), kBuffer);
      if (received.outcome == SocketOutcome::kDone) return received.size;
      ROOST_CHECK(received.outcome == SocketOutcome::kWouldBlock);
      if (waiting == Waiting::kSpin) return 0;
      pollfd readable{socket_.get(), POLLIN, 0};
      if (::poll(&readable, 1, timeout_ms) == 0) return 0;
    }
  }

  void HandOn(size_t size, EventSink* sink) {
    for (size_t at = 0; at < size; at += sizeof(Event))
      sink->See(buffer_.get() + at, sizeof(Event));
  }

  const Shared* const shared_;
  const uint32_t streams_;
  const UniqueFd socket_;
  const UniqueFd file_;
  const std::unique_ptr<std::byte[]> buffer_;  // touched where it is used
  Waiting waiting_ = Waiting::kSleep;
};

class BareSocket final : public Peer {
 public:
  explicit BareSocket(const Run& run)
      : run_(run), socket_(run.scratch / "sock"), file_(run.scratch / "events") {}

  void Start() override {
    UniqueFd listener = Need(ListenSeqpacket(socket_, 0600, 1024));
    server_.Fork([&] { Sequencer(std::move(listener), run_.mode, file_, &*shared_).Run(); },
                 [&] { return run_.mode == "memory" || std::filesystem::exists(file_); });
  }
  void Stop() override {
    server_.Stop();
    std::filesystem::remove(socket_);
  }
  std::vector<pid_t> Servers() const override { return {server_.pid()}; }
  std::unique_ptr<Client> Connect(uint32_t) override {
    return std::make_unique<BareSocketClient>(socket_, file_, &*shared_, run_.streams);
  }
  std::string Version() const override { return "-"; }

 private:
  const Run run_;
  const std::string socket_;
  const std::string file_;
  const SharedMemory<Shared> shared_;
  ServerProcess server_;
};

}  // namespace

Description Describe() {
  return {"limit: bare socket sequencer",
          "Unix socket",
          {{.name = "memory",
            .guarantee = "memory",
            .works = {"append", "fan_out"},
            .means = "in memory",
            .keeps_all = false},
           {.name = "process",
            .guarantee = "process",
            .works = {"latency-spin", "latency-sleep", "append", "replay", "streams", "memory"},
            .means = "write(), one for all that came meanwhile"},
           {.name = "power",
            .guarantee = "power",
            .works = {"append"},
            .means = "write() and fdatasync(), one for all that came meanwhile"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<BareSocket>(run); }

}  // namespace roost::compare
