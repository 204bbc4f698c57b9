// What Roost accepts as a name and shows to people. Any thread.
#ifndef ROOST_BASE_UTF8_H_
#define ROOST_BASE_UTF8_H_

#include <string>
#include <string_view>

namespace roost {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// Well-formed UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F).
bool IsPlainUtf8(std::string_view text);

// For a terminal: control, escape and bidirectional formatting characters and bytes that are not
// UTF-8 become visible (\n, \x1b, \u202e), everything else stays.
std::string Printable(std::string_view text);

// The same for JSON, which says the same afterwards: what would become visible is escaped in its strings.
// REQUIRES: it is JSON in one line.
std::string PrintableJson(std::string_view json);

}  // namespace roost

#endif  // ROOST_BASE_UTF8_H_
