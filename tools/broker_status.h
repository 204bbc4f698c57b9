// How a broker does: what it says itself, and what its counters file says, which is there also when the
// broker hangs or is dead. One thread.
#ifndef ROOST_TOOLS_BROKER_STATUS_H_
#define ROOST_TOOLS_BROKER_STATUS_H_

#include <optional>
#include <string>

#include "ipc/counters_reader.h"
#include "roost/client.h"

namespace roost {

struct BrokerStatus {
  enum class State { kUp, kNoAnswer, kDown };

  State state = State::kDown;
  std::string reason;  // why it is not up
  std::string socket;
  std::optional<LogInfo> info;
  std::optional<CountersSnapshot> counters;
  uint64_t taken_ns = 0;  // CLOCK_MONOTONIC

  // True if there is anything to show.
  bool known() const { return info.has_value() || counters.has_value(); }
};

const char* StateName(BrokerStatus::State state);  // "up", "no answer", "down"

// `socket` as chosen; `client` is for it, and waits no longer than its own timeout.
BrokerStatus GetBrokerStatus(const std::string& socket, Client& client);

// For people. With `earlier`, rates and latencies are of the time between the two.
std::string StatusText(const BrokerStatus& status, const BrokerStatus* earlier);
// One JSON object, without a line break.
std::string StatusJson(const BrokerStatus& status, const BrokerStatus* earlier);

}  // namespace roost

#endif  // ROOST_TOOLS_BROKER_STATUS_H_
