// A lane: shared memory in which one client hands its requests to the broker and gets its answers back, for those who need
// millions a second. The messages are those of the control socket, byte for byte; what a lane saves is the system calls.
// The broker makes the memfd (sealed SHRINK, GROW and SEAL: nobody can cut it under the other) and hands it out in answer
// to OpenLane. It is smaller than a huge page, so that nobody can make the other wait while the kernel puts one together.
//
//   0        128       4096                                          kLaneBytes
//   +--------+---------+-----------------------------+---------------+
//   | header | indices | requests                    | answers       |
//   |        |         | kLaneRequestBytes           | kLaneAnswer.. |
//   +--------+---------+-----------------------------+---------------+
//
// Each of the two is a queue of bytes with one producer and one consumer. Indices count bytes from the beginning of time; a
// byte's place is its index modulo the queue's size. A message is a word with its length, then its bytes, with zeros up to a
// multiple of 8; it may go over the queue's end to its beginning.
//
//   producer  P1. load head; there is room for the message behind tail                    acquire
//             P2. store the message's words                                               relaxed
//             P3. store tail, behind one message or several                               release
//             P4. fence; load `asleep`: if it is 1, store 0 and ring the bell             seq_cst, relaxed
//   consumer  C1. load tail; up to there are messages                                     acquire
//             C2. load the length, once; copy that many bytes, once                       relaxed
//             C3. store head, behind what was copied                                      release
//             and before it stops looking:
//             S1. store 1 in `asleep`; fence                                              relaxed, seq_cst
//             S2. load tail: if there is a message, store 0 and go on; else wait for the bell
//
// Head is acquired in P1 so that no word is stored before the consumer has copied what was there (C2 before C3). Between P3,
// P4 and S1, S2 stand two fences: either the producer sees `asleep`, or the consumer sees the message. The bell is a
// message on the control socket (LaneBell, in either direction), where the other end of it waits anyway.
//
// Neither side trusts the other. Each keeps its own index (tail of what it produces, head of what it consumes) and all else it
// must know in memory of its own, and only shows it here. The other's index is checked when it is loaded: more than the
// queue's size, or no multiple of 8, and the connection is over. A length is loaded once and checked against what is there;
// what it is the length of is copied before anybody looks at it. Who kills itself within P2 has handed over nothing.
#ifndef ROOST_IPC_LANE_FORMAT_H_
#define ROOST_IPC_LANE_FORMAT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ipc/protocol.h"

namespace roost {

inline constexpr uint64_t kLaneMagic = 0x31454e414c545352;  // "RSTLANE1"
inline constexpr uint32_t kLaneVersion = 1;

inline constexpr size_t kLaneIndicesOffset = 128;
inline constexpr size_t kLaneQueuesOffset = 4096;
inline constexpr size_t kLaneRequestBytes = 512 << 10;
inline constexpr size_t kLaneAnswerBytes = 64 << 10;
// Longer answers, which are lists and seldom, go through the socket.
inline constexpr size_t kLaneAnswerMax = 8 << 10;
inline constexpr size_t kLaneBytes = kLaneQueuesOffset + kLaneRequestBytes + kLaneAnswerBytes;
static_assert(kLaneBytes < 2 << 20);
// Each queue has room for some of the largest messages.
static_assert(kLaneRequestBytes >= 4 * (kInlineRequestBytesMax + 8));

// Written by the broker before it hands the lane out; read once by the client.
struct LaneHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t request_bytes;
  uint32_t answer_bytes;
};
static_assert(sizeof(LaneHeader) <= kLaneIndicesOffset);

// Words on cache lines (two, which the processor fetches together) of their own.
struct LaneQueueIndices {
  alignas(128) std::atomic<uint64_t> tail;    // the producer's
  alignas(128) std::atomic<uint64_t> asleep;  // set by the consumer, taken back by either
  alignas(128) std::atomic<uint64_t> head;    // the consumer's
};
struct LaneIndices {
  LaneQueueIndices requests;
  LaneQueueIndices answers;
};
static_assert(kLaneIndicesOffset % alignof(LaneIndices) == 0 &&
              kLaneIndicesOffset + sizeof(LaneIndices) <= kLaneQueuesOffset);

}  // namespace roost

#endif  // ROOST_IPC_LANE_FORMAT_H_
