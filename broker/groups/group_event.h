// What happened to a group, as its event in $groups/<stream>/<group> tells it (docs/streams.md): made when it
// happens, read again when the log is recovered. Pure functions, any thread.
#ifndef ROOST_BROKER_GROUPS_GROUP_EVENT_H_
#define ROOST_BROKER_GROUPS_GROUP_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/groups/revision_ranges.h"
#include "log/record_format.h"
#include "schemas/control_generated.h"
#include "schemas/event_generated.h"

namespace roost {

struct GroupEvent {
  enum class Kind {
    kCreated,
    kTaken,
    kSettled,
    kReturned,
    kParked,
    kRetried,
    kDropped,
    kRemoved,
    kSkipped,
  };

  Kind kind = Kind::kCreated;
  uint64_t next = 0;                            // kCreated; kSkipped: what is before it is gone
  uint64_t lease = 0;                           // kTaken: its own sequence; kReturned
  uint64_t session = 0;                         // kTaken: whose request it was
  uint64_t request = 0;                         // kTaken: its number
  uint32_t lease_ms = 0;                        // kTaken
  wire::Outcome outcome = wire::Outcome::Done;  // kSettled
  RevisionRanges revisions = {};                // normalized; not kCreated, kRemoved, kSkipped
  uint64_t count = 0;                  // kSettled: tokens of the request; kSkipped: events given up
  std::vector<uint32_t> refused = {};  // kSettled: indices of those that were not settled
  uint64_t checkpoint = 0;             // kRemoved
  uint64_t parked = 0;                 // kRemoved: events that were
  std::string note = {};               // of a request
  std::string reason = {};             // kReturned, kParked
};

inline constexpr uint64_t kTakeMax = 500;
inline constexpr uint64_t kSettleTokensMax = 500;

std::string_view TypeOf(const GroupEvent& event);
std::string DataOf(const GroupEvent& event);

// What an event of a group's stream tells; nullopt: nothing that makes sense.
std::optional<GroupEvent> DecodeGroupEvent(const RecordHeader& header, const wire::Event& event);

struct GroupName {
  std::string_view stream;
  std::string_view group;
};

// The name of a group's own stream, and back; nullopt: it is of no group.
std::string GroupStreamOf(const GroupName& name);
std::optional<GroupName> GroupOfStream(std::string_view stream);

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_EVENT_H_
