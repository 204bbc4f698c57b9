// Memory for bytes that are read anew each time. Unlike a vector it keeps and zeroes nothing when it grows. One thread.
#ifndef ROOST_LOG_WINDOW_BUFFER_H_
#define ROOST_LOG_WINDOW_BUFFER_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace roost {

class WindowBuffer {
 public:
  WindowBuffer() = default;
  WindowBuffer(WindowBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  WindowBuffer& operator=(WindowBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // `size` bytes to be written. What was in it is lost.
  std::span<std::byte> Begin(size_t size) {
    if (size > capacity_) {
      Release();
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
      capacity_ = size;
    }
    size_ = size;
    return {bytes_.get(), size_};
  }
  // Only so many were written. REQUIRES: no more than Begin was asked for.
  void Cut(size_t size) { size_ = size; }
  // Gives the memory back.
  void Release() {
    bytes_.reset();
    size_ = capacity_ = 0;
  }

  Bytes bytes() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace roost

#endif  // ROOST_LOG_WINDOW_BUFFER_H_
