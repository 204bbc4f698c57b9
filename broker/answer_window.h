// The answers to a session's last 64 requests that changed something, so that a request that is asked again (because its
// answer was lost with a connection or a broker) is answered again and not done again.
//
// Requests may come again in another order than at first, so a number below the highest one is decided by
// whether its answer is here, not by comparison with the highest. Sequencer thread. 4.6 KiB once a session
// has appended, nothing before; for a hostile one 4 KiB more.
#ifndef ROOST_BROKER_ANSWER_WINDOW_H_
#define ROOST_BROKER_ANSWER_WINDOW_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "ipc/protocol.h"
#include "log/state_codec.h"

namespace roost {

struct KeptAnswer {
  enum class Kind : uint8_t {
    kAppended,
    kDuplicate,
    kConflict,
    // Of coordination: `first` is the sequence of the event that tells of it, `count` what the reply counts.
    kGranted,
    kReleased,
    kTaken,
    kSettled,
    kUnparked,
    kDecided,
    kGroupRemoved,
  };

  uint64_t number = 0;  // of the request; 0: none
  Kind kind = Kind::kAppended;
  bool pending = false;  // staged, or it depends on what is; the commit decides
  uint32_t count = 0;    // events; for a conflict the index of the condition that failed
  uint64_t first = 0;    // sequences of the first and the last event
  uint64_t last = 0;
  uint64_t revision = 0;  // of the last event; for a conflict what the stream was at
  uint64_t expect = 0;    // of a conflict
  // Of a settle with tokens that were refused: which (bit i: the token with index i). nullptr: none was.
  std::shared_ptr<const std::vector<bool>> refused = nullptr;
};

class AnswerWindow {
 public:
  enum class State {
    kNew,     // not done: do it
    kKept,    // its answer is known, or pending
    kTooOld,  // it may have been done; nobody knows any more
  };

  // REQUIRES: number > 0.
  State Look(uint64_t number) const;

  // Of a request that is kKept; valid until the next Put.
  const KeptAnswer& Get(uint64_t number) const;

  // Keeps it instead of the one 64 numbers before. REQUIRES: Look(answer.number) is not kTooOld.
  void Put(const KeptAnswer& answer);

  // The commit that a pending answer depended on went well, or failed: then the request is new again.
  void Confirm(uint64_t number);
  void Forget(uint64_t number);

  uint64_t highest() const { return highest_; }

  // Those that are kept, for a checkpoint, in the order of their numbers; and back, into an empty window.
  void Save(StateWriter* out) const;
  bool Load(StateReader* in);

 private:
  static constexpr uint64_t kSize = kRequestsInFlightMax;
  static constexpr size_t kRefusedMax = 1000;  // no settle has as many tokens

  KeptAnswer& slot(uint64_t number) { return slots_[number % kSize]; }

  uint64_t highest_ = 0;
  std::unique_ptr<KeptAnswer[]> slots_;
};

}  // namespace roost

#endif  // ROOST_BROKER_ANSWER_WINDOW_H_
