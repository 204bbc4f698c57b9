// What can be said of a question without knowing who asks: whether its input is one, its key, and what the
// policy's rules say. Pure functions; any thread.
#ifndef ROOST_BROKER_VERDICTS_EXAMINATION_H_
#define ROOST_BROKER_VERDICTS_EXAMINATION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/verdicts/policy.h"
#include "ipc/question_key.h"

namespace roost {

// As it was asked.
struct AskedQuestion {
  std::string kind;
  std::string input;
};

struct Examination {
  std::string error;  // not empty: it can't be judged, and the rest is not filled
  std::string kind = {};
  std::string canonical = {};
  VerdictKey key{};
  bool has_ruling = false;  // the next one is filled
  Ruling ruling = {};       // its rule lives as long as the policy
};

// kind, canonical and key; or the error.
Examination Identify(std::string_view kind, std::string_view input);

// All of it.
Examination Examine(const Policy& policy, std::string_view kind, std::string_view input,
                    const EvaluationBudget& budget);

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_EXAMINATION_H_
