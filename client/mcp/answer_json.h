// The answers to questions (validate) as JSON for the model. Any thread.
#ifndef ROOST_CLIENT_MCP_ANSWER_JSON_H_
#define ROOST_CLIENT_MCP_ANSWER_JSON_H_

#include <cstddef>
#include <span>
#include <string>

#include "roost/coordination.h"

namespace roost {

// Of one request, as the broker has it.
inline constexpr size_t kQuestionsMax = 64;

// {"verdict":…,"reason":…,"by":…,"decided_at":…,"cached":…,"key":…}, with "you_decide":true and "token"
// when it is for the asker to decide, with nothing but "error" when the question can't be answered.
std::string AnswerJson(const Answer& answer);

// {"answers":[…]} of such objects, with shorter reasons. REQUIRES: no more than kQuestionsMax.
std::string AnswersJson(std::span<const Answer> answers);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_ANSWER_JSON_H_
