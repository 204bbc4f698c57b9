#include "benchmarks/crowd/bare_sequencer.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/unix_socket.h"

namespace roost {
namespace {

constexpr int kReadyMax = 256;
constexpr int kMessagesPerTurn = 16;
constexpr int kAcceptsPerTurn = 64;
constexpr size_t kRecordBytes = 232;  // as large as those of the polite agents become in a log
constexpr std::byte kAttached[160] = {};  // as long as Roost's answers
constexpr std::byte kAnswer[72] = {};

class BareSequencer {
 public:
  BareSequencer(const std::string& socket, const std::string& journal)
      : listener_(*ListenSeqpacket(socket, 0600, 4096)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        journal_(::open(journal.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
        memory_(::memfd_create("bare", MFD_CLOEXEC)),
        buffer_(64 << 10) {
    Watch(listener_.get());
  }

  void Turn() {
    std::array<epoll_event, kReadyMax> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), kReadyMax, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<size_t>(i)].data.fd;
      if (fd == listener_.get()) {
        AcceptAll();
      } else {
        Receive(fd);
      }
    }
    if (owed_.empty() && leaving_.empty()) return;
    ROOST_CHECK(::write(journal_.get(), staged_.data(), staged_.size()) ==
                static_cast<ssize_t>(staged_.size()));
    staged_.clear();
    for (const int fd : owed_) {
      // Who does not read loses the connection.
      if (SendSeqpacket(fd, kAnswer) != SocketOutcome::kDone) ::shutdown(fd, SHUT_RDWR);
    }
    owed_.clear();
    for (const int fd : leaving_) ::close(fd);
    leaving_.clear();
  }

 private:
  void Watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ROOST_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  }

  void AcceptAll() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Result<UniqueFd> fd = AcceptSeqpacket(listener_.get());
      if (!fd.ok()) return;
      const int number = fd->Release();
      if (is_attached_.size() <= static_cast<size_t>(number)) {
        is_attached_.resize(static_cast<size_t>(number) + 1);
      }
      is_attached_[static_cast<size_t>(number)] = false;
      Watch(number);
    }
  }

  void Receive(int fd) {
    for (int i = 0; i < kMessagesPerTurn; ++i) {
      const Received received = ReceiveSeqpacket(fd, buffer_.data(), buffer_.size());
      if (received.outcome == SocketOutcome::kWouldBlock) return;
      if (received.outcome != SocketOutcome::kDone) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
        leaving_.push_back(fd);
        return;
      }
      const size_t bytes = std::max(received.size, kRecordBytes);
      staged_.insert(staged_.end(), buffer_.begin(), buffer_.begin() + static_cast<long>(bytes));
      if (is_attached_[static_cast<size_t>(fd)]) {
        owed_.push_back(fd);
      } else {
        is_attached_[static_cast<size_t>(fd)] = true;
        if (SendSeqpacket(fd, kAttached, memory_.get()) != SocketOutcome::kDone) {
          ::shutdown(fd, SHUT_RDWR);
        }
      }
    }
  }

  const UniqueFd listener_, epoll_, journal_, memory_;
  std::vector<std::byte> buffer_;
  std::vector<std::byte> staged_;
  std::vector<int> owed_;
  std::vector<int> leaving_;
  std::vector<bool> is_attached_;
};

}  // namespace

void RunBareSequencer(const std::string& socket, const std::string& journal, int ready) {
  BareSequencer sequencer(socket, journal);
  ROOST_CHECK(::write(ready, "1", 1) == 1);
  ::close(ready);
  while (true) sequencer.Turn();
}

}  // namespace roost
