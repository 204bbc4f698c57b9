#include "broker/groups/group_event.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <iterator>

#include "broker/coordination/own_streams.h"
#include "broker/groups/group_state.h"
#include "broker/own_event.h"

namespace roost {
namespace {

namespace json = boost::json;
using Kind = GroupEvent::Kind;
using wire::Outcome;

struct NamedKind {
  Kind kind;
  std::string_view type;
};
constexpr NamedKind kKinds[] = {
    {Kind::kCreated, kGroupCreatedType}, {Kind::kTaken, kGroupTakenType},
    {Kind::kSettled, kGroupSettledType}, {Kind::kReturned, kGroupReturnedType},
    {Kind::kParked, kGroupParkedType},   {Kind::kRetried, kGroupRetriedType},
    {Kind::kDropped, kGroupDroppedType}, {Kind::kRemoved, kGroupRemovedType},
    {Kind::kSkipped, kGroupSkippedType},
};

struct NamedOutcome {
  Outcome outcome;
  std::string_view name;
};
constexpr NamedOutcome kOutcomes[] = {
    {Outcome::Done, "done"}, {Outcome::Retry, "retry"}, {Outcome::Park, "park"}};

std::string_view NameOf(Outcome outcome) {
  for (const NamedOutcome& named : kOutcomes) {
    if (named.outcome == outcome) return named.name;
  }
  return "";
}

void AppendRanges(const RevisionRanges& ranges, std::string* data) {
  *data += "\"revisions\":[";
  for (size_t i = 0; i < ranges.size(); ++i) {
    fmt::format_to(std::back_inserter(*data), "{}[{},{}]", i == 0 ? "" : ",", ranges[i].first,
                   ranges[i].last);
  }
  *data += ']';
}

void AppendText(std::string_view name, std::string_view text, std::string* data) {
  if (text.empty()) return;
  fmt::format_to(std::back_inserter(*data), R"(,"{}":{})", name, JsonString(text));
}

void AppendRefused(const std::vector<uint32_t>& refused, std::string* data) {
  if (refused.empty()) return;
  *data += ",\"refused\":[";
  for (size_t i = 0; i < refused.size(); ++i) {
    fmt::format_to(std::back_inserter(*data), "{}{}", i == 0 ? "" : ",", refused[i]);
  }
  *data += ']';
}

// ---- reading ----

std::optional<uint64_t> NumberIn(const json::value& value) {
  if (const int64_t* number = value.if_int64(); number != nullptr && *number >= 0) {
    return static_cast<uint64_t>(*number);
  }
  if (const uint64_t* number = value.if_uint64()) return *number;
  return std::nullopt;
}

std::optional<uint64_t> NumberIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? std::nullopt : NumberIn(*value);
}

std::string_view TextIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::optional<RevisionRanges> RangesIn(const json::object& object) {
  const json::value* value = object.if_contains("revisions");
  const json::array* pairs = value == nullptr ? nullptr : value->if_array();
  if (pairs == nullptr) return std::nullopt;
  RevisionRanges ranges;
  for (const json::value& item : *pairs) {
    const json::array* pair = item.if_array();
    if (pair == nullptr || pair->size() != 2) return std::nullopt;
    const auto first = NumberIn((*pair)[0]);
    const auto last = NumberIn((*pair)[1]);
    if (!first.has_value() || !last.has_value()) return std::nullopt;
    ranges.push_back({*first, *last});
  }
  return Normalized(std::move(ranges), GroupState::kOpenMax);
}

std::vector<uint32_t> RefusedIn(const json::object& object) {
  std::vector<uint32_t> refused;
  const json::value* value = object.if_contains("refused");
  const json::array* indices = value == nullptr ? nullptr : value->if_array();
  if (indices == nullptr) return refused;
  for (const json::value& item : *indices) {
    const auto index = NumberIn(item);
    if (index.has_value() && *index < kSettleTokensMax) {
      refused.push_back(static_cast<uint32_t>(*index));
    }
  }
  return refused;
}

bool FillSettled(const json::object& object, GroupEvent* event) {
  const std::string_view name = TextIn(object, "outcome");
  for (const NamedOutcome& named : kOutcomes) {
    if (named.name != name) continue;
    event->outcome = named.outcome;
    const auto count = NumberIn(object, "count");
    if (!count.has_value() || *count > kSettleTokensMax) return false;
    event->count = *count;
    event->refused = RefusedIn(object);
    return true;
  }
  return false;
}

bool Fill(const RecordHeader& header, const json::object& object, GroupEvent* event) {
  if (event->kind == Kind::kCreated || event->kind == Kind::kSkipped) {
    const auto next = NumberIn(object, "next");
    if (!next.has_value() || *next == 0) return false;
    event->next = *next;
    event->count = NumberIn(object, "count").value_or(0);
    return true;
  }
  if (event->kind == Kind::kRemoved) {
    event->checkpoint = NumberIn(object, "checkpoint").value_or(0);
    event->parked = NumberIn(object, "parked").value_or(0);
    return true;
  }
  auto ranges = RangesIn(object);
  if (!ranges.has_value() || ranges->empty()) return false;
  event->revisions = *std::move(ranges);
  if (event->kind == Kind::kSettled) return FillSettled(object, event);
  if (event->kind == Kind::kReturned) {
    event->lease = NumberIn(object, "lease").value_or(0);
    return true;
  }
  if (event->kind != Kind::kTaken) return true;
  const auto lease_ms = NumberIn(object, "lease_ms");
  if (!lease_ms.has_value() || *lease_ms > UINT32_MAX) return false;
  event->lease_ms = static_cast<uint32_t>(*lease_ms);
  event->lease = header.sequence;
  event->session = header.session;
  event->request = header.request;
  return true;
}

}  // namespace

