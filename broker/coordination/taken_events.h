// What the room of groups tells other rooms: which event somebody holds who took it. So an expert may decide a
// question by showing that it took the question's event.
#ifndef ROOST_BROKER_COORDINATION_TAKEN_EVENTS_H_
#define ROOST_BROKER_COORDINATION_TAKEN_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/session_table.h"
#include "schemas/control_generated.h"

namespace roost {

// Sequencer thread.
class TakenEvents {
 public:
  virtual ~TakenEvents() = default;
  // The revision in `stream` of the event that this token names, if this session holds it at this moment in
  // whatever group of that stream; else nullopt. Any token may be asked for.
  virtual std::optional<uint64_t> RevisionOf(const Session& session, std::string_view stream,
                                             const wire::ItemToken& token) const = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_TAKEN_EVENTS_H_
