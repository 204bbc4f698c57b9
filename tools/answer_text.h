// How answers to questions are shown. Pure functions, any thread.
#ifndef ROOST_TOOLS_ANSWER_TEXT_H_
#define ROOST_TOOLS_ANSWER_TEXT_H_

#include <string>

#include "roost/coordination.h"

namespace roost {

// One JSON object.
std::string AnswerJson(const Answer& answer);
// One line for people: "deny: no force pushes (by $policy)".
std::string AnswerText(const Answer& answer);

}  // namespace roost

#endif  // ROOST_TOOLS_ANSWER_TEXT_H_
