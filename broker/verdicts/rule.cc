#include "broker/verdicts/rule.h"

#include <re2/re2.h>

#include <algorithm>
#include <exception>

#include "broker/verdicts/glob.h"

namespace roost {

TextMatcher::TextMatcher(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
TextMatcher::TextMatcher(TextMatcher&&) noexcept = default;
TextMatcher& TextMatcher::operator=(TextMatcher&&) noexcept = default;
TextMatcher::~TextMatcher() = default;

Result<TextMatcher> TextMatcher::Make(Kind kind, std::string text, uint64_t memory_bytes) {
  TextMatcher matcher(kind, std::move(text));
  if (kind == Kind::kGlob) {
    matcher.steps_per_byte_ = std::max<uint64_t>(1, matcher.text_.size());
  }
  if (kind != Kind::kRegex) return matcher;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(static_cast<int64_t>(memory_bytes));
  try {
    matcher.regex_ = std::make_unique<RE2>(matcher.text_, options);
  } catch (const std::exception& error) {
    return {StatusCode::kInvalidArgument, error.what()};
  }
  if (!matcher.regex_->ok()) return {StatusCode::kInvalidArgument, matcher.regex_->error()};
  matcher.steps_per_byte_ = static_cast<uint64_t>(std::max(1, matcher.regex_->ProgramSize()));
  return matcher;
}

bool TextMatcher::Matches(std::string_view text) const {
  switch (kind_) {
    case Kind::kRegex:
      return regex_->Match({text.data(), text.size()}, 0, text.size(), RE2::UNANCHORED, nullptr, 0);
    case Kind::kGlob:
      return GlobMatches(text_, text);
    case Kind::kEquals:
      return text == text_;
  }
  return false;
}

}  // namespace roost
