#include "client/append_check.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "log/record_format.h"

namespace roost {
namespace {

const Condition* ConditionOfFirst(const Batch& batch) {
  if (batch.events.empty()) return nullptr;
  const auto found = std::find_if(
      batch.conditions.begin(), batch.conditions.end(),
      [&batch](const Condition& condition) { return condition.stream == batch.events[0].stream; });
  return found == batch.conditions.end() ? nullptr : &*found;
}

RecordHeader HeaderOf(const Page& page, size_t index) {
  RecordHeader header;
  std::memcpy(&header, page.record(index).data(), sizeof(header));
  return header;
}

std::string_view ContentType(const NewEvent& event) {
  return event.content_type.empty() ? "application/json" : std::string_view(event.content_type);
}

}  // namespace

bool AppendCheck::Applies(const Batch& batch) {
  return !batch.id.empty() && ConditionOfFirst(batch) != nullptr;
}

AppendCheck::AppendCheck(const Batch& batch) : batch_(batch) {
  ROOST_CHECK(Applies(batch));
  query_.filter.stream = batch.events[0].stream;
  query_.from_revision = ConditionOfFirst(batch)->expect + 1;
  query_.limit = 1;
}

bool AppendCheck::IsSame(const EventView& event, size_t index) const {
  const NewEvent& ours = batch_.events[index];
  return event.stream == ours.stream && event.type == ours.type && event.data == ours.data &&
         event.content_type == ContentType(ours);
}

AppendCheck::Verdict AppendCheck::Take(const Page& page) {
  if (page.empty()) return Verdict::kNotBefore;
  const EventView first = page[0];
  if (first.id != batch_.id) return Verdict::kNotBefore;
  const size_t count = batch_.events.size();
  // A batch lies side by side, so its length and its events are all of its content.
  if (HeaderOf(page, 0).batch_count != count) return Verdict::kIdReused;
  if (count > 1 && !whole_batch_asked_) {
    whole_batch_asked_ = true;
    query_ = ReadQuery();
    query_.after = first.sequence - 1;
    query_.before = first.sequence + count;
    query_.limit = static_cast<uint32_t>(count);
    query_.bytes_max = UINT64_MAX;
    return Verdict::kReadOn;
  }
  if (page.size() != count) return Verdict::kNotBefore;
  for (size_t i = 0; i < count; ++i) {
    if (!IsSame(page[i], i)) return Verdict::kIdReused;
  }
  const EventView last = page[count - 1];
  result_.appended = true;
  result_.duplicate = true;
  result_.first = first.sequence;
  result_.sequence = last.sequence;
  result_.revision = last.revision;
  result_.count = static_cast<uint32_t>(count);
  return Verdict::kBefore;
}

AppendResult AppendCheck::result(uint64_t head, Durability durability) const {
  AppendResult result = result_;
  result.head = head;
  result.durability = durability;
  return result;
}

}  // namespace roost
