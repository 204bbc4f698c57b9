// Replies about groups as bytes. Sequencer thread; what it returns is valid until its next call.
#ifndef ROOST_BROKER_GROUPS_GROUP_REPLIES_H_
#define ROOST_BROKER_GROUPS_GROUP_REPLIES_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <functional>
#include <span>

#include "base/bytes.h"
#include "broker/answer_window.h"
#include "broker/groups/group_table.h"
#include "schemas/control_generated.h"

namespace roost {

class GroupReplies {
 public:
  Bytes Queued(uint64_t number);
  Bytes Taken(uint64_t number, uint64_t lease, const GroupLease& what);
  Bytes NothingTaken(uint64_t number, uint64_t parked);
  // One bit a token; `refused` says which were not settled (nullptr: none).
  Bytes Settled(uint64_t number, uint32_t count, const std::vector<bool>* refused);
  Bytes Parked(uint64_t number, const GroupState& state, uint64_t after, uint32_t limit);
  Bytes Unparked(uint64_t number, uint64_t count);
  Bytes GroupRemoved(uint64_t number, uint64_t parked);
  Bytes GroupInUse(uint64_t number, uint64_t taken, uint64_t waiting);

  // What the table does not know of a group.
  struct Surroundings {
    uint64_t head = 0;  // of its stream
    uint64_t waiting = 0;
  };
  Bytes Groups(uint64_t number, const GroupTable& table, const wire::ListGroups& list,
               const std::function<Surroundings(const Group&)>& look);

 private:
  template <typename Body>
  Bytes Finish(uint64_t number, flatbuffers::Offset<Body> body);

  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_REPLIES_H_
