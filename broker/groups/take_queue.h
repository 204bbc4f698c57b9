// Takes that wait for events, each group's in the order in which they came, and the groups that have to be
// looked at because their stream got events or something came back. A turn costs nothing for the others.
//
// Sequencer thread. At most WaitingBudget allows; some 400 bytes each.
#ifndef ROOST_BROKER_GROUPS_TAKE_QUEUE_H_
#define ROOST_BROKER_GROUPS_TAKE_QUEUE_H_

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/coordination/waiting_budget.h"
#include "broker/groups/group_table.h"
#include "broker/peer.h"

namespace roost {

struct WaitingTake {
  Peer* peer = nullptr;
  Session* session = nullptr;
  uint64_t number = 0;       // of the request
  uint64_t received_ns = 0;  // CLOCK_MONOTONIC
  Group* group = nullptr;
  uint32_t max = 0;
  uint32_t lease_ms = 0;
  uint64_t deadline_ns = 0;  // 0: it only stands in line, and is answered at the end of the turn
};

class TakeQueue {
 public:
  explicit TakeQueue(WaitingBudget* budget) : budget_(budget) {}

  // Behind all that wait for the group; or why not. Nothing happens if this request waits already.
  std::optional<Refusal> Add(const WaitingTake& take);
  // Nothing happens if it is not there.
  void Remove(Session& session, uint64_t number);
  void RemoveAll(Session& session);

  size_t Count(const Group* group) const;
  bool Has(const Session& session, uint64_t number) const;
  // Of those that wait for the group the first; nullptr: nobody. Valid until it is removed.
  const WaitingTake* First(const Group* group) const;

  // There may be something for those who wait.
  void NoteStream(std::string_view stream);
  void NoteGroup(Group* group);
  bool HasNoted() const { return !noted_streams_.empty() || !noted_groups_.empty(); }
  // The groups that were noted, once, of those for which somebody waits.
  std::vector<Group*> TakeNoted();
  bool HasStreams() const { return !streams_.empty(); }

  // Those that only stand in line; nullptr: none is left.
  const WaitingTake* FirstAtOnce() const;

  // When the first one has waited for long enough; UINT64_MAX: never.
  uint64_t NextDeadlineNs() const;
  // That one. REQUIRES: NextDeadlineNs() is not UINT64_MAX.
  const WaitingTake& FirstToEnd() const;

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // session and request
  struct Queue {
    std::list<WaitingTake> takes;
    bool is_noted = false;
  };
  struct Stream {
    std::vector<Group*> groups;
    bool is_noted = false;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  void RemoveAt(std::map<Key, std::list<WaitingTake>::iterator>::iterator place);
  void LeaveStream(Group* group);

  WaitingBudget* const budget_;
  std::unordered_map<const Group*, Queue> queues_;
  std::unordered_map<std::string, Stream, Hash, std::equal_to<>> streams_;
  std::map<Key, std::list<WaitingTake>::iterator> takes_;
  std::set<std::pair<uint64_t, Key>> deadlines_;
  std::set<Key> at_once_;
  std::vector<std::string> noted_streams_;
  std::vector<Group*> noted_groups_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_TAKE_QUEUE_H_
