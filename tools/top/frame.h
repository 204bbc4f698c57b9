// A screen of text as it is to be: lines of spans with a style. What is drawn and where is decided in terms of frames alone, so
// that it can be tested, and printed where there is no terminal; terminal.h knows how to show one. Values; one thread.
#ifndef ROOST_TOOLS_TOP_FRAME_H_
#define ROOST_TOOLS_TOP_FRAME_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

enum class Style { kPlain, kDim, kBold, kGood, kWarning, kBad, kAccent, kBar, kBarAccent };

struct Span {
  std::string text;
  Style style = Style::kPlain;
};

// At most `width` columns; what does not fit is cut.
class FrameLine {
 public:
  explicit FrameLine(size_t width) : width_(width) {}

  // `text` is printable (screen_text.h).
  FrameLine& Put(std::string_view text, Style style = Style::kPlain);
  // Spaces up to this column; nothing if it is there already.
  FrameLine& PadTo(size_t column, Style style = Style::kPlain);

  size_t columns() const { return columns_; }
  size_t width() const { return width_; }
  const std::vector<Span>& spans() const { return spans_; }
  // Without styles, and without spaces at its end.
  std::string Text() const;

 private:
  size_t width_;
  size_t columns_ = 0;
  std::vector<Span> spans_;
};

struct Frame {
  std::vector<FrameLine> lines;
  struct Place {
    size_t line;
    size_t column;
  };
  std::optional<Place> cursor;  // nullopt: it is hidden

  std::string Text() const;  // lines, each with its end
};

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_FRAME_H_
