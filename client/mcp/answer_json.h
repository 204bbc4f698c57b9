// The answers to questions (validate) as JSON for the model. Any thread.
#ifndef ROOST_CLIENT_MCP_ANSWER_JSON_H_
#define ROOST_CLIENT_MCP_ANSWER_JSON_H_

#include <cstddef>
#include <span>
#include <string>

#include "roost/coordination.h"

namespace roost {

// That fit one result, with reasons of the usual length.
inline constexpr size_t kQuestionsMax = 100;

// {"verdict":…,"reason":…,"by":…,"decided_at":…,"cached":…,"key":…}, with "you_decide":true and "token"
// when it is for the asker to decide, with "error" instead when the question can't be answered. Of a
// longer reason only the first `reason_bytes_max` are shown.
void AppendAnswer(std::string* out, const Answer& answer, size_t reason_bytes_max);

// {"answers":[…]}. REQUIRES: no more than kQuestionsMax.
std::string AnswersJson(std::span<const Answer> answers);
// The object of one alone. REQUIRES: it has no error.
std::string AnswerJson(const Answer& answer);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_ANSWER_JSON_H_
