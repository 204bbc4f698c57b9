// One rule of the operator's policy. Constant once it is made; any thread.
#ifndef ROOST_BROKER_VERDICTS_RULE_H_
#define ROOST_BROKER_VERDICTS_RULE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "schemas/control_generated.h"

namespace re2 {
class RE2;
}

namespace roost {

// What a rule asks of a text: that it contains a match of a regular expression, that it is like a glob as a whole,
// or that it is equal.
class TextMatcher {
 public:
  enum class Kind { kRegex, kGlob, kEquals };

  // `memory_bytes` bounds what a regular expression takes. kInvalidArgument: it is none, or needs more.
  static Result<TextMatcher> Make(Kind kind, std::string text, uint64_t memory_bytes);
  TextMatcher(TextMatcher&&) noexcept;
  TextMatcher& operator=(TextMatcher&&) noexcept;
  ~TextMatcher();

  bool Matches(std::string_view text) const;

  // At most so many steps for each byte of the text, of some nanoseconds each. Usual is one or two in all, but
  // an expression can be made that takes all of them.
  uint64_t steps_per_byte() const { return steps_per_byte_; }

 private:
  TextMatcher(Kind kind, std::string text);

  Kind kind_;
  std::string text_;
  std::unique_ptr<re2::RE2> regex_;
  uint64_t steps_per_byte_ = 1;
};

struct Rule {
  std::string name;          // as events show it
  std::string kind;          // exact, or a glob
  std::string pointer;       // into the input
  bool has_pointer = false;  // false: the whole input as canonical text
  TextMatcher matcher;
  wire::Verdict verdict = wire::Verdict::Ask;
  std::string reason;
  uint64_t ttl_ms = 0;  // 0: for ever
  uint32_t line = 0;    // in the file
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_RULE_H_
