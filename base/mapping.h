// A memory mapping of a file or memfd, unmapped when it goes. Owned by one thread at a time; what is
// mapped may be read by any.
#ifndef ROOST_BASE_MAPPING_H_
#define ROOST_BASE_MAPPING_H_

#include <cstddef>
#include <memory>

#include "base/status.h"

namespace roost {

class Mapping {
 public:
  enum class Access { kRead, kReadWrite };
  static constexpr size_t kHugePage = 2 << 20;

  // Maps the first `size` bytes of `fd`, shared; at a multiple of kHugePage if that can be had. `fd` may
  // be closed afterwards. `what` names it in the error. Boost.Interprocess does the mapping; its exception ends here, as a Status.
  static Result<Mapping> Map(int fd, size_t size, Access access, std::string_view what);

  Mapping();
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;
  ~Mapping();

  std::byte* data() const { return data_; }  // not to be written when mapped with kRead
  size_t size() const { return size_; }

  // Whether all pages of [offset, offset + size) are in memory: false for what was never touched. Of a file
  // that this process may write. REQUIRES: both are multiples of a page.
  bool IsResident(size_t offset, size_t size) const;

  enum class Collapsed {
    kDone,
    kNotNow,  // no huge page is free, or somebody holds one of the pages
    kNever,   // this kernel has none for such memory
  };
  // Puts [offset, offset + kHugePage) into one huge page, which every process then maps with one entry
  // instead of a table of 512. What is there stays; who uses it meanwhile waits, about 2 ms.
  // REQUIRES: offset is a multiple of kHugePage.
  Collapsed Collapse(size_t offset) const;

 private:
  struct Region;
  std::unique_ptr<Region> region_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace roost

#endif  // ROOST_BASE_MAPPING_H_
