#include "ipc/event_frame.h"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstring>

namespace roost {
namespace {

using flatbuffers::uoffset_t;
using flatbuffers::voffset_t;
using wire::Event;

constexpr voffset_t kFields[] = {
    Event::VT_STREAM,         Event::VT_TYPE,         Event::VT_AGENT,        Event::VT_ID,
    Event::VT_CORRELATION_ID, Event::VT_CAUSATION_ID, Event::VT_CONTENT_TYPE, Event::VT_DATA};
static_assert(Event::VT_DATA == 18, "a new field must be looked at as well");

}  // namespace

// The verifier reads the root's offset, the table's offset of its vtable, the vtable, the field of each offset that is in it, and what
// that leads to. Where all of it lies in the frame, bodies that begin with the frame are equal to it.
size_t EventFrameBytes(const Event& event, Bytes body) {
  if (event.data() == nullptr) return 0;
  const auto* const begin = reinterpret_cast<const uint8_t*>(body.data());
  const auto* const table = reinterpret_cast<const flatbuffers::Table*>(&event);
  const auto place = [begin](const void* pointer) {
    return static_cast<size_t>(static_cast<const uint8_t*>(pointer) - begin);
  };
  const size_t frame = place(event.data());
  const uint8_t* const vtable = table->GetVTable();
  size_t end = std::max(place(table) + sizeof(flatbuffers::soffset_t),
                        place(vtable) + flatbuffers::ReadScalar<voffset_t>(vtable));
  for (const voffset_t field : kFields) {
    const voffset_t offset = table->GetOptionalFieldOffset(field);
    if (offset == 0) continue;
    end = std::max(end, place(table) + offset + sizeof(uoffset_t));
    if (field == Event::VT_DATA) continue;
    const auto* const text = table->GetPointer<const flatbuffers::String*>(field);
    end = std::max(end, place(text) + sizeof(uoffset_t) + text->size() + 1);
  }
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
