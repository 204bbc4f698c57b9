// Cuts what arrives on stdin into lines. A line of more than kLineBytesMax is passed over, in bounded
// memory, and reported once it has ended, with its id if one could be found. One thread.
#ifndef ROOST_CLIENT_MCP_LINE_READER_H_
#define ROOST_CLIENT_MCP_LINE_READER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/mcp/id_scanner.h"

namespace roost {

inline constexpr size_t kLineBytesMax = 4 << 20;

class LineReader {
 public:
  LineReader();

  // Where the next bytes are to be put; never empty. Then Received() says how many there are.
  std::span<char> Room();
  void Received(size_t bytes);

  enum class Outcome {
    kLine,     // line() is one, without its end
    kTooLong,  // one was passed over; id() may be its id
    kNone,     // more must be received first
  };
  // Blank lines are passed over. line() is valid until the next call of any of these.
  Outcome Next();
  std::string_view line() const { return line_; }
  const std::optional<std::string>& id() const { return id_; }

  // Bytes of memory held, for tests: small again once a long line was dealt with.
  size_t capacity() const { return capacity_; }

 private:
  void Resize(size_t capacity);
  // Takes the next line, without its end, off the buffer; false if there is no whole one.
  bool TakeLine(std::string_view* line);
  Outcome PassOver();

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // of what was received and not yet taken
  size_t end_ = 0;
  size_t searched_ = 0;  // no end of line before it
  bool passing_over_ = false;
  IdScanner scanner_;
  std::string_view line_;
  std::optional<std::string> id_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_LINE_READER_H_
