#include "client/mcp/id_scanner.h"

#include <utility>

#include "client/mcp/json_text.h"

namespace roost {

bool IsIdToken(std::string_view token) {
  if (token.empty() || token.size() > kRpcIdBytesMax) return false;
  if (token.front() == '"') return CheckJson(token, 1) == JsonFault::kNone;
  const std::string_view digits = token.front() == '-' ? token.substr(1) : token;
  if (digits.empty() || (digits.front() == '0' && digits.size() > 1)) return false;
  return digits.find_first_not_of("0123456789") == std::string_view::npos;
}

void IdScanner::Feed(std::string_view piece) {
  for (const char c : piece) FeedByte(c);
}

// A plain value has ended, or a string's closing quote was just taken.
void IdScanner::EndToken() {
  if (depth_ == 1 && id_follows_ && !expects_key_) {
    if (IsIdToken(token_)) id_ = token_;
    id_follows_ = false;
  } else if (depth_ == 1 && expects_key_ && outermost_is_object_) {
    id_follows_ = token_ == "\"id\"";
  }
  token_.clear();
}

void IdScanner::FeedByte(char c) {
  const bool keep = depth_ <= 1 && token_.size() <= kRpcIdBytesMax;
  if (in_string_) {
    if (keep) token_.push_back(c);
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
      EndToken();
    }
    return;
  }
  switch (c) {
    case '"':
      token_.assign(depth_ <= 1 ? 1 : 0, '"');
      in_string_ = true;
      return;
    case '{':
    case '[':
      if (depth_ == 0) outermost_is_object_ = expects_key_ = c == '{';
      if (depth_ == 1) id_follows_ = false;
      token_.clear();
      ++depth_;
      return;
    case ':':
      if (depth_ == 1) expects_key_ = false;
      return;
    case '}':
    case ']':
    case ',':
      if (!token_.empty()) EndToken();
      if (c != ',' && depth_ > 0) --depth_;
      if (depth_ == 1 && c == ',') expects_key_ = outermost_is_object_;
      return;
    case ' ':
    case '\t':
    case '\r':
      if (!token_.empty()) EndToken();
      return;
    default:
      if (keep) token_.push_back(c);
  }
}

std::optional<std::string> IdScanner::Finish() {
  std::optional<std::string> id = std::move(id_);
  *this = IdScanner();
  return id;
}

}  // namespace roost
