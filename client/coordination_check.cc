#include "client/coordination_check.h"

#include <fmt/core.h>

#include <string>

#include "log/ring_format.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeaseMin{100};
constexpr milliseconds kLeaseMax = std::chrono::hours(24);
constexpr milliseconds kWaitMax{50'000};
constexpr size_t kKeysMax = 64;
constexpr size_t kKeyBytesMax = 255;
constexpr size_t kNoteBytesMax = 1024;
constexpr size_t kGroupBytesMax = 64;
constexpr uint32_t kTakeMax = 500;
constexpr size_t kSettleMax = 500;
constexpr size_t kQuestionsMax = 64;
constexpr size_t kKindBytesMax = 128;
constexpr size_t kReasonBytesMax = 512;

Status CheckBytes(const char* what, std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return {};
  return {StatusCode::kTooLarge,
          fmt::format("{} has {} bytes, the limit is {}", what, text.size(), bytes_max)};
}

Status CheckNotEmpty(const char* what, std::string_view text, size_t bytes_max) {
  if (text.empty()) {
    return {StatusCode::kInvalidArgument, fmt::format("{} must not be empty", what)};
  }
  return CheckBytes(what, text, bytes_max);
}

Status CheckCount(const char* what, size_t count, size_t count_max) {
  if (count == 0) {
    return {StatusCode::kInvalidArgument,
            fmt::format("{}: there is none, give at least one", what)};
  }
  if (count <= count_max) return {};
  return {StatusCode::kTooLarge,
          fmt::format("{}: there are {}, the limit is {}; ask for the rest in another call", what,
                      count, count_max)};
}

Status CheckLease(const char* what, milliseconds lease) {
  if (lease >= kLeaseMin && lease <= kLeaseMax) return {};
  return {StatusCode::kInvalidArgument, fmt::format("{} is {} ms; it may be {} ms to 24 hours",
                                                    what, lease.count(), kLeaseMin.count())};
}

Status CheckWait(milliseconds wait) {
  if (wait.count() >= 0 && wait <= kWaitMax) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("a wait of {} ms; it may be 0 to {} ms, and then asked again", wait.count(),
                      kWaitMax.count())};
}

}  // namespace

Status CheckNote(std::string_view note) { return CheckBytes("a note", note, kNoteBytesMax); }

Status CheckClaim(const ClaimRequest& request) {
  ROOST_RETURN_IF_ERROR(CheckCount("keys", request.keys.size(), kKeysMax));
  for (const std::string& key : request.keys) {
    ROOST_RETURN_IF_ERROR(CheckNotEmpty("a key", key, kKeyBytesMax));
  }
  ROOST_RETURN_IF_ERROR(CheckLease("the claim's time", request.ttl));
  ROOST_RETURN_IF_ERROR(CheckWait(request.wait));
  return CheckNote(request.note);
}

Status CheckGroup(std::string_view stream, std::string_view group) {
  ROOST_RETURN_IF_ERROR(CheckNotEmpty("a stream's name", stream, kStreamNameBytesMax));
  ROOST_RETURN_IF_ERROR(CheckNotEmpty("a group's name", group, kGroupBytesMax));
  if (group.find('/') == std::string_view::npos) return {};
  return {StatusCode::kInvalidArgument, "a group's name must not have a '/'"};
}

Status CheckTake(const TakeRequest& request) {
  ROOST_RETURN_IF_ERROR(CheckGroup(request.stream, request.group));
  ROOST_RETURN_IF_ERROR(CheckCount("events to take", request.max, kTakeMax));
  ROOST_RETURN_IF_ERROR(CheckLease("the lease", request.lease));
  return CheckWait(request.wait);
}

Status CheckSettle(std::span<const ItemToken> tokens, std::string_view note) {
  ROOST_RETURN_IF_ERROR(CheckCount("tokens", tokens.size(), kSettleMax));
  return CheckNote(note);
}

Status CheckQuestions(std::span<const Question> questions, milliseconds wait) {
  ROOST_RETURN_IF_ERROR(CheckCount("questions", questions.size(), kQuestionsMax));
  for (const Question& question : questions) {
    ROOST_RETURN_IF_ERROR(CheckNotEmpty("a question's kind", question.kind, kKindBytesMax));
    ROOST_RETURN_IF_ERROR(
        CheckNotEmpty("a question's input", question.input, kQuestionInputBytesMax));
  }
  return CheckWait(wait);
}

Status CheckDecision(const Decision& decision) {
  if (decision.verdict == Verdict::kUndecided) {
    return {StatusCode::kInvalidArgument, "a decision is allow, deny or ask"};
  }
  if (decision.ttl.count() < 0) {
    return {StatusCode::kInvalidArgument,
            "a decision's time must not be negative; 0 means for ever"};
  }
  return CheckBytes("a reason", decision.reason, kReasonBytesMax);
}

}  // namespace roost
