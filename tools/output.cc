#include "tools/output.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/utf8.h"

namespace roost {
namespace {

const char* CodeOf(Colour colour) {
  switch (colour) {
    case Colour::kPlain:
      return "0";
    case Colour::kDim:
      return "2";
    case Colour::kBold:
      return "1";
    case Colour::kGreen:
      return "32";
    case Colour::kYellow:
      return "33";
    case Colour::kCyan:
      return "36";
    case Colour::kRed:
      return "31";
  }
  return "0";
}

bool ColourWanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') &&
         !(terminal != nullptr && std::string_view(terminal) == "dumb");
}

}  // namespace

Output::Output(int fd)
    : fd_(fd), terminal_(::isatty(fd) == 1), colour_(terminal_ && ColourWanted()) {}

void Output::Write(std::string_view text) {
  if (!open()) return;
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) Flush();
}

void Output::WriteJson(std::string_view json) {
  Write(terminal_ ? PrintableJson(json) : std::string(json));
  Write("\n");
}

void Output::Flush() {
  size_t done = 0;
  while (open() && done < buffer_.size()) {
    const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EPIPE) {
      gone_ = true;
    } else if (errno == EAGAIN) {
      // Whoever shares this descriptor with us made it non-blocking.
      pollfd item{fd_, POLLOUT, 0};
      ::poll(&item, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  buffer_.clear();
}

Status Output::Close() {
  Flush();
  return error_ == 0 ? Status() : Status::FromErrno(error_, "write to standard output");
}

bool Output::ReaderHasGone() {
  pollfd item{fd_, 0, 0};
  if (::poll(&item, 1, 0) == 1 && (item.revents & (POLLERR | POLLHUP)) != 0) gone_ = true;
  return gone_;
}

size_t Output::Width() const {
  winsize size{};
  if (!terminal_ || ::ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string Output::Paint(Colour colour, std::string_view text) const {
  if (!colour_ || colour == Colour::kPlain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", CodeOf(colour), text);
}

}  // namespace roost
