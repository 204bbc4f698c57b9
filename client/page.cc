#include <cstring>

#include "base/check.h"
#include "log/record_format.h"
#include "roost/read.h"
#include "schemas/event_generated.h"
#include "schemas/text.h"

namespace roost {

std::span<const std::byte> Page::record(size_t index) const {
  ROOST_CHECK(index < offsets_.size(), "index={} size={}", index, offsets_.size());
  const std::byte* start = bytes_.data() + offsets_[index];
  RecordHeader header;
  std::memcpy(&header, start, sizeof(header));
  return {start, header.size};
}

EventView Page::operator[](size_t index) const {
  const std::byte* start = record(index).data();
  RecordHeader header;
  std::memcpy(&header, start, sizeof(header));
  // The body was verified before it came into the page.
  const wire::Event* event = wire::GetEvent(start + kRecordHeaderBytes);
  EventView view;
  view.sequence = header.sequence;
  view.revision = header.revision;
  view.time_ns = header.time_ns;
  view.session = header.session;
  view.uid = header.uid;
  view.stream = TextOf(event->stream());
  view.type = TextOf(event->type());
  view.agent = TextOf(event->agent());
  view.id = TextOf(event->id());
  view.correlation_id = TextOf(event->correlation_id());
  view.causation_id = TextOf(event->causation_id());
  view.content_type = TextOf(event->content_type());
  if (view.content_type.empty()) view.content_type = "application/json";
  if (const auto* data = event->data()) {
    view.data = {reinterpret_cast<const char*>(data->data()), data->size()};
  }
  return view;
}

}  // namespace roost
