// The events of $questions and $verdicts as values, and as the JSON that they carry (docs/streams.md). Pure
// functions; any thread.
#ifndef ROOST_BROKER_VERDICTS_QUESTION_EVENT_H_
#define ROOST_BROKER_VERDICTS_QUESTION_EVENT_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/question_key.h"
#include "log/record_format.h"
#include "schemas/control_generated.h"
#include "schemas/event_generated.h"

namespace roost {

inline constexpr uint32_t kAnyUid = UINT32_MAX;
inline constexpr size_t kVerdictReasonMax = 512;
inline constexpr std::string_view kPolicyAgent = "$policy";

// The same question for the same users under the same policy.
struct QuestionId {
  VerdictKey key{};
  uint64_t policy = 0;
  uint32_t uid = 0;  // kAnyUid: what a rule says is for all

  friend auto operator<=>(const QuestionId&, const QuestionId&) = default;
};

struct QuestionEvent {
  enum class Type { kAsked, kReassigned, kAbandoned, kDecided, kRuled };

  Type type = Type::kAsked;
  VerdictKey key{};
  std::string kind = {};  // kAsked, kDecided, kRuled; likewise the next
  uint64_t policy = 0;
  uint32_t uid = 0;       // kAsked, kDecided; kAnyUid with kRuled
  uint64_t question = 0;  // sequence of question.asked; kReassigned, kAbandoned, kDecided
  wire::Verdict verdict = wire::Verdict::Undecided;  // kDecided, kRuled; likewise the next
  std::string reason = {};                           // of kAbandoned too
  uint64_t ttl_ms = 0;                               // 0: for ever

  // Of the event itself.
  uint64_t sequence = 0;
  uint64_t revision = 0;
  uint64_t session = 0;
  uint64_t time_ns = 0;  // CLOCK_REALTIME
  std::string agent = {};
};

std::string_view QuestionEventStream(QuestionEvent::Type type);
std::string_view QuestionEventType(QuestionEvent::Type type);

// Its data. `input` is the canonical input of kAsked, `rule` the name of a rule of kRuled. Texts are plain UTF-8.
std::string EncodeQuestionEvent(const QuestionEvent& event, std::string_view input = {},
                                std::string_view rule = {});

// nullopt: it is none of these, or not as it should be.
std::optional<QuestionEvent> DecodeQuestionEvent(const RecordHeader& header,
                                                 const wire::Event& event);

// 64 hexadecimal digits.
std::string KeyDigits(const VerdictKey& key);

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_QUESTION_EVENT_H_
