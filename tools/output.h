// Standard output of a tool: buffered, coloured only on a terminal, and quiet when the program that reads
// it has gone. One thread.
#ifndef ROOST_TOOLS_OUTPUT_H_
#define ROOST_TOOLS_OUTPUT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace roost {

enum class Colour { kPlain, kDim, kBold, kGreen, kYellow, kCyan, kRed };

class Output {
 public:
  static constexpr size_t kBufferBytes = 64 << 10;

  // `fd` stays the caller's and open. Colour: on a terminal, unless $NO_COLOR is set or $TERM is dumb.
  explicit Output(int fd);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void Write(std::string_view text);
  // A line of JSON, without the line's end. As it is for a program; for a terminal without any character that it would
  // obey: the same JSON, with those escaped.
  void WriteJson(std::string_view json);
  void Flush();
  // Flushes. Ok also when the reader has gone, which is no error of ours.
  Status Close();

  // False once nothing can be written any more: stop producing.
  bool open() const { return !gone_ && error_ == 0; }
  // Looks whether the reader of a pipe has gone, without writing.
  bool ReaderHasGone();

  bool terminal() const { return terminal_; }
  // Columns of the terminal as it is now; 0: there is none.
  size_t Width() const;
  // `text` in a colour, or as it is.
  std::string Paint(Colour colour, std::string_view text) const;

 private:
  int fd_;
  bool terminal_;
  bool colour_;
  bool gone_ = false;
  int error_ = 0;
  std::string buffer_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_OUTPUT_H_
