// Records as bytes: checking, decoding and what is computed of them. Pure functions, any thread.
#ifndef ROOST_LOG_RECORD_H_
#define ROOST_LOG_RECORD_H_

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "log/record_format.h"
#include "schemas/event_generated.h"

namespace roost {

// What the header keeps of a type or an agent, so that filters need not look at the body. Equal texts
// have equal hashes; unequal ones nearly always differ.
uint32_t FilterHash(std::string_view text);

// Where a stream's search begins in the ring's stream hash.
uint64_t StreamHash(std::string_view name);

// The revision that the jump link of `revision` leads to; 0: none. REQUIRES: revision >= 1.
uint64_t JumpRevision(uint64_t revision);

// The size field of a record with a body of `body_length` bytes.
constexpr uint64_t RecordSize(RecordKind kind, uint64_t body_length) {
  const uint64_t used = AlignUp(kRecordHeaderBytes + body_length, kRecordAlignment);
  return kind == RecordKind::kEvent && used < kEventBytesMin ? kEventBytesMin : used;
}

// The crc32c field that this record should have. `record` begins with a RecordHeader and is complete.
uint32_t RecordChecksum(Bytes record);

// Rule 1 of record_format.h: kind and sizes of a header agree with each other and fit `available` bytes.
constexpr bool RecordSizesAreSound(const RecordHeader& header, uint64_t available) {
  const bool kind_is_known = header.kind == RecordKind::kEvent ||
                             (header.kind == RecordKind::kClose && header.body_length == 0);
  return kind_is_known && header.size == RecordSize(header.kind, header.body_length) &&
         header.size <= kRecordBytesMax && header.size <= available;
}

// Rules 1 and 2.
bool RecordIsSound(Bytes record);

// The body, checked by the FlatBuffers verifier, or nullptr if it is no Event. Points into `body`, which
// is aligned to 8.
const wire::Event* DecodeEventBody(Bytes body);

}  // namespace roost

#endif  // ROOST_LOG_RECORD_H_
