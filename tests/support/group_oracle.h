// What must be true of groups, read from the log alone, with code of its own: it keeps one entry for each event
// of each stream and knows nothing of how the broker keeps them.
//
// Feed it every event of the log in order; what breaks a rule is in violations().
#ifndef ROOST_TESTS_SUPPORT_GROUP_ORACLE_H_
#define ROOST_TESTS_SUPPORT_GROUP_ORACLE_H_

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace roost {

class GroupOracle {
 public:
  enum class State { kTaken, kReturned, kParked, kDone, kDropped };
  struct Item {
    State state = State::kTaken;
    uint64_t lease = 0;  // the last one, also when it is settled
    uint64_t session = 0;
    uint64_t tries = 0;
  };
  struct Group {
    uint64_t first = 1;
    uint64_t next = 1;
    std::map<uint64_t, Item> items;                    // by revision, every one ever handed out
    std::set<uint64_t> taken, returned;                // those of the items that are in this state
    std::map<uint64_t, std::vector<uint64_t>> leases;  // what each lease was given

    uint64_t checkpoint() const {
      uint64_t lowest = next;
      if (!taken.empty()) lowest = std::min(lowest, *taken.begin());
      if (!returned.empty()) lowest = std::min(lowest, *returned.begin());
      return lowest - 1;
    }
    void Set(uint64_t revision, State state) {
      taken.erase(revision);
      returned.erase(revision);
      if (state == State::kTaken) taken.insert(revision);
      if (state == State::kReturned) returned.insert(revision);
      items[revision].state = state;
    }
    uint64_t Count(State state) const {
      uint64_t count = 0;
      for (const auto& [revision, item] : items) count += item.state == state ? 1 : 0;
      return count;
    }
  };

  explicit GroupOracle(uint64_t max_tries) : max_tries_(max_tries) {}

  void See(uint64_t sequence, uint64_t session, const std::string& stream, const std::string& type,
           const std::string& data) {
    at_ = fmt::format("at {} {} {} {}: ", sequence, stream, type, data);
    if (stream == "$agents" && type == "agent.left") ExpectHoldsNothing(session);
    if (!stream.starts_with("$groups/")) {
      ++revisions_[stream];
      return;
    }
    const boost::json::object event = boost::json::parse(data).as_object();
    name_ = stream.substr(8);
    if (type == "group.created") {
      Expect(!groups_.contains(name_), "created twice");
      groups_[name_].first = groups_[name_].next = event.at("next").to_number<uint64_t>();
      return;
    }
    Expect(groups_.contains(name_), "before it was created");
    Group& group = groups_[name_];
    if (type == "group.removed") {
      Expect(group.taken.empty(), "removed while somebody holds something of it");
      groups_.erase(name_);
      ++removed_;
      return;
    }
    if (type == "group.skipped") {
      return OnSkipped(group, event.at("next").to_number<uint64_t>(),
                       event.at("count").to_number<uint64_t>());
    }
    std::vector<uint64_t> revisions;
    for (const auto& range : event.at("revisions").as_array()) {
      const auto last = range.at(1).to_number<uint64_t>();
      for (auto next = range.at(0).to_number<uint64_t>(); next <= last; ++next) {
        Expect(revisions.empty() || revisions.back() < next, "not in order");
        revisions.push_back(next);
      }
    }
    Expect(!revisions.empty(), "about nothing");
    if (type == "group.taken") OnTaken(group, sequence, session, revisions);
    if (type == "group.settled") {
      OnSettled(group, session, revisions, std::string(event.at("outcome").as_string()));
    }
    if (type == "group.returned") {
      OnReturned(group, event.at("lease").to_number<uint64_t>(), revisions);
    }
    if (type == "group.parked") OnParked(group, revisions);
    if (type == "group.retried") Move(group, revisions, State::kParked, State::kReturned, true);
    if (type == "group.dropped") Move(group, revisions, State::kParked, State::kDropped, false);
    const std::string of = name_.substr(0, name_.rfind('/'));
    Expect(group.next <= revisions_[of] + 1, "beyond the stream");
  }

  const std::map<std::string, Group>& groups() const { return groups_; }
  uint64_t removed() const { return removed_; }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  void Expect(bool holds, const std::string& what) {
    if (!holds && violations_.size() < 20) violations_.push_back(at_ + what);
  }

  void ExpectHoldsNothing(uint64_t session) {
    for (const auto& [name, group] : groups_) {
      for (const uint64_t revision : group.taken) {
        Expect(group.items.at(revision).session != session,
               fmt::format("who left holds {} of {}", revision, name));
      }
    }
  }

  void OnTaken(Group& group, uint64_t lease, uint64_t session,
               const std::vector<uint64_t>& revisions) {
    for (const uint64_t revision : revisions) {
      Item& item = group.items[revision];
      if (revision >= group.next) {
        Expect(revision == group.next, "leaves events out");
        group.next = revision + 1;
      } else {
        Expect(item.state == State::kReturned,
               fmt::format("hands {} out that is not free", revision));
      }
      item = {State::kTaken, lease, session, item.tries + 1};
      group.Set(revision, State::kTaken);
      Expect(item.tries <= max_tries_, fmt::format("hands {} out too often", revision));
      group.leases[lease].push_back(revision);
    }
    // What was given back comes first, the lowest of it before the others.
    if (!group.returned.empty() && *group.returned.begin() < revisions.back()) {
      Expect(false, fmt::format("passes {} over", *group.returned.begin()));
    }
  }

  // Retention took the events before `next`: what nobody has of them is given up.
  void OnSkipped(Group& group, uint64_t next, uint64_t count) {
    uint64_t skipped = next > group.next ? next - group.next : 0;
    group.next = std::max(group.next, next);
    while (!group.returned.empty() && *group.returned.begin() < next) {
      group.Set(*group.returned.begin(), State::kDropped);
      ++skipped;
    }
    Expect(skipped == count, fmt::format("gives up {}", skipped));
  }

  void OnSettled(Group& group, uint64_t session, const std::vector<uint64_t>& revisions,
                 const std::string& outcome) {
    for (const uint64_t revision : revisions) {
      Item& item = group.items[revision];
      Expect(item.state == State::kTaken && item.session == session,
             fmt::format("settles {} that it does not hold", revision));
      if (outcome == "done") group.Set(revision, State::kDone);
      if (outcome == "retry") group.Set(revision, State::kReturned);
      if (outcome == "park") group.Set(revision, State::kParked);
    }
  }

  void OnReturned(Group& group, uint64_t lease, const std::vector<uint64_t>& revisions) {
    const auto& given = group.leases[lease];
    for (const uint64_t revision : revisions) {
      Item& item = group.items[revision];
      Expect(item.state == State::kTaken && item.lease == lease,
             fmt::format("gives {} back that the lease does not hold", revision));
      group.Set(revision, State::kReturned);
    }
    // All that the lease held goes back at once, or is parked in the same breath.
    for (const uint64_t revision : given) {
      const Item& item = group.items[revision];
      const bool is_kept = item.state == State::kTaken && item.lease == lease;
      Expect(!is_kept || item.tries >= max_tries_, fmt::format("keeps {}", revision));
    }
  }

  void OnParked(Group& group, const std::vector<uint64_t>& revisions) {
    for (const uint64_t revision : revisions) {
      Item& item = group.items[revision];
      Expect(item.state == State::kTaken || item.state == State::kReturned,
             fmt::format("parks {} that is not open", revision));
      Expect(item.tries >= max_tries_,
             fmt::format("parks {} after {} tries", revision, item.tries));
      group.Set(revision, State::kParked);
    }
  }

  void Move(Group& group, const std::vector<uint64_t>& revisions, State from, State to,
            bool begins_anew) {
    for (const uint64_t revision : revisions) {
      Item& item = group.items[revision];
      Expect(item.state == from, fmt::format("moves {} that is not parked", revision));
      group.Set(revision, to);
      if (begins_anew) item.tries = 0;
    }
  }

  const uint64_t max_tries_;
  std::map<std::string, Group> groups_;  // by "<stream>/<group>"
  std::map<std::string, uint64_t> revisions_;
  uint64_t removed_ = 0;
  std::vector<std::string> violations_;
  std::string at_;    // the event that is looked at
  std::string name_;  // and its group
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_GROUP_ORACLE_H_
