// What the events of $leases say about who holds what, read with code of its own: keys are sets of texts, and an event
// that should not be there is a violation. One thread.
#ifndef ROOST_TESTS_SUPPORT_CLAIM_ORACLE_H_
#define ROOST_TESTS_SUPPORT_CLAIM_ORACLE_H_

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

using ClaimTexts = std::set<std::string>;

// The keys that tests claim, and what each matches of the texts that tell them apart.
inline const std::map<std::string, ClaimTexts> kClaimTexts = {
    {"a", {"a"}},
    {"b", {"b"}},
    {"a/x", {"a/x"}},
    {"a/y", {"a/y"}},
    {"b/x/z", {"b/x/z"}},
    {"a/*", {"a/x", "a/y", "a/q"}},
    {"*/x", {"a/x", "b/x"}},
    {"a/**", {"a", "a/x", "a/y", "a/q", "a/q/x", "a/q/z"}},
    {"**/x", {"x", "a/x", "b/x", "a/q/x"}},
    {"b/**/z", {"b/z", "b/x/z"}},
    {"*", {"a", "b", "x", "only"}},
};

inline ClaimTexts TextsOf(const std::vector<std::string>& keys) {
  ClaimTexts texts;
  for (const std::string& key : keys) {
    texts.insert(kClaimTexts.at(key).begin(), kClaimTexts.at(key).end());
  }
  return texts;
}

inline bool Meet(const ClaimTexts& a, const ClaimTexts& b) {
  return std::ranges::any_of(a, [&b](const std::string& text) { return b.contains(text); });
}

class ClaimOracle {
 public:
  struct Held {
    uint64_t session;
    std::vector<std::string> keys;
  };

  // An event of $leases, or one of $agents, in the order of the log.
  void See(uint64_t sequence, uint64_t session, std::string_view type, std::string_view data) {
    if (type == "agent.left") return Left(sequence, session);
    if (type.starts_with("agent.")) return;
    const boost::json::value value = boost::json::parse(std::string(data));
    if (type == "lease.granted" || type == "lease.renewed") {
      Granted(sequence, session, value);
    } else if (held_.erase(NumberOf(value.at("token"))) != 1) {
      Violation(sequence, "ends what nobody holds");
    }
  }

  const std::map<uint64_t, Held>& held() const { return held_; }            // now, by token
  const std::map<uint64_t, uint64_t>& granted() const { return granted_; }  // ever: token, session
  const std::vector<std::string>& violations() const { return violations_; }

  // The texts of those keys that the session does not hold already.
  ClaimTexts NewTexts(uint64_t session, const std::vector<std::string>& keys) const {
    std::vector<std::string> fresh;
    for (const std::string& key : keys) {
      const bool own = std::ranges::any_of(held_, [&](const auto& lease) {
        return lease.second.session == session &&
               std::ranges::find(lease.second.keys, key) != lease.second.keys.end();
      });
      if (!own) fresh.push_back(key);
    }
    return TextsOf(fresh);
  }

  static std::vector<std::string> KeysIn(const boost::json::value& data) {
    std::vector<std::string> keys;
    for (const auto& key : data.at("keys").as_array()) {
      keys.emplace_back(std::string_view(key.as_string()));
    }
    return keys;
  }

 private:
  static uint64_t NumberOf(const boost::json::value& value) { return value.to_number<uint64_t>(); }

  void Violation(uint64_t sequence, const std::string& what) {
    violations_.push_back("event " + std::to_string(sequence) + " " + what);
  }

  void Granted(uint64_t token, uint64_t session, const boost::json::value& data) {
    if (!granted_.empty() && token <= granted_.rbegin()->first) Violation(token, "does not grow");
    granted_[token] = session;
    Held granted{session, KeysIn(data)};
    for (const auto& [other, lease] : held_) {
      if (lease.session != session && Meet(TextsOf(lease.keys), TextsOf(granted.keys))) {
        Violation(token, "overlaps with " + std::to_string(other) + " of another session");
      }
    }
    if (const auto* replaces = data.as_object().if_contains("replaces")) {
      for (const auto& old : replaces->as_array()) Replace(token, NumberOf(old), granted);
    }
    held_[token] = std::move(granted);
  }

  void Replace(uint64_t token, uint64_t old, const Held& by) {
    const auto found = held_.find(old);
    if (found == held_.end() || found->second.session != by.session) {
      return Violation(token, "replaces what its session does not hold");
    }
    std::erase_if(found->second.keys, [&](const std::string& key) {
      return std::ranges::find(by.keys, key) != by.keys.end();
    });
    if (found->second.keys.empty()) held_.erase(found);
  }

  void Left(uint64_t sequence, uint64_t session) {
    for (const auto& [token, lease] : held_) {
      if (lease.session == session)
        Violation(sequence, "leaves " + std::to_string(token) + " held");
    }
  }

  std::map<uint64_t, Held> held_;
  std::map<uint64_t, uint64_t> granted_;
  std::vector<std::string> violations_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_CLAIM_ORACLE_H_
