#include "ipc/question_key.h"

#include <fmt/core.h>
#include <sodium/crypto_hash_sha256.h>

#include "base/canonical_json.h"
#include "base/utf8.h"

namespace roost {
namespace {

const unsigned char* Octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Status CheckQuestionKind(std::string_view kind) {
  if (kind.empty()) return {StatusCode::kInvalidArgument, "the question has no kind"};
  if (kind.size() > kQuestionKindBytesMax) {
    return {StatusCode::kTooLarge, fmt::format("the kind has {} bytes, over the limit of {}",
                                               kind.size(), kQuestionKindBytesMax)};
  }
  if (!IsPlainUtf8(kind)) {
    return {StatusCode::kInvalidArgument, "the kind must be UTF-8 without control characters"};
  }
  return {};
}

VerdictKey CanonicalQuestionKey(std::string_view kind, std::string_view canonical) {
  static_assert(sizeof(VerdictKey) == crypto_hash_sha256_BYTES);
  constexpr unsigned char kSeparator[1] = {0};
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, Octets(kind), kind.size());
  crypto_hash_sha256_update(&state, kSeparator, sizeof(kSeparator));
  crypto_hash_sha256_update(&state, Octets(canonical), canonical.size());
  VerdictKey key;
  crypto_hash_sha256_final(&state, key.data());
  return key;
}

Result<VerdictKey> QuestionKey(std::string_view kind, std::string_view input) {
  ROOST_RETURN_IF_ERROR(CheckQuestionKind(kind));
  const Result<std::string> canonical = CanonicalJson(input);
  if (!canonical.ok()) {
    return {canonical.status().code(),
            "the input can't be judged: " + canonical.status().message()};
  }
  return CanonicalQuestionKey(kind, *canonical);
}

}  // namespace roost
