#include "tools/line_reader.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

namespace roost {
namespace {

constexpr size_t kReadBytes = 64 << 10;

// Appends what there is; false at the end.
Result<bool> ReadMore(int fd, const std::string& name, std::string* buffer) {
  const size_t before = buffer->size();
  buffer->resize(before + kReadBytes);
  ssize_t size;
  do {
    size = ::read(fd, buffer->data() + before, kReadBytes);
  } while (size < 0 && errno == EINTR);
  buffer->resize(before + static_cast<size_t>(size < 0 ? 0 : size));
  if (size < 0) return Status::FromErrno(errno, "read " + name);
  return size > 0;
}

}  // namespace

Result<bool> LineReader::Next(std::string_view* line) {
  size_t searched = begin_;
  while (true) {
    const size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos || (ended_ && begin_ < buffer_.size())) {
      *line =
          std::string_view(buffer_).substr(begin_, end == std::string::npos ? end : end - begin_);
      begin_ = end == std::string::npos ? buffer_.size() : end + 1;
      ++line_number_;
      return true;
    }
    if (ended_) return false;
    if (buffer_.size() - begin_ > line_bytes_max_) {
      return Status(StatusCode::kTooLarge, fmt::format("{}: line {} is longer than {} bytes", name_,
                                                       line_number_ + 1, line_bytes_max_));
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched = buffer_.size();
    const auto more = ReadMore(fd_, name_, &buffer_);
    if (!more.ok()) return more.status();
    ended_ = !*more;
  }
}

Result<std::string> ReadAll(int fd, const std::string& name, size_t bytes_max) {
  std::string all;
  while (true) {
    const auto more = ReadMore(fd, name, &all);
    if (!more.ok()) return more.status();
    if (!*more) return all;
    if (all.size() > bytes_max) {
      return Status(StatusCode::kTooLarge, fmt::format("{}: more than {} bytes", name, bytes_max));
    }
  }
}

}  // namespace roost
