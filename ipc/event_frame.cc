#include "ipc/event_frame.h"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstring>

namespace roost {

using flatbuffers::uoffset_t;

// The verifier reads the table's offset, the table, its vtable, and what the offsets in the table lead to. These lead forward, so the
// table lies before the data. Where the vtable and the texts do as well, bodies that begin with the frame are equal to the verifier.
size_t EventFrameBytes(const wire::Event& event, Bytes body) {
  if (event.data() == nullptr) return 0;
  const auto* const begin = reinterpret_cast<const uint8_t*>(body.data());
  const auto end_of = [begin](const void* pointer, size_t size) {
    return static_cast<size_t>(static_cast<const uint8_t*>(pointer) - begin) + size;
  };
  const uint8_t* const vtable = reinterpret_cast<const flatbuffers::Table*>(&event)->GetVTable();
  const auto vtable_bytes = flatbuffers::ReadScalar<flatbuffers::voffset_t>(vtable);
  // Fields that are not looked at below, of a later version.
  if (vtable_bytes > wire::Event::VT_DATA + sizeof(vtable_bytes)) return 0;
  size_t end = end_of(vtable, vtable_bytes);
  for (const flatbuffers::String* text : {event.stream(), event.type(), event.agent(), event.id(), event.correlation_id(),
                                          event.causation_id(), event.content_type()}) {
    if (text != nullptr) end = std::max(end, end_of(text, sizeof(uoffset_t) + text->size() + 1));
  }
  const size_t frame = end_of(event.data(), 0);
  return end <= frame ? frame : 0;
}

bool HasEventFrame(Bytes body, Bytes frame) {
  uoffset_t length;
  if (body.size() < frame.size() + sizeof(length) ||
      std::memcmp(body.data(), frame.data(), frame.size()) != 0) {
    return false;
  }
  std::memcpy(&length, body.data() + frame.size(), sizeof(length));
  return length <= body.size() - frame.size() - sizeof(length);
}

}  // namespace roost
