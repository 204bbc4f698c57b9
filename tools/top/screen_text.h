// Text on a terminal: how many columns it takes, and texts of others made harmless. Widths are the C library's, so LC_CTYPE must be
// set to the terminal's character set (or to any UTF-8 one). Pure; any thread.
#ifndef ROOST_TOOLS_TOP_SCREEN_TEXT_H_
#define ROOST_TOOLS_TOP_SCREEN_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

// What the terminal can show.
enum class Charset { kAscii, kUtf8 };

// `text` of anybody, as it may stand on the screen: Printable() of base/utf8.h; then what the terminal cannot show, and what has no
// width of its own, is '?'.
std::string ScreenText(std::string_view text, Charset charset);

// Of text as ScreenText makes it.
size_t ColumnsOf(std::string_view text);
// As much of it as fits.
std::string_view CutToColumns(std::string_view text, size_t columns);
// Exactly so many columns; a cut is shown by a mark at the end.
std::string FitLeft(std::string_view text, size_t columns, Charset charset);
std::string FitRight(std::string_view text, size_t columns, Charset charset);

// One column a value, the newest at the right, at most `columns` of them and exactly so many columns. Heights go from 0 to the largest
// value, or with `logarithmic` from a thousandth of it (at least 1). Negative: there is no value, a space.
std::string Sparkline(const std::vector<double>& values, size_t columns, Charset charset,
                      bool logarithmic = false);

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_SCREEN_TEXT_H_
