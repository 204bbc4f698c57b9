#include "broker/waker.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace roost {
namespace {

class WatchedRing : public WatchedLog {
 public:
  explicit WatchedRing(RingReader* ring) : ring_(ring) {}

  uint64_t head() override { return ring_->head(); }

  RingReader::Outcome ReadHeader(uint64_t sequence, RecordHeader* header) override {
    uint64_t position;
    return ring_->ReadHeader(sequence, header, &position);
  }

  std::string_view StreamName(uint32_t id) override {
    // Events of one stream often come side by side.
    if (id != last_id_) {
      last_name_ = id < ring_->stream_count() ? ring_->Stream(id).name : std::string_view();
      last_id_ = id;
    }
    return last_name_;
  }

  uint64_t LastSequenceOf(std::string_view stream) override {
    const auto id = ring_->FindStream(stream);
    return id.has_value() ? ring_->Stream(*id).last_sequence : 0;
  }

 private:
  RingReader* const ring_;
  uint32_t last_id_ = kNoStream;
  std::string_view last_name_;
};

}  // namespace

Waker::Waker(RingReader* ring, CountersWriter* counters)
    : counters_(counters),
      commands_(kCommandsMax),
      log_(std::make_unique<WatchedRing>(ring)),
      scanner_(log_.get()) {}

Waker::~Waker() { loop_.Stop(); }

// ---- sequencer ----

bool Waker::PostWait(WaitRequest wait) {
  // Not past a cancellation that waits itself: the two may be of one registration.
  if (!overflow_.empty()) return false;
  const std::shared_ptr<PeerSocket> socket = wait.socket;
  socket->waits.fetch_add(1, std::memory_order_relaxed);
  const bool is_heavy = !wait.is_plain();
  Command command{Command::Kind::kWait, socket, wait.registration,
                  std::make_shared<WaitRequest>(std::move(wait))};
  // Before it is there to be taken.
  if (is_heavy) heavy_commands_.fetch_add(1, std::memory_order_relaxed);
  if (!commands_.push(command)) {
    if (is_heavy) heavy_commands_.fetch_sub(1, std::memory_order_relaxed);
    socket->waits.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  has_posted_ = true;
  return true;
}

bool Waker::PostCancel(std::shared_ptr<PeerSocket> socket, uint64_t registration) {
  if (overflow_.size() >= kOverflowMax) return false;
  Post({Command::Kind::kCancel, std::move(socket), registration, nullptr});
  return true;
}

void Waker::PostGone(std::shared_ptr<PeerSocket> socket) {
  Post({Command::Kind::kGone, std::move(socket), 0, nullptr});
}

void Waker::Post(Command command) {
  if (overflow_.empty() && commands_.push(command)) {
    has_posted_ = true;
  } else {
    overflow_.push_back(std::move(command));
  }
}

bool Waker::PostOverflow() {
  bool posted = false;
  while (!overflow_.empty() && commands_.push(overflow_.front())) {
    overflow_.pop_front();
    posted = true;
  }
  if (posted) loop_.Ring();
  return overflow_.empty();
}

void Waker::OnCommit(uint64_t batches) {
  const bool is_done =
      batches <= kFewRequests && waits_.load(std::memory_order_relaxed) > 0 && WorkHere();
  if (!is_done) has_unseen_ = true;
}

void Waker::OnTurnEnd(uint64_t requests) {
  const bool has_posted = std::exchange(has_posted_, false);
  const bool has_unseen = std::exchange(has_unseen_, false);
  if (!has_posted) {
    if (!has_unseen) return;
    // Pairs with the fence in Doorbell::Arm(): the waker sees the new head, or this sees that somebody waits and
    // that the waker sleeps.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (waits_.load(std::memory_order_relaxed) == 0) return;
  }
  if (requests > kFewRequests || !WorkHere()) loop_.Ring();
}

// False: it is the thread's.
bool Waker::WorkHere() {
  if (waits_.load(std::memory_order_relaxed) + commands_.read_available() > kFewWaits ||
      heavy_commands_.load(std::memory_order_relaxed) > 0) {
    return false;
  }
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || scanner_.Behind() > kFewEvents) return false;
  const uint64_t due_ns = DueNs();
  DoWork();
  // The timers are the thread's, which knows of the one that there was.
  if (DueNs() < due_ns) loop_.Ring();
  return true;
}

