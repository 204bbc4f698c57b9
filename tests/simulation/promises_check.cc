// The log in the end against what was promised.
#include <fmt/core.h>

#include <cstdio>

#include "tests/simulation/promises.h"
#include "tests/support/claim_oracle.h"
#include "tests/support/group_oracle.h"

namespace roost {
namespace {

using Revisions = std::map<std::string, uint64_t>;

bool IsOfClients(const LogEvent& event) { return !event.stream.starts_with('$'); }

// Revision of a stream at a head.
uint64_t RevisionAt(const WholeLog& log, const std::string& stream, uint64_t head) {
  uint64_t revision = 0;
  for (const LogEvent& event : log.events()) {
    if (event.header.sequence > head) break;
    if (event.stream == stream) revision = event.header.revision;
  }
  return revision;
}

}  // namespace

void Promises::Check(const WholeLog& log, bool all_settled) {
  CheckOrder(log);
  if (!violations_.empty()) return;
  FindOperations(log);
  for (uint64_t number = 0; number < operations_.size(); ++number) CheckOperation(number, log);
  CheckConditions(log);
  CheckConflicts(log);
  CheckSeen(log);
  CheckLeases(log);
  CheckGroups(log, all_settled);
}

void Promises::CheckOrder(const WholeLog& log) {
  Revisions revisions;
  uint64_t sequence = 0;
  for (const LogEvent& event : log.events()) {
    if (event.header.sequence != ++sequence) {
      return Violation(
          fmt::format("event {} is where {} should be", event.header.sequence, sequence));
    }
    if (event.header.revision != ++revisions[event.stream]) {
      return Violation(fmt::format("event {} has revision {}", sequence, event.header.revision));
    }
  }
  if (sequence < promised_) Violation(fmt::format("{} events and not {}", sequence, promised_));
}

void Promises::FindOperations(const WholeLog& log) {
  for (const LogEvent& event : log.events()) {
    if (!IsOfClients(event)) continue;
    unsigned long long number = 0, index = 0;
    const int read =
        std::sscanf(event.data.c_str(), R"({"operation":%llu,"index":%llu)", &number, &index);
    if (read != 2 || number >= operations_.size() ||
        index >= operations_[number].batch.events.size() ||
        operations_[number].batch.events[index].data != event.data ||
        operations_[number].batch.events[index].stream != event.stream) {
      Violation(fmt::format("event {} was never asked for", event.header.sequence));
      continue;
    }
    operations_[number].found.push_back(event.header.sequence);
  }
}

void Promises::CheckOperation(uint64_t number, const WholeLog& log) {
  const Operation& operation = operations_[number];
  const std::vector<uint64_t>& found = operation.found;
  const size_t count = operation.batch.events.size();
  if (found.size() > count) {
    return Violation(fmt::format("operation {} was done more than once, at {} and {}", number,
                                 found.front(), found.back()));
  }
  if (found.empty()) {
    if (operation.is_done) {
      Violation(fmt::format("operation {} was acknowledged at {} and is not there", number,
                            operation.first));
    }
    return;
  }
  if (found.size() != count || found.back() - found.front() + 1 != count) {
    return Violation(fmt::format("operation {} at {} is not whole", number, found.front()));
  }
  if (!operation.is_done && operation.open == 0) {
    return Violation(fmt::format("operation {} was refused and is at {}", number, found.front()));
  }
  if (!operation.is_done) return;
  const uint64_t revision = log.events()[found.back() - 1].header.revision;
  if (operation.first != found.front() || operation.last != found.back() ||
      operation.revision != revision) {
    Violation(
        fmt::format("operation {} was acknowledged at {} to {}, revision {}, and is at {} to "
                    "{}, revision {}",
                    number, operation.first, operation.last, operation.revision, found.front(),
                    found.back(), revision));
  }
}

void Promises::CheckConditions(const WholeLog& log) {
  std::map<uint64_t, const Operation*> begins;
  for (const Operation& operation : operations_) {
    if (!operation.found.empty()) begins[operation.found.front()] = &operation;
  }
  Revisions revisions;
  for (const LogEvent& event : log.events()) {
    if (const auto begun = begins.find(event.header.sequence); begun != begins.end()) {
      for (const Condition& condition : begun->second->batch.conditions) {
        if (revisions[condition.stream] == condition.expect) continue;
        Violation(fmt::format("event {} expected {} at {}, it was at {}", event.header.sequence,
                              condition.stream, condition.expect, revisions[condition.stream]));
      }
    }
    revisions[event.stream] = event.header.revision;
  }
}

void Promises::CheckConflicts(const WholeLog& log) {
  for (const Conflict& told : conflicts_) {
    const AppendResult::Conflict& conflict = told.conflict;
    const uint64_t least = RevisionAt(log, conflict.stream, told.head_before);
    const uint64_t most = RevisionAt(log, conflict.stream, told.head_after);
    if (conflict.revision != conflict.expect && conflict.revision >= least &&
        conflict.revision <= most) {
      continue;
    }
    Violation(fmt::format(
        "operation {} was told that {} is at {} and not at {}, it was at {} to {}", told.operation,
        conflict.stream, conflict.revision, conflict.expect, least, most));
  }
}

void Promises::CheckSeen(const WholeLog& log) {
  for (const auto& [sequence, checksum] : seen_) {
    if (sequence <= log.events().size() && log.events()[sequence - 1].header.crc32c == checksum) {
      continue;
    }
    Violation(fmt::format("event {} was seen and is not there", sequence));
  }
}

void Promises::CheckLeases(const WholeLog& log) {
  ClaimOracle oracle;
  for (const LogEvent& event : log.events()) {
    if (event.stream != "$leases" && event.stream != "$agents") continue;
    oracle.See(event.header.sequence, event.header.session, event.type, event.data);
  }
  for (const std::string& violation : oracle.violations()) Violation("leases: " + violation);
  for (const auto& [token, session] : granted_) {
    const auto granted = oracle.granted().find(token);
    if (granted != oracle.granted().end() && granted->second == session) continue;
    Violation(
        fmt::format("session {} was granted {}, which the log does not know", session, token));
  }
  for (const auto& [token, head] : released_) {
    if (oracle.held().contains(token)) Violation(fmt::format("{} was released and is held", token));
  }
}

void Promises::CheckGroups(const WholeLog& log, bool all_settled) {
  GroupOracle oracle(max_tries_);
  Revisions revisions;
  for (const LogEvent& event : log.events()) {
    oracle.See(event.header.sequence, event.header.session, event.stream, event.type, event.data);
    revisions[event.stream] = event.header.revision;
  }
  for (const std::string& violation : oracle.violations()) Violation("groups: " + violation);
  for (const Taking& told : takings_) {
    const auto group = oracle.groups().find(told.group);
    if (group != oracle.groups().end()) {
      const auto lease = group->second.leases.find(told.item.token.lease);
      if (lease != group->second.leases.end() &&
          std::ranges::find(lease->second, told.item.revision) != lease->second.end()) {
        continue;
      }
    }
    Violation(fmt::format("revision {} of {} was taken as {}, which the log does not know",
                          told.item.revision, told.group, told.item.token.ToString()));
  }
  for (const Settlement& told : settled_) {
    if (told.outcome != Outcome::kDone) continue;
    const GroupOracle::Item& item = oracle.groups().at(told.group).items.at(told.item.revision);
    if (item.state == GroupOracle::State::kDone && item.lease == told.item.token.lease) continue;
    Violation(fmt::format("revision {} of {} was settled done as {} and is not", told.item.revision,
                          told.group, told.item.token.ToString()));
  }
  if (!all_settled) return;
  for (const auto& [name, group] : oracle.groups()) {
    const std::string stream = name.substr(0, name.rfind('/'));
    if (group.taken.empty() && group.returned.empty() && group.next == revisions[stream] + 1)
      continue;
    Violation(fmt::format("{} was worked off and has {} taken, {} returned, next {} of {}", name,
                          group.taken.size(), group.returned.size(), group.next,
                          revisions[stream]));
  }
}

}  // namespace roost
