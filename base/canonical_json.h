// JSON in the one form that RFC 8785 (JCS) defines, so that equal values are equal bytes: members in the order
// of their names as UTF-16, no white space, numbers as ECMAScript writes them, the shortest escapes.
//
// Refused (kInvalidArgument, kTooLarge), with what is wrong: what is no JSON text in UTF-8, an integer beyond 2^53 (two of
// them could become one double), a number that no finite double is near to, a name twice in one object, a surrogate
// without its other half, and what is over the limits. Pure functions; any thread.
#ifndef ROOST_BASE_CANONICAL_JSON_H_
#define ROOST_BASE_CANONICAL_JSON_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace roost {

inline constexpr size_t kCanonicalBytesMax = 64 << 10;  // of the text, and of its canonical form
inline constexpr size_t kCanonicalDepthMax = 64;

Result<std::string> CanonicalJson(std::string_view text);

// `value` as a JSON number is written in canonical form. REQUIRES: it is finite.
std::string CanonicalNumber(double value);

// ---- of a text that CanonicalJson returned ----

// The value that a JSON pointer (RFC 6901) names, as a part of `canonical`; nullopt: there is none. `pointer`
// is empty (the whole) or begins with '/'.
std::optional<std::string_view> CanonicalAt(std::string_view canonical, std::string_view pointer);

// The contents of a string without quotes and escapes; any other value as it is.
std::string CanonicalText(std::string_view value);

// Empty, or parts that begin with '/' and have "~0" and "~1" as their only escapes.
bool IsJsonPointer(std::string_view pointer);

}  // namespace roost

#endif  // ROOST_BASE_CANONICAL_JSON_H_
