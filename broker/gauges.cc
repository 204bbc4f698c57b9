#include "broker/gauges.h"

namespace roost {

void Gauges::BringUpToDate(uint64_t now_ns) {
  is_stale_ = false;
  due_ns_ = now_ns + kIntervalNs;
  CountersWriter& counters = *parts_.counters;
  counters.Set(Counter::kLeases, parts_.leases->size());
  counters.Set(Counter::kLeaseKeys, parts_.leases->keys());
  counters.Set(Counter::kRequestsWaiting, parts_.waiting->waiting());
  counters.Set(Counter::kGroups, parts_.groups->size());
  counters.Set(Counter::kEventsTaken, parts_.groups->open_in_all());
  counters.Set(Counter::kEventsParked, parts_.groups->parked_in_all());
  counters.Set(Counter::kWakerQueue, parts_.waker->queue_depth());
  counters.Set(Counter::kLibrarianQueue, parts_.librarian->queue_depth());
  counters.Set(Counter::kExaminations, parts_.examiner->jobs());
  counters.Set(Counter::kOwnEventsWaiting, parts_.own_events->waiting());
  WriteGroups();
  if (parts_.on_work) parts_.on_work();
}

void Gauges::WriteGroups() {
  GroupCountersWriter& rows = parts_.counters->groups();
  rows.Begin();
  const Group* group = parts_.groups->FindAfter({}, {});
  for (; group != nullptr; group = parts_.groups->FindAfter({group->stream, group->name}, {})) {
    const GroupState& state = group->state;
    if (!rows.Write(group->stream, group->name,
                    {parts_.log->RevisionOf(group->stream), state.checkpoint(), state.next(),
                     state.taken(), state.returned(), state.parked(), group->consumers.size()})) {
      break;
    }
  }
  parts_.counters->Set(Counter::kGroupRows, rows.End());
}

}  // namespace roost
