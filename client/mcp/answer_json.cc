#include "client/mcp/answer_json.h"

#include <string_view>

#include "client/mcp/event_json.h"

namespace roost {
namespace {

constexpr size_t kReasonBytesMax = 512;
// All of many answers must fit, since each may hold a token that only its asker gets.
constexpr size_t kManyAnswers = 50;
constexpr size_t kReasonOfManyBytesMax = 200;

constexpr std::string_view kYouDecide =
    "you are the one to find this out: then call decide with key, token and your verdict; others "
    "wait "
    "for it";
constexpr std::string_view kUndecided =
    "another agent is deciding: call validate again to wait for it, or treat it as ask";

std::string_view Cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

void AppendHint(std::string* out, std::span<const Answer> answers) {
  bool you_decide = false;
  bool undecided = false;
  for (const Answer& answer : answers) {
    you_decide = you_decide || answer.you_decide;
    undecided = undecided || (answer.error.empty() && answer.verdict == Verdict::kUndecided &&
                              !answer.you_decide);
  }
  if (!you_decide && !undecided) return;
  std::string hint;
  if (you_decide) hint.append("you_decide: ").append(kYouDecide);
  if (undecided) hint.append(you_decide ? ". undecided: " : "undecided: ").append(kUndecided);
  AppendMember(out, "hint", hint);
}

}  // namespace

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

std::string AnswersJson(std::span<const Answer> answers) {
  const size_t reason_bytes_max =
      answers.size() > kManyAnswers ? kReasonOfManyBytesMax : kReasonBytesMax;
  std::string json = "{";
  AppendName(&json, "answers");
  json += '[';
  for (const Answer& answer : answers) {
    if (json.back() != '[') json += ',';
    AppendAnswer(&json, answer, reason_bytes_max);
  }
  json += ']';
  AppendHint(&json, answers);
  json += '}';
  return json;
}

std::string AnswerJson(const Answer& answer) {
  std::string json;
  AppendAnswer(&json, answer, kReasonBytesMax);
  json.pop_back();
  AppendHint(&json, {&answer, 1});
  json += '}';
  return json;
}

}  // namespace roost
