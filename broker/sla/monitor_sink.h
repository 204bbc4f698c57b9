// To whom the monitor's parts say what they found.
#ifndef ROOST_BROKER_SLA_MONITOR_SINK_H_
#define ROOST_BROKER_SLA_MONITOR_SINK_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace roost {

inline constexpr std::string_view kSlaStream = "$sla";
inline constexpr std::string_view kBreachedType = "sla.breached";
inline constexpr std::string_view kRecoveredType = "sla.recovered";
inline constexpr std::string_view kShiftBeganType = "shift.began";
inline constexpr std::string_view kShiftEndedType = "shift.ended";

// One event of the stream $sla.
struct SlaEvent {
  std::string_view type;  // one of those above
  std::string data;       // JSON
  std::string line;       // the same for the broker's log
};

class MonitorSink {
 public:
  virtual ~MonitorSink() = default;
  // Returns its number: 1, 2, 3 ... An event is in the log when Committed() has come so far.
  virtual uint64_t Tell(SlaEvent event) = 0;
  virtual uint64_t Committed() const = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_MONITOR_SINK_H_
