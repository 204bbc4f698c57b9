#include "client/mcp/event_loop.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"

namespace roost {
namespace {

constexpr int kLinesPerTurn = 64;  // then the broker's answers and timers have their turn

// Rounded up, so that a timer's time has really come when poll returns.
int PollTimeoutMs(uint64_t timer_ns) {
  if (timer_ns == UINT64_MAX) return -1;
  const uint64_t now_ns = MonotonicNs();
  if (timer_ns <= now_ns) return 0;
  return static_cast<int>(std::min<uint64_t>((timer_ns - now_ns) / kNsPerMs + 1, 60'000));
}

ssize_t ReadWithoutBlocking(int fd, char* to, size_t size) {
  const ssize_t received = ::recv(fd, to, size, MSG_DONTWAIT);
  if (received >= 0 || errno != ENOTSOCK) return received;
  return ::read(fd, to, size);  // poll said that it would not block
}

}  // namespace

EventLoop::EventLoop(int input, int output, LogSession* log, ShimLatencies* latencies)
    : input_(input),
      output_(output),
      log_(log),
      server_(log, &queue_, {MonotonicNs, WallNs}, latencies) {}

void EventLoop::Run() {
  while (Turn() == Step::kGoOn) {
  }
}

EventLoop::Step EventLoop::Turn() {
  Poll();
  if (parent_ready_ || parent_.timer_ns() <= MonotonicNs()) {
    if (parent_.Gone(MonotonicNs())) return Step::kStop;
  }
  if (output_ready_) blocked_ = false;
  if (input_ready_ && Read() == Step::kStop) return Step::kStop;
  // Before the lines: what the broker has told by now, such as the end of a claim, is told with their answers.
  if (log_ready_) log_->OnReady();
  ServeLines();
  RunTimers();
  server_.Settle();
  if (!blocked_ && Write() == Step::kStop) return Step::kStop;
  return Finished() ? Step::kStop : Step::kGoOn;
}

void EventLoop::Poll() {
  // A full queue means that no further request is taken in. A hang-up would be reported for ever then.
  const bool reads = !input_ended_ && !lines_left_ && !queue_.full();
  const bool watches_input = reads || (!input_ended_ && !input_hung_up_);
  pollfd fds[] = {
      {watches_input ? input_ : -1, static_cast<short>(reads ? POLLIN : 0), 0},
      {blocked_ ? output_ : -1, POLLOUT, 0},
      {log_->fd(), log_->events(), 0},
      {parent_.fd(), POLLIN, 0},
  };
  const bool at_once = lines_left_ && !queue_.full();
  const int ready = ::poll(fds, std::size(fds), at_once ? 0 : PollTimeoutMs(NextTimerNs()));
  const auto came = [&](size_t i) { return ready > 0 && fds[i].revents != 0; };
  input_ready_ = came(0) && reads;
  if (came(0) && (fds[0].revents & (POLLHUP | POLLERR)) != 0 && !input_hung_up_) {
    input_hung_up_ = true;
    write_by_ns_ = MonotonicNs() + kWriteNs;
  }
  output_ready_ = came(1);
  log_ready_ = came(2);
  parent_ready_ = came(3);
}

EventLoop::Step EventLoop::Read() {
  const auto room = lines_.Room();
  const ssize_t received = ReadWithoutBlocking(input_, room.data(), room.size());
  if (received > 0) {
    lines_.Received(static_cast<size_t>(received));
    lines_left_ = true;
  } else if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    input_ended_ = true;
    work_by_ns_ = MonotonicNs() + kWorkNs;
    write_by_ns_ = MonotonicNs() + kWriteNs;
    server_.OnEndOfInput();
  }
  return Step::kGoOn;
}

void EventLoop::ServeLines() {
  for (int served = 0; lines_left_ && served < kLinesPerTurn && !queue_.full(); ++served) {
    if (server_.unfinished()) {
      server_.GoOn();
      continue;
    }
    switch (lines_.Next()) {
      case LineReader::Outcome::kLine:
        server_.OnLine(lines_.line());
        break;
      case LineReader::Outcome::kTooLong:
        server_.OnLongLine(lines_.id());
        break;
      case LineReader::Outcome::kNone:
        lines_left_ = false;
        break;
    }
  }
}

EventLoop::Step EventLoop::Write() {
  const size_t before = queue_.pending_bytes();
  const OutputQueue::Outcome outcome = queue_.WriteTo(output_);
  if (queue_.pending_bytes() < before && write_by_ns_ != UINT64_MAX) {
    write_by_ns_ = MonotonicNs() + kWriteNs;
  }
  switch (outcome) {
    case OutputQueue::Outcome::kDone:
      return Step::kGoOn;
    case OutputQueue::Outcome::kBlocked:
      blocked_ = true;
      return Step::kGoOn;
    case OutputQueue::Outcome::kClosed:
      return Step::kStop;
  }
  return Step::kStop;
}

void EventLoop::RunTimers() {
  const uint64_t now_ns = MonotonicNs();
  if (log_->timer_ns() <= now_ns) log_->OnTimer(now_ns);
  if (server_.timer_ns() <= now_ns) server_.OnTimer();
}

uint64_t EventLoop::NextTimerNs() const {
  return std::min({log_->timer_ns(), server_.timer_ns(), parent_.timer_ns(),
                   input_ended_ && server_.working() ? work_by_ns_ : UINT64_MAX,
                   queue_.pending_bytes() > 0 ? write_by_ns_ : UINT64_MAX});
}

bool EventLoop::Finished() const {
  const uint64_t now_ns = MonotonicNs();
  if (queue_.pending_bytes() > 0) return now_ns >= write_by_ns_;
  if (!input_ended_ || lines_left_) return false;
  return !server_.working() || now_ns >= work_by_ns_;
}

}  // namespace roost
