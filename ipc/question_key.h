// What makes two questions the same: SHA-256 over the kind, a byte that no kind has (0), and the input in
// canonical form (base/canonical_json.h). Client and broker both compute it. Pure functions; any thread.
#ifndef ROOST_IPC_QUESTION_KEY_H_
#define ROOST_IPC_QUESTION_KEY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace roost {

using VerdictKey = std::array<uint8_t, 32>;

inline constexpr size_t kQuestionKindBytesMax = 128;

// 1 to kQuestionKindBytesMax bytes of UTF-8 without control characters; kInvalidArgument, kTooLarge.
Status CheckQuestionKind(std::string_view kind);

// REQUIRES: CheckQuestionKind(kind) is ok, and `canonical` came from CanonicalJson.
VerdictKey CanonicalQuestionKey(std::string_view kind, std::string_view canonical);

// Of a question as it was asked: its input is any JSON text. What CheckQuestionKind and CanonicalJson refuse,
// with a message that says which of the two it is about.
Result<VerdictKey> QuestionKey(std::string_view kind, std::string_view input);

}  // namespace roost

#endif  // ROOST_IPC_QUESTION_KEY_H_
