#include "client/mcp/line_reader.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace roost {
namespace {

constexpr size_t kCapacityMin = 8 << 10;  // nearly every message fits; two pages for each shim

}  // namespace

LineReader::LineReader() { Resize(kCapacityMin); }

void LineReader::Resize(size_t capacity) {
  ROOST_CHECK(capacity >= end_ - begin_);
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  std::copy(buffer_.get() + begin_, buffer_.get() + end_, buffer.get());
  buffer_ = std::move(buffer);
  capacity_ = capacity;
  end_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
}

std::span<char> LineReader::Room() {
  if (begin_ == end_) {
    begin_ = end_ = searched_ = 0;
  } else if (end_ == capacity_ && begin_ > 0 && end_ - begin_ <= capacity_ / 2) {
    Resize(capacity_);
  } else if (end_ == capacity_) {
    Resize(std::min(capacity_ * 2, kLineBytesMax + kCapacityMin));
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void LineReader::Received(size_t bytes) {
  ROOST_CHECK(bytes <= capacity_ - end_);
  end_ += bytes;
}

bool LineReader::TakeLine(std::string_view* line) {
  const void* found = std::memchr(buffer_.get() + searched_, '\n', end_ - searched_);
  if (found == nullptr) {
    searched_ = end_;
    return false;
  }
  const auto at = static_cast<size_t>(static_cast<const char*>(found) - buffer_.get());
  *line = {buffer_.get() + begin_, at - begin_};
  begin_ = searched_ = at + 1;
  return true;
}

LineReader::Outcome LineReader::PassOver() {
  std::string_view rest;
  const bool ended = TakeLine(&rest);
  if (!ended) {
    rest = {buffer_.get() + begin_, end_ - begin_};
    begin_ = end_;
  }
  scanner_.Feed(rest);
  if (!ended) return Outcome::kNone;
  passing_over_ = false;
  id_ = scanner_.Finish();
  return Outcome::kTooLong;
}

LineReader::Outcome LineReader::Next() {
  if (passing_over_) return PassOver();
  while (TakeLine(&line_)) {
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    if (line_.size() > kLineBytesMax) {
      scanner_.Feed(line_);
      id_ = scanner_.Finish();
      return Outcome::kTooLong;
    }
    if (line_.find_first_not_of(" \t") != std::string_view::npos) return Outcome::kLine;
  }
  if (end_ - begin_ > kLineBytesMax + 1) {  // one more for a \r that is no part of the line
    passing_over_ = true;
    return PassOver();
  }
  if (begin_ == end_ && capacity_ > kCapacityMin) Resize(kCapacityMin);
  return Outcome::kNone;
}

}  // namespace roost
