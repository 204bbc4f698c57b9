#include "benchmarks/crowd/flooder.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <new>
#include <vector>

#include "base/check.h"
#include "base/unix_socket.h"
#include "benchmarks/crowd/polite_agents.h"
#include "ipc/messages.h"

namespace roost {
namespace {

constexpr size_t kSwarm = 50;
constexpr size_t kEventBytes = 64;
constexpr uint64_t kAttachesBetweenLooks = 16;

// One connection of a flooder, and the process's only thread.
class HostileSocket {
 public:
  HostileSocket(const std::string& socket, bool is_bare, Flooder::Counts* counts)
      : path_(socket), is_bare_(is_bare), counts_(counts),
        request_(AppendRequest("flood", "flooder", kEventBytes)) {
    const Bytes attach = encoder_.Attach("flooder", "crowd_bench", 0, {});
    attach_.assign(attach.begin(), attach.end());
  }

  int fd() const { return fd_.get(); }

  // Attaches if there is no connection, without waiting for the answer. False: it can't at the moment.
  bool Open() {
    if (fd_.valid()) return true;
    Result<UniqueFd> fd = ConnectSeqpacket(path_);
    if (!fd.ok()) return false;
    fd_ = *std::move(fd);
    number_ = 0;
    counts_->attached.fetch_add(1, std::memory_order_relaxed);
    return SendSeqpacket(fd_.get(), attach_) == SocketOutcome::kDone;
  }

  void Close() { fd_.Reset(); }

  // As many as the socket takes. False: hung up on.
  bool SendAll() {
    while (true) {
      RenumberRequest(request_, number_ + 1);
      switch (SendSeqpacket(fd_.get(), request_)) {
        case SocketOutcome::kDone:
          ++number_;
          counts_->sent.fetch_add(1, std::memory_order_relaxed);
          break;
        case SocketOutcome::kWouldBlock:
          return true;
        default:
          return false;
      }
    }
  }

  // All that lie there. False: hung up on.
  bool ReadAll() {
    alignas(8) std::byte answer[4096];
    while (true) {
      const Received received = ReceiveSeqpacket(fd_.get(), answer, sizeof(answer));
      if (received.outcome == SocketOutcome::kWouldBlock) return true;
      if (received.outcome != SocketOutcome::kDone) return false;
      counts_->answered.fetch_add(1, std::memory_order_relaxed);
      if (is_bare_) continue;
      const wire::Reply* reply = DecodeReply(Bytes(answer, received.size));
      if (reply != nullptr && reply->body_type() == wire::ReplyBody::Refused &&
          reply->body_as_Refused()->code() == wire::RefusalCode::Busy) {
        counts_->busy.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

 private:
  const std::string path_;
  const bool is_bare_;
  Flooder::Counts* const counts_;
  RequestEncoder encoder_;
  std::vector<std::byte> attach_;
  std::vector<std::byte> request_;
  UniqueFd fd_;
  uint64_t number_ = 0;
};

[[noreturn]] void FloodWithAppends(HostileSocket& socket) {
  while (true) {
    if (!socket.Open() || !socket.SendAll() || !socket.ReadAll()) socket.Close();
    pollfd polled{socket.fd(), POLLIN | POLLOUT, 0};
    ::poll(&polled, 1, 1);
  }
}

[[noreturn]] void FloodDeaf(std::vector<std::unique_ptr<HostileSocket>>& sockets) {
  std::vector<pollfd> polled(sockets.size());
  uint64_t closed = 0;
  while (true) {
    for (size_t i = 0; i < sockets.size(); ++i) {
      HostileSocket& socket = *sockets[i];
      if (!socket.Open() || !socket.SendAll()) {
        // What it was told is still there to be read. Not every time, which would slow it down.
        if (socket.fd() >= 0 && ++closed % kAttachesBetweenLooks == 0) (void)socket.ReadAll();
        socket.Close();
      }
      polled[i] = {socket.fd(), POLLOUT, 0};
    }
    ::poll(polled.data(), polled.size(), 1);
  }
}

[[noreturn]] void FloodWithAttaching(HostileSocket& socket) {
  while (true) {
    if (socket.Open()) {
      pollfd polled{socket.fd(), POLLIN, 0};
      ::poll(&polled, 1, 1000);
      (void)socket.ReadAll();
    }
    socket.Close();
  }
}

}  // namespace

std::string_view NameOf(FloodKind kind) {
  switch (kind) {
    case FloodKind::kAppends:
      return "appends";
    case FloodKind::kDeaf:
      return "deaf";
    case FloodKind::kSwarm:
      return "swarm";
    case FloodKind::kAttaching:
      return "attaching";
  }
  ROOST_CHECK(false);
}

Flooder::Flooder(const CrowdServer& server, FloodKind kind) {
  void* memory = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ROOST_CHECK(memory != MAP_FAILED);
  counts_ = new (memory) Counts;
  pid_ = ::fork();
  ROOST_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ScheduleAsCrowd();
    std::vector<std::unique_ptr<HostileSocket>> sockets;
    while (sockets.size() < (kind == FloodKind::kSwarm ? kSwarm : 1)) {
      sockets.push_back(
          std::make_unique<HostileSocket>(server.socket(), server.is_bare(), counts_));
    }
    if (kind == FloodKind::kAppends) FloodWithAppends(*sockets.front());
    if (kind == FloodKind::kAttaching) FloodWithAttaching(*sockets.front());
    FloodDeaf(sockets);
  }
  while (counts_->attached.load(std::memory_order_relaxed) == 0) ::usleep(1000);
}

Flooder::~Flooder() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::munmap(counts_, sizeof(Counts));
}

}  // namespace roost
