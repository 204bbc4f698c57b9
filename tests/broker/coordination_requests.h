// Requests of claims as bytes, built from the schema alone. One thread.
#ifndef ROOST_TESTS_BROKER_COORDINATION_REQUESTS_H_
#define ROOST_TESTS_BROKER_COORDINATION_REQUESTS_H_

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "schemas/control_generated.h"

namespace roost {

// A finished request in memory that is aligned to 8, as the broker receives it.
class RequestBytes {
 public:
  template <typename Body>
  RequestBytes(flatbuffers::FlatBufferBuilder& builder, uint64_t number,
               flatbuffers::Offset<Body> body)
      : size_(0) {
    builder.Finish(wire::CreateRequest(builder, number, wire::RequestBodyTraits<Body>::enum_value,
                                       body.Union()));
    size_ = builder.GetSize();
    words_.assign(size_ / 8 + 1, 0);
    std::memcpy(words_.data(), builder.GetBufferPointer(), size_);
  }

  operator Bytes() const { return std::as_bytes(std::span(words_)).first(size_); }

 private:
  size_t size_;
  std::vector<uint64_t> words_;
};

struct ClaimFields {
  std::vector<std::string> keys = {};
  uint32_t ttl_ms = 60'000;
  uint32_t wait_ms = 0;
  std::string note = {};
};

inline RequestBytes ClaimBytes(uint64_t number, const ClaimFields& fields) {
  flatbuffers::FlatBufferBuilder builder;
  const auto keys = builder.CreateVectorOfStrings(fields.keys);
  const auto note = builder.CreateString(fields.note);
  return {builder, number, wire::CreateClaim(builder, keys, fields.ttl_ms, fields.wait_ms, note)};
}

inline RequestBytes ReleaseBytes(uint64_t number, uint64_t token, const std::string& note = "") {
  flatbuffers::FlatBufferBuilder builder;
  const auto note_offset = builder.CreateString(note);
  return {builder, number, wire::CreateRelease(builder, token, note_offset)};
}

inline RequestBytes ListLeasesBytes(uint64_t number, const std::string& prefix, uint64_t after = 0,
                                    uint32_t limit = 100) {
  flatbuffers::FlatBufferBuilder builder;
  const auto prefix_offset = builder.CreateString(prefix);
  return {builder, number, wire::CreateListLeases(builder, prefix_offset, after, limit)};
}

inline RequestBytes CancelBytes(uint64_t request) {
  flatbuffers::FlatBufferBuilder builder;
  return {builder, 0, wire::CreateCancelRequest(builder, request)};
}

inline RequestBytes ActiveBytes() {
  flatbuffers::FlatBufferBuilder builder;
  return {builder, 0, wire::CreateActive(builder)};
}

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_COORDINATION_REQUESTS_H_
