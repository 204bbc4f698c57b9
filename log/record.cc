#include "log/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/crc32c.h"

namespace roost {

uint32_t FilterHash(std::string_view text) {
  return static_cast<uint32_t>(XXH3_64bits(text.data(), text.size()));
}

uint64_t StreamHash(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

uint64_t JumpRevision(uint64_t revision) {
  ROOST_CHECK(revision >= 1);
  // Revisions are the skew-binary numbers: the largest 2^k - 1 that fits is a whole tree, whose last
  // node jumps to just before it; any other node jumps as its counterpart behind that tree does.
  uint64_t base = 0;
  while (true) {
    const uint64_t tree = std::bit_floor(revision + 1) - 1;
    if (tree == revision) return base;
    base += tree;
    revision -= tree;
  }
}

uint32_t RecordChecksum(Bytes record) {
  constexpr size_t kBefore = offsetof(RecordHeader, crc32c);
  constexpr size_t kAfter = kBefore + sizeof(RecordHeader::crc32c);
  return Crc32c(Crc32c(0, record.first(kBefore)), record.subspan(kAfter));
}

bool RecordIsSound(Bytes record) {
  if (record.size() < kRecordHeaderBytes) return false;
  RecordHeader header;
  std::memcpy(&header, record.data(), sizeof(header));
  return RecordSizesAreSound(header, record.size()) &&
         RecordChecksum(record.first(header.size)) == header.crc32c;
}

const wire::Event* DecodeEventBody(Bytes body) {
  const auto* data = reinterpret_cast<const uint8_t*>(body.data());
  flatbuffers::Verifier verifier(data, body.size());
  if (!wire::VerifyEventBuffer(verifier)) return nullptr;
  return wire::GetEvent(data);
}

}  // namespace roost
