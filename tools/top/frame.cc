#include "tools/top/frame.h"

#include "tools/top/screen_text.h"

namespace roost {

FrameLine& FrameLine::Put(std::string_view text, Style style) {
  const std::string_view fits = CutToColumns(text, width_ - columns_);
  if (fits.empty()) return *this;
  columns_ += ColumnsOf(fits);
  if (!spans_.empty() && spans_.back().style == style) {
    spans_.back().text += fits;
  } else {
    spans_.push_back({std::string(fits), style});
  }
  return *this;
}

FrameLine& FrameLine::PadTo(size_t column, Style style) {
  if (column > columns_) Put(std::string(column - columns_, ' '), style);
  return *this;
}

std::string FrameLine::Text() const {
  std::string text;
  for (const Span& span : spans_) text += span.text;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Frame::Text() const {
  std::string text;
  for (const FrameLine& line : lines) text += line.Text() + "\n";
  return text;
}

}  // namespace roost