std::string_view TypeOf(const GroupEvent& event) {
  for (const NamedKind& named : kKinds) {
    if (named.kind == event.kind) return named.type;
  }
  return "";
}

std::string DataOf(const GroupEvent& event) {
  if (event.kind == Kind::kCreated) return fmt::format(R"({{"next":{}}})", event.next);
  if (event.kind == Kind::kRemoved) {
    std::string data =
        fmt::format(R"({{"checkpoint":{},"parked":{})", event.checkpoint, event.parked);
    AppendText("note", event.note, &data);
    return data + '}';
  }
  if (event.kind == Kind::kSkipped) {
    return fmt::format(R"({{"next":{},"count":{}}})", event.next, event.count);
  }
  std::string data = "{";
  if (event.kind == Kind::kTaken) data += fmt::format(R"("lease_ms":{},)", event.lease_ms);
  if (event.kind == Kind::kSettled)
    data += fmt::format(R"("outcome":"{}",)", NameOf(event.outcome));
  if (event.kind == Kind::kReturned) data += fmt::format(R"("lease":{},)", event.lease);
  AppendRanges(event.revisions, &data);
  if (event.kind == Kind::kSettled) data += fmt::format(R"(,"count":{})", event.count);
  AppendRefused(event.refused, &data);
  AppendText("reason", event.reason, &data);
  AppendText("note", event.note, &data);
  data += '}';
  return data;
}

std::optional<GroupEvent> DecodeGroupEvent(const RecordHeader& header, const wire::Event& event) {
  const std::string_view type = event.type()->string_view();
  for (const NamedKind& named : kKinds) {
    if (named.type != type) continue;
    GroupEvent decoded;
    decoded.kind = named.kind;
    // A recovery may read millions of these: no allocation for the usual one.
    unsigned char buffer[4096];
    json::monotonic_resource memory(buffer, sizeof(buffer));
    json::error_code error;
    const json::value value = json::parse(DataOf(event), error, &memory);
    if (error || !value.is_object()) return std::nullopt;
    if (!Fill(header, value.get_object(), &decoded)) return std::nullopt;
    return decoded;
  }
  return std::nullopt;
}

std::string GroupStreamOf(const GroupName& name) {
  return fmt::format("{}{}/{}", kGroupsPrefix, name.stream, name.group);
}

std::optional<GroupName> GroupOfStream(std::string_view stream) {
  if (!stream.starts_with(kGroupsPrefix)) return std::nullopt;
  stream.remove_prefix(kGroupsPrefix.size());
  const size_t slash = stream.rfind('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == stream.size()) {
    return std::nullopt;
  }
  return GroupName{stream.substr(0, slash), stream.substr(slash + 1)};
}

}  // namespace roost
