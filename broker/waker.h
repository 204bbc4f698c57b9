// Wakes those who wait: it watches the ring like any client and sends Woken on the clients' sockets. It has a thread for it, so
// that a thousand of them do not stand on the append path. While few wait and little comes, the sequencer does it itself: to wake
// a thread that wakes a client would take longer than all the rest.
//
// The sequencer hands waits over through a queue of kCommandsMax; what does not fit is refused (waits) or
// kept by the sequencer side until there is room (cancellations, hang-ups). A client whose waits are all
// vague (no exact stream) is woken at most every kVagueWakeNs: later, not never.
//
// loop(): the broker's wiring. Post, OnCommit and OnTurnEnd: the sequencer thread. Writes the counters kWaits,
// kWakeups and kWakerOvertaken and the histogram kWait, in one thread at a time.
#ifndef ROOST_BROKER_WAKER_H_
#define ROOST_BROKER_WAKER_H_

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "broker/counters_writer.h"
#include "broker/reply_builder.h"
#include "broker/wake_scanner.h"
#include "broker/worker_loop.h"

namespace roost {

class Waker : private Worker {
 public:
  static constexpr size_t kCommandsMax = 8192;
  static constexpr size_t kOverflowMax = 65'536;
  static constexpr uint64_t kVagueWakeNs = 1'000'000;
  // Up to here the sequencer does it: a wake-up takes it 2 to 25 us. Waits that have to be compared with events one by one are
  // never its own to register.
  static constexpr size_t kFewRequests = 4;
  static constexpr size_t kFewWaits = 8;
  static constexpr uint64_t kFewEvents = 64;

  // `ring` outlives the waker, which uses it alone.
  Waker(RingReader* ring, CountersWriter* counters);
  ~Waker() override;

  // What still waits when it is stopped is dropped: the clients see their connections end.
  WorkerLoop& loop() { return loop_; }

  // False: there is no room at the moment. The wait is counted in its socket until it is woken.
  bool PostWait(WaitRequest wait);
  // False: far too many cancellations wait; the peer should be hung up on.
  bool PostCancel(std::shared_ptr<PeerSocket> socket, uint64_t registration);
  void PostGone(std::shared_ptr<PeerSocket> socket);
  // Tries again to hand over what did not fit. True: all of it is.
  bool PostOverflow();
  // The log has moved on by so many batches, which are not answered yet: while few wait, they have the news first.
  void OnCommit(uint64_t batches);
  // After each turn, of so many requests.
  void OnTurnEnd(uint64_t requests);
  // What was handed over, or could not yet be, and the thread has not taken.
  size_t queue_depth() const {
    return kCommandsMax - commands_.write_available() + overflow_.size();
  }

 private:
  struct Command {
    enum class Kind : uint8_t { kWait, kCancel, kGone };
    Kind kind = Kind::kWait;
    std::shared_ptr<PeerSocket> socket;
    uint64_t registration = 0;
    std::shared_ptr<WaitRequest> wait;
  };
  struct Deferred {
    uint64_t due_ns;
    WaitRequest wait;
  };

  void Work() override;
  bool HasWork() override;
  uint64_t NextTimerNs() override;

  void Post(Command command);
  bool WorkHere();
  void DoWork();
  uint64_t DueNs() const { return deferred_.empty() ? UINT64_MAX : deferred_.front().due_ns; }
  void DoCommands();
  void DoCommand(Command& command);
  void Cancel(const std::shared_ptr<PeerSocket>& socket, uint64_t registration);
  void DropPeer(const std::shared_ptr<PeerSocket>& socket);
  void SendWoken();
  void SendDeferred(uint64_t now_ns);
  void Send(const WaitRequest& wait);

  CountersWriter* const counters_;

  // Between the two threads.
  boost::lockfree::spsc_queue<Command> commands_;  // taken by who holds the lock
  std::atomic<size_t> waits_{0};           // that are registered
  std::atomic<size_t> heavy_commands_{0};  // waits among the commands that are not plain

  // The sequencer's.
  std::deque<Command> overflow_;
  bool has_posted_ = false;
  bool has_unseen_ = false;  // what was committed and is still to be compared with the waits

  // Whose thread holds the lock; the sequencer never waits for it.
  std::mutex mutex_;
  std::unique_ptr<WatchedLog> log_;
  WakeScanner scanner_;
  ReplyBuilder replies_;
  std::vector<WaitRequest> woken_;
  std::deque<Deferred> deferred_;  // the earliest first, to within kVagueWakeNs
  std::unordered_map<const PeerSocket*, uint64_t> next_vague_ns_;  // when it may be woken again

  WorkerLoop loop_{this};
};

}  // namespace roost

#endif  // ROOST_BROKER_WAKER_H_
