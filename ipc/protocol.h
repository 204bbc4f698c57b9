// Constants of the control protocol; its messages are in schemas/control.fbs.
//
// A connection begins with Attach, answered by Attached (with the ring's descriptor) or Refused. Then
// the client sends requests, at most kRequestsInFlightMax unanswered, and the broker answers each, in any
// order. A request over kInlineRequestBytesMax is put into a memfd, which travels with an InMemory
// message; the broker reads it once into memory of its own before it looks at it.
//
// Appends carry numbers that grow within a session. A client that lost its connection attaches again
// with its session and secret and sends what was not answered again, under the same numbers: the broker
// repeats the answers it has given and does what it has not done. That is the whole of exactly-once.
#ifndef ROOST_IPC_PROTOCOL_H_
#define ROOST_IPC_PROTOCOL_H_

#include <cstddef>
#include <cstdint>

namespace roost {

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr size_t kInlineRequestBytesMax = 64 << 10;
inline constexpr size_t kRequestBytesMax = 8 << 20;  // in a memfd; over batch_bytes_max with its framing
inline constexpr size_t kReplyBytesMax = 64 << 10;
inline constexpr size_t kSessionSecretBytes = 32;
inline constexpr uint32_t kRequestsInFlightMax = 64;   // also how many answers a session keeps
inline constexpr uint32_t kWaitsPerSessionMax = 256;
inline constexpr uint32_t kWaitingRequestsMax = 64;  // of a session, answered by Queued
inline constexpr uint32_t kListSessionsMax = 200;
inline constexpr size_t kReportDurationsMax = 384;  // of a WorkReport

}  // namespace roost

#endif  // ROOST_IPC_PROTOCOL_H_
