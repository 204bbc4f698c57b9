#include "client/mcp/answer_json.h"

#include <string_view>

#include "client/mcp/event_json.h"

namespace roost {
namespace {

constexpr size_t kReasonShownMax = 512;
// All of many answers must fit, since each may hold a token that only its asker gets.
constexpr size_t kReasonOfManyBytesMax = 256;

std::string_view Cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

void AppendAnswer(std::string* out, const Answer& answer, size_t reason_bytes_max) {
  *out += '{';
  if (!answer.error.empty()) {
    AppendMember(out, "error", answer.error);
    *out += '}';
    return;
  }
  AppendMember(out, "verdict", VerdictName(answer.verdict));
  if (!answer.reason.empty()) AppendMember(out, "reason", Cut(answer.reason, reason_bytes_max));
  if (answer.you_decide) {
    AppendFlag(out, "you_decide", true);
    AppendMember(out, "token", ItemToken{answer.token, 0}.ToString());
  }
  if (answer.decided_ns != 0) {
    AppendMember(out, "by", answer.by);
    AppendTime(out, "decided_at", answer.decided_ns);
  }
  AppendFlag(out, "cached", answer.cached);
  AppendMember(out, "key", KeyText(answer.key));
  *out += '}';
}

}  // namespace

std::string AnswersJson(std::span<const Answer> answers) {
  std::string json = "{";
  AppendName(&json, "answers");
  json += '[';
  for (const Answer& answer : answers) {
    if (json.back() != '[') json += ',';
    AppendAnswer(&json, answer, kReasonOfManyBytesMax);
  }
  json += "]}";
  return json;
}

std::string AnswerJson(const Answer& answer) {
  std::string json;
  AppendAnswer(&json, answer, kReasonShownMax);
  return json;
}

}  // namespace roost
