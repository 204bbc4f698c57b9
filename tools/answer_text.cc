#include "tools/answer_text.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "tools/json_text.h"

namespace roost {

std::string AnswerJson(const Answer& answer) {
  std::string line;
  JsonObject object(&line);
  object.Text("verdict", VerdictName(answer.verdict));
  if (!answer.error.empty()) object.Text("error", answer.error);
  if (!answer.reason.empty()) object.Text("reason", answer.reason);
  if (!answer.by.empty()) object.Text("by", answer.by);
  if (answer.decided_ns != 0) object.Text("decided_at", FormatTime(answer.decided_ns));
  object.Bool("cached", answer.cached);
  if (answer.error.empty()) object.Text("key", KeyText(answer.key));
  object.End();
  return line;
}

std::string AnswerText(const Answer& answer) {
  std::string text = VerdictName(answer.verdict);
  if (!answer.error.empty()) return fmt::format("{}: {}", text, Printable(answer.error));
  if (!answer.reason.empty()) text += ": " + Printable(answer.reason);
  if (!answer.by.empty()) text += fmt::format(" (by {})", Printable(answer.by));
  if (answer.verdict == Verdict::kUndecided) text += " (key " + KeyText(answer.key) + ")";
  return text;
}

}  // namespace roost
