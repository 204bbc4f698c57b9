// The thread for what may touch the disk and need not be done at once: hands old segments out, lets the
// journal prepare its next one, and the ring go into huge pages. Queues of kRequestsMax, and kRequestsPerPeerMax a peer.
// A peer gets its next segment when it has read the message with the last one, for which it has kPatienceNs.
//
// loop(): the broker's wiring. Post and OnCommit: the sequencer thread. Writes no counter.
#ifndef ROOST_BROKER_LIBRARIAN_H_
#define ROOST_BROKER_LIBRARIAN_H_

#include <algorithm>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/peer_socket.h"
#include "broker/reply_builder.h"
#include "broker/sweeper.h"
#include "broker/worker_loop.h"
#include "log/log_writer.h"
#include "log/ring_reader.h"

namespace roost {

class Librarian : private Worker {
 public:
  static constexpr size_t kRequestsMax = 1024;
  static constexpr uint32_t kRequestsPerPeerMax = 64;
  static constexpr uint64_t kPatienceNs = 5'000'000'000;

  // `ring` outlives the librarian; only what it says of the oldest event is read. `sweeper`, if there, is rung after
  // each housekeeping.
  Librarian(LogWriter* log, const RingReader* ring, Sweeper* sweeper = nullptr);
  ~Librarian() override;

  WorkerLoop& loop() { return loop_; }

  // False: too many are waiting. Exactly one of sequence and position is not 0.
  bool PostFindSegment(std::shared_ptr<PeerSocket> socket, uint64_t number, uint64_t sequence,
                       uint64_t position);
  // After each commit, of so many bytes.
  void OnCommit(uint64_t bytes);
  // The sequencer thread: requests that the thread has not taken.
  size_t queue_depth() const { return kRequestsMax - requests_.write_available(); }

 private:
  struct FindRequest {
    std::shared_ptr<PeerSocket> socket;
    uint64_t number = 0;
    uint64_t sequence = 0;
    uint64_t position = 0;
    uint64_t deferred_until_ns = 0;  // CLOCK_MONOTONIC
  };

  void Work() override;
  bool HasWork() override;
  uint64_t NextTimerNs() override { return std::min(look_again_ns_, condense_due_ns_); }

  void Take(FindRequest request);
  void ServeDeferred(uint64_t now_ns);
  void RefuseDeferred(const FindRequest& request);
  void Find(const FindRequest& request);
  void Maintain();
  void BeginToCondense();

  LogWriter* const log_;
  const RingReader* const ring_;
  Sweeper* const sweeper_;
  const uint64_t maintain_bytes_;  // how much may be committed between two rounds of housekeeping

  boost::lockfree::spsc_queue<FindRequest> requests_;
  std::atomic<bool> maintain_{true};

  uint64_t bytes_since_ = 0;  // the sequencer's

  ReplyBuilder replies_;                 // the librarian thread's, like the next ones
  std::vector<FindRequest> deferred_;    // at most kRequestsMax
  uint64_t look_again_ns_ = UINT64_MAX;  // whether those have read
  bool condensing_ = false;
  uint64_t condense_due_ns_ = 0;  // CLOCK_MONOTONIC
  uint64_t condensed_ns_ = 0;
  WorkerLoop loop_{this};
};

}  // namespace roost

#endif  // ROOST_BROKER_LIBRARIAN_H_
