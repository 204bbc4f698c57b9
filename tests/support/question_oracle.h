// What the events of $questions and $verdicts say about who decides what, read with code of its own; an event that should
// not be there is a violation. One user. One thread.
#ifndef ROOST_TESTS_SUPPORT_QUESTION_ORACLE_H_
#define ROOST_TESTS_SUPPORT_QUESTION_ORACLE_H_

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roost {

class QuestionOracle {
 public:
  struct Told {  // to decide
    uint64_t session = 0;
    uint64_t before = 0;        // the token that was good for the same question before; 0: none
    bool before_left = false;   // whoever had that has left the log before this
  };
  struct Verdict {
    uint64_t sequence = 0;
    std::string policy, key, verdict, reason, agent;
    uint64_t ttl_ms = 0;
    bool is_rule = false;
  };

  // Between events `first` and `last` the policy may have become another one: what is open may be forgotten.
  void PolicyMayChange(uint64_t first, uint64_t last) { changes_.emplace_back(first, last); }

  // Every event of the log, in its order.
  void See(uint64_t sequence, uint64_t session, const std::string& stream, const std::string& type,
           const std::string& data, const std::string& agent) {
    if (stream == "$agents") {
      if (type == "agent.left") left_.insert(session);
      if (type == "agent.rejoined") left_.erase(session);
      return;
    }
    if (stream != "$questions" && stream != "$verdicts") return;
    const boost::json::object event = boost::json::parse(data).as_object();
    if (type == "question.asked") return Asked(sequence, session, event);
    if (type == "question.reassigned") return Reassigned(sequence, session, event);
    if (type == "question.abandoned") return Abandoned(sequence, event);
    Decided(sequence, session, type == "verdict.ruled", event, agent);
  }

  const std::map<uint64_t, Told>& told() const { return told_; }  // by token
  const std::vector<Verdict>& verdicts() const { return verdicts_; }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  using Id = std::pair<std::string, std::string>;  // key, policy
  struct Open {
    uint64_t sequence = 0;
    uint64_t token = 0;
    uint64_t session = 0;
    bool is_abandoned = false;
  };

  static std::string Text(const boost::json::object& event, std::string_view name) {
    const auto* value = event.if_contains(name);
    return value == nullptr ? std::string() : std::string(value->as_string());
  }
  static uint64_t Number(const boost::json::object& event, std::string_view name) {
    const auto* value = event.if_contains(name);
    return value == nullptr ? 0 : value->to_number<uint64_t>();
  }
  void Violation(uint64_t sequence, std::string_view what) {
    violations_.push_back(fmt::format("event {} {}", sequence, what));
  }
  bool PolicyMayHaveChanged(uint64_t after, uint64_t before) const {
    for (const auto& [first, last] : changes_) {
      if (last + 1 >= after && first < before) return true;
    }
    return false;
  }

  void Asked(uint64_t sequence, uint64_t session, const boost::json::object& event) {
    const Id id{Text(event, "key"), Text(event, "policy")};
    if (const auto open = open_.find(id); open != open_.end()) {
      if (!PolicyMayHaveChanged(open->second.sequence, sequence)) {
        Violation(sequence, "asks what is open");
      }
      by_sequence_.erase(open->second.sequence);
    }
    if (const auto decided = lasting_.find(id); decided != lasting_.end()) {
      Violation(sequence, fmt::format("asks what {} has decided for ever", decided->second));
    }
    open_[id] = {sequence, sequence, session, false};
    by_sequence_[sequence] = id;
    told_[sequence] = {session, 0, false};
  }

  Open* Find(uint64_t sequence, const boost::json::object& event) {
    const auto found = by_sequence_.find(Number(event, "question"));
    if (found != by_sequence_.end()) return &open_.at(found->second);
    Violation(sequence, "is about a question that is not open");
    return nullptr;
  }

  void Reassigned(uint64_t sequence, uint64_t session, const boost::json::object& event) {
    Open* open = Find(sequence, event);
    if (open == nullptr) return;
    told_[sequence] = {session, open->is_abandoned ? 0 : open->token, left_.contains(open->session)};
    open->token = sequence;
    open->session = session;
    open->is_abandoned = false;
  }

  void Abandoned(uint64_t sequence, const boost::json::object& event) {
    Open* open = Find(sequence, event);
    if (open == nullptr) return;
    if (open->is_abandoned) Violation(sequence, "abandons what nobody decides");
    open->is_abandoned = true;
  }

  void Decided(uint64_t sequence, uint64_t session, bool is_rule, const boost::json::object& event,
               const std::string& agent) {
    const Id id{Text(event, "key"), Text(event, "policy")};
    verdicts_.push_back({sequence, id.second, id.first, Text(event, "verdict"),
                         Text(event, "reason"), agent, Number(event, "ttl_ms"), is_rule});
    if (is_rule) return;
    const auto open = open_.find(id);
    if (open == open_.end()) return Violation(sequence, "decides what is not open");
    if (open->second.session != session) Violation(sequence, "is by somebody who was not told to");
    if (Number(event, "question") != open->second.sequence) {
      Violation(sequence, "is about another question than its key says");
    }
    by_sequence_.erase(open->second.sequence);
    open_.erase(open);
    if (Number(event, "ttl_ms") == 0) {
      lasting_[id] = sequence;
    } else {
      lasting_.erase(id);
    }
  }

  std::map<Id, Open> open_;
  std::map<uint64_t, Id> by_sequence_;  // of those open
  std::map<Id, uint64_t> lasting_;      // decisions without an end
  std::map<uint64_t, Told> told_;
  std::vector<Verdict> verdicts_;
  std::set<uint64_t> left_;  // sessions
  std::vector<std::pair<uint64_t, uint64_t>> changes_;
  std::vector<std::string> violations_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_QUESTION_ORACLE_H_
