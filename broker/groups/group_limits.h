// What a request about a group may ask for: every name and number of it is checked here, before anything is
// done. Each refusal names the limit and what to do. Pure functions, any thread.
#ifndef ROOST_BROKER_GROUPS_GROUP_LIMITS_H_
#define ROOST_BROKER_GROUPS_GROUP_LIMITS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/append_request.h"
#include "broker/groups/group_event.h"
#include "schemas/control_generated.h"
#include "schemas/text.h"

namespace roost {

inline constexpr size_t kGroupNameBytesMax = 64;
inline constexpr uint32_t kTakeLeaseMsMin = 100;
inline constexpr uint32_t kTakeLeaseMsMax = 24 * 3600 * 1000;
inline constexpr uint32_t kTakeWaitMsMax = 50'000;
inline constexpr size_t kGroupNoteBytesMax = 1024;
inline constexpr uint32_t kListParkedMax = 1000;
inline constexpr uint32_t kListGroupsMax = 100;

std::optional<Refusal> CheckGroupName(const GroupName& name);
std::optional<Refusal> CheckTake(const wire::Take& take);
std::optional<Refusal> CheckSettle(const wire::Settle& settle);
std::optional<Refusal> CheckRemoveGroup(const wire::RemoveGroup& remove);
std::optional<Refusal> CheckUnpark(const wire::Unpark& unpark);

Refusal NoSuchGroup(const GroupName& name);

template <typename Request>
GroupName NameIn(const Request& request) {
  return {TextOf(request.stream()), TextOf(request.group())};
}

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_LIMITS_H_
