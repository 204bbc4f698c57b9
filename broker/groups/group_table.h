// All groups, and the leases under which their events are in consumers' hands. It changes by what events
// tell and by nothing else, so that what is rebuilt from the log equals what was.
//
// Sequencer thread, and before it starts the thread that recovers. Bounded: see the limits below and
// GroupState's; an open event takes a kilobyte at the very worst (the last one of a lease, which keeps the
// ranges that it was given until all are settled) and next to nothing where events are handed out in runs, a group some
// 600 bytes.
#ifndef ROOST_BROKER_GROUPS_GROUP_TABLE_H_
#define ROOST_BROKER_GROUPS_GROUP_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/coordination/room.h"
#include "broker/groups/group_event.h"
#include "broker/groups/group_state.h"

namespace roost {

// Stays where it is as long as it is.
struct Group {
  std::string stream;
  std::string name;
  std::string log_stream;  // $groups/<stream>/<name>
  GroupState state;
  std::map<uint64_t, uint32_t> consumers =
      {};  // sessions that hold something, and in how many leases
};

// Events that were handed out at once.
struct GroupLease {
  Group* group = nullptr;
  uint64_t session = 0;
  uint64_t request = 0;  // the number of the Take
  uint32_t lease_ms = 0;
  RevisionRanges given = {};  // in the order of their indices
  uint64_t open = 0;          // of them, how many are not settled; 0 ends the lease
};

class GroupTable : public RecoveredTable {
 public:
  static constexpr size_t kGroupsMax = 65'536;
  static constexpr uint64_t kOpenMaxInAll = 1'048'576;
  static constexpr uint64_t kParkedMaxInAll = 1'000'000;
  // Each is an event when its session ends, which must not hold up the others for long.
  static constexpr size_t kLeasesPerSessionMax = 4096;

  // ---- looking ----

  Group* Find(const GroupName& name);
  // The next one in the order of streams, then groups, whose stream begins with `prefix`; or nullptr.
  // `after` may name one that does not exist.
  const Group* FindAfter(const GroupName& after, std::string_view prefix) const;
  const GroupLease* FindLease(uint64_t lease) const;
  std::vector<uint64_t> LeasesOf(uint64_t session) const;
  size_t CountLeasesOf(uint64_t session) const;
  // The lease of what was handed out to this Take of the session; 0: it is no more.
  uint64_t LeaseFor(uint64_t session, uint64_t request) const;
  const std::map<uint64_t, GroupLease>& leases() const { return leases_; }
  size_t size() const { return groups_.size(); }
  uint64_t open_in_all() const { return open_in_all_; }
  uint64_t parked_in_all() const { return parked_in_all_; }

  // An event that `session` holds by this token.
  struct Held {
    Group* group = nullptr;
    uint64_t revision = 0;
  };
  std::optional<Held> FindHeld(uint64_t session, const wire::ItemToken& token) const;

  // ---- changing ----

  // A new group. REQUIRES: there is none of this name, and room.
  Group& Create(const GroupName& name, uint64_t next);
  // A group goes with all that it knows, and may be put back as it was. REQUIRES: it is there, and CanRemove.
  std::unique_ptr<Group> Remove(const GroupName& name);
  void PutBack(std::unique_ptr<Group> group);
  // Nobody holds anything of it.
  static bool CanRemove(const Group& group) { return group.state.taken() == 0; }

  // Whether the event can be of this group as it is. Not for kCreated and kRemoved.
  bool CanApply(const Group& group, const GroupEvent& event) const;
  // REQUIRES: CanApply.
  void Apply(Group& group, const GroupEvent& event);
  // How to take Apply back; to be asked before it. Calls of several are made newest first.
  std::function<void()> UndoOf(Group& group, const GroupEvent& event);

  // RecoveredTable
  void OnOwnEvent(const RecordHeader& header, const wire::Event& event) override;
  void FillAnswer(const wire::Event& event, KeptAnswer* answer) override;
  SectionKind section() const override { return SectionKind::kGroups; }
  void Save(StateWriter* out) const override;
  bool Load(StateReader* in) override;

  // Equal in all that is rebuilt from the log.
  bool Equals(const GroupTable& other) const;

 private:
  static std::string KeyOf(const GroupName& name);
  void AddLease(uint64_t number, GroupLease lease);
  void RemoveLease(uint64_t number);
  // Events of these spans are no longer held.
  void LetGo(const std::vector<SpanMap::Span>& spans);
  void Change(Group& group, const GroupEvent& event);
  bool LoadGroup(StateReader* in);
  bool LoadLease(StateReader* in);
  // Each event that is taken is so under a lease of its group, and each lease has one.
  bool CountOpen();

  std::map<std::string, std::unique_ptr<Group>> groups_;  // by KeyOf
  std::map<uint64_t, GroupLease> leases_;
  // By session; each with its request before it.
  std::map<uint64_t, std::set<std::pair<uint64_t, uint64_t>>> leases_by_session_;
  std::optional<GroupEvent> last_event_;  // while the log is recovered
  uint64_t open_in_all_ = 0;
  uint64_t parked_in_all_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_TABLE_H_
