// The two ends of a lane's queues (ipc/lane_format.h, whose steps the code names), and the lane as memory: what the broker makes and
// what a client maps.
//
// A queue's end belongs to one thread. Nothing here allocates or makes a system call but MakeLane and OpenLane. After kBroken the
// other side has written nonsense: hang up.
#ifndef ROOST_IPC_LANE_H_
#define ROOST_IPC_LANE_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/mapping.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "ipc/lane_format.h"

namespace roost {

enum class LaneOutcome {
  kDone,
  kNothing,  // taken: there is none; put: there is no room now
  kBroken,
};

class LaneProducer {
 public:
  LaneProducer() = default;
  LaneProducer(LaneQueueIndices* indices, std::byte* bytes, size_t size)
      : indices_(indices), bytes_(bytes), size_(size) {}

  // P1 and P2: the message is there, and the consumer does not see it yet. REQUIRES: it fits into an empty queue.
  LaneOutcome Put(Bytes message);
  // P3 and P4: all that was put. True: the consumer sleeps, ring the bell.
  bool Publish();
  // The consumer has copied all that was published.
  bool IsTaken() const;

 private:
  LaneOutcome FindRoom(size_t need);

  LaneQueueIndices* indices_ = nullptr;
  std::byte* bytes_ = nullptr;
  size_t size_ = 0;
  uint64_t tail_ = 0;
  uint64_t published_ = 0;
  uint64_t head_ = 0;  // as seen last, and checked
};

class LaneConsumer {
 public:
  LaneConsumer() = default;
  LaneConsumer(LaneQueueIndices* indices, const std::byte* bytes, size_t size)
      : indices_(indices), bytes_(bytes), size_(size) {}

  // C1 to C3: copies the next message into `buffer`, which is aligned to 8, and says how long it is. One longer than the
  // buffer is kBroken.
  LaneOutcome Take(std::byte* buffer, size_t buffer_size, size_t* taken);
  // C1 alone, without checking what is there.
  bool HasMore();

  // S1 and S2. False: there is a message, or may be; do not sleep.
  bool FallAsleep();
  void WakeUp();

 private:
  LaneQueueIndices* indices_ = nullptr;
  const std::byte* bytes_ = nullptr;
  size_t size_ = 0;
  uint64_t head_ = 0;
  uint64_t tail_ = 0;  // as seen last
};

// What the broker makes: zeros, a header, and the seals. kExhausted: no descriptors, no memory.
struct MadeLane {
  UniqueFd fd;  // to be given to the client
  Mapping memory;
};
Result<MadeLane> MakeLane();

// What a client was given. kCorruption: it is no lane, or one of another version.
Result<Mapping> OpenLane(const UniqueFd& fd);

LaneProducer RequestProducer(const Mapping& lane);
LaneConsumer RequestConsumer(const Mapping& lane);
LaneProducer AnswerProducer(const Mapping& lane);
LaneConsumer AnswerConsumer(const Mapping& lane);

}  // namespace roost

#endif  // ROOST_IPC_LANE_H_
