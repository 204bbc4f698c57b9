// The events that belong together by their correlation and causation ids, found in one walk through the log: causes
// stand in it before what they cause. One thread.
#ifndef ROOST_TOOLS_EVENT_TRACE_H_
#define ROOST_TOOLS_EVENT_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "roost/event.h"

namespace roost {

class EventTrace {
 public:
  // What is traced: a correlation id, or the id of an event.
  explicit EventTrace(std::string_view id);
  // The event with this sequence: what it belongs to, and what it causes.
  void AddRoot(const EventView& event);

  // True: the event belongs to it; its place is size() - 1. Events come in the order of the log.
  bool Take(const EventView& event);

  size_t size() const { return parents_.size(); }
  struct Place {
    size_t index;  // of the event, in the order of Take
    size_t depth;  // 0: its cause is none of these
  };
  // As a tree: each event before those that it caused, else in the order of the log.
  std::vector<Place> Tree() const;

 private:
  static constexpr size_t kNone = SIZE_MAX;

  bool Belongs(const EventView& event) const;

  std::set<std::string, std::less<>> correlations_;
  std::set<std::string, std::less<>> ids_;             // events with these are roots
  std::map<std::string, size_t, std::less<>> places_;  // by id and by sequence of the events found
  std::set<std::string, std::less<>> causes_;          // of events to be found
  std::vector<size_t> parents_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_EVENT_TRACE_H_
