// What becomes of a taken event, as people write it. Any thread.
#ifndef ROOST_TOOLS_OUTCOME_H_
#define ROOST_TOOLS_OUTCOME_H_

#include <optional>
#include <string_view>

#include "roost/coordination.h"

namespace roost {

inline std::optional<Outcome> ParseOutcome(std::string_view name) {
  if (name == "done") return Outcome::kDone;
  if (name == "retry") return Outcome::kRetry;
  if (name == "park") return Outcome::kPark;
  return std::nullopt;
}

inline const char* OutcomeName(Outcome outcome) {
  return outcome == Outcome::kDone ? "done" : outcome == Outcome::kRetry ? "retry" : "park";
}

}  // namespace roost

#endif  // ROOST_TOOLS_OUTCOME_H_
