// Address space for the names of streams that a StreamDirectory keeps without a ring; touched as they come.
// Any thread.
#ifndef ROOST_LOG_NAME_SPACE_H_
#define ROOST_LOG_NAME_SPACE_H_

#include <sys/mman.h>

#include <cstdint>
#include <span>

namespace roost {

class NameSpace {
 public:
  explicit NameSpace(uint64_t size) : size_(size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) memory_ = static_cast<char*>(memory);
  }
  ~NameSpace() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
  }
  NameSpace(const NameSpace&) = delete;
  NameSpace& operator=(const NameSpace&) = delete;

  bool valid() const { return memory_ != nullptr; }
  std::span<char> span() const { return {memory_, size_}; }

 private:
  char* memory_ = nullptr;
  uint64_t size_;
};

}  // namespace roost

#endif  // ROOST_LOG_NAME_SPACE_H_