// ---- waker thread ----

void Waker::Work() {
  const std::lock_guard lock(mutex_);
  DoWork();
}

bool Waker::HasWork() {
  const std::lock_guard lock(mutex_);
  return commands_.read_available() > 0 || scanner_.Behind() > 0;
}

uint64_t Waker::NextTimerNs() {
  const std::lock_guard lock(mutex_);
  return DueNs();
}

// ---- who holds the lock ----

void Waker::DoWork() {
  DoCommands();
  scanner_.Scan(&woken_);
  SendWoken();
  SendDeferred(MonotonicNs());
  const size_t waits = scanner_.registry().size();
  counters_->Set(Counter::kWaits, waits + deferred_.size());
  counters_->Set(Counter::kWakerOvertaken, scanner_.overtaken());
  waits_.store(waits, std::memory_order_relaxed);
}

void Waker::DoCommands() {
  Command command;
  // At most what the queue holds, so that whoever posts without end can't keep events from being seen.
  for (size_t i = 0; i < kCommandsMax && commands_.pop(command); ++i) {
    DoCommand(command);
    command = Command();
  }
}

void Waker::DoCommand(Command& command) {
  switch (command.kind) {
    case Command::Kind::kWait:
      if (!command.wait->is_plain()) heavy_commands_.fetch_sub(1, std::memory_order_relaxed);
      counters_->Record(Latency::kWait, MonotonicNs() - command.wait->received_ns);
      Cancel(command.socket, command.registration);
      scanner_.Register(std::move(*command.wait), &woken_);
      break;
    case Command::Kind::kCancel:
      Cancel(command.socket, command.registration);
      break;
    case Command::Kind::kGone:
      DropPeer(command.socket);
      break;
  }
}

void Waker::Cancel(const std::shared_ptr<PeerSocket>& socket, uint64_t registration) {
  size_t count = scanner_.registry().Cancel(socket.get(), registration) ? 1 : 0;
  count += std::erase_if(deferred_, [&](const Deferred& deferred) {
    return deferred.wait.socket == socket && deferred.wait.registration == registration;
  });
  socket->waits.fetch_sub(static_cast<uint32_t>(count), std::memory_order_relaxed);
}

void Waker::DropPeer(const std::shared_ptr<PeerSocket>& socket) {
  const size_t count =
      scanner_.registry().DropPeer(socket.get()) +
      std::erase_if(deferred_,
                    [&](const Deferred& deferred) { return deferred.wait.socket == socket; }) +
      std::erase_if(woken_, [&](const WaitRequest& wait) { return wait.socket == socket; });
  socket->waits.fetch_sub(static_cast<uint32_t>(count), std::memory_order_relaxed);
  next_vague_ns_.erase(socket.get());
}

void Waker::SendWoken() {
  if (woken_.empty()) return;
  const uint64_t now_ns = MonotonicNs();
  for (WaitRequest& wait : woken_) {
    if (!wait.is_exact()) {
      uint64_t& next_ns = next_vague_ns_[wait.socket.get()];
      if (now_ns < next_ns) {
        deferred_.push_back({next_ns, std::move(wait)});
        continue;
      }
      next_ns = now_ns + kVagueWakeNs;
    }
    Send(wait);
  }
  woken_.clear();
}

void Waker::SendDeferred(uint64_t now_ns) {
  while (!deferred_.empty() && deferred_.front().due_ns <= now_ns) {
    // Several waits of one client that are due together are one wake-up to it.
    next_vague_ns_[deferred_.front().wait.socket.get()] = now_ns + kVagueWakeNs;
    Send(deferred_.front().wait);
    deferred_.pop_front();
  }
}

void Waker::Send(const WaitRequest& wait) {
  wait.socket->waits.fetch_sub(1, std::memory_order_relaxed);
  counters_->Add(Counter::kWakeups);
  wait.socket->Send(replies_.Woken(wait.registration));
}

}  // namespace roost
