// Lines of a descriptor, each at most `line_bytes_max` long. One thread.
#ifndef ROOST_TOOLS_LINE_READER_H_
#define ROOST_TOOLS_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace roost {

class LineReader {
 public:
  // `fd` stays the caller's. `name` is for messages: "standard input".
  LineReader(int fd, std::string name, size_t line_bytes_max)
      : fd_(fd), name_(std::move(name)), line_bytes_max_(line_bytes_max) {}

  // The next line without its end, valid until the next call. False at the end. The last line need not
  // end with one. kTooLarge, kIoError.
  Result<bool> Next(std::string_view* line);
  // Next() will not have to read.
  bool HasLine() const { return buffer_.find('\n', begin_) != std::string::npos; }
  // Of the line that Next() gave last, from 1.
  uint64_t line_number() const { return line_number_; }

 private:
  int fd_;
  std::string name_;
  size_t line_bytes_max_;
  std::string buffer_;
  size_t begin_ = 0;  // of what was not given out yet
  bool ended_ = false;
  uint64_t line_number_ = 0;
};

// All that comes until the end. kTooLarge when that is more than `bytes_max`; kIoError.
Result<std::string> ReadAll(int fd, const std::string& name, size_t bytes_max);

}  // namespace roost

#endif  // ROOST_TOOLS_LINE_READER_H_
