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

  // Maps the first `size` bytes of `fd`, shared. `fd` may be closed afterwards. `what` names it in
  // the error. Boost.Interprocess does the mapping; its exception ends here, as a Status.
  static Result<Mapping> Map(int fd, size_t size, Access access, std::string_view what);

  Mapping();
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;
  ~Mapping();

  std::byte* data() const { return data_; }  // not to be written when mapped with kRead
  size_t size() const { return size_; }

  // Asks the kernel for huge pages, now. Fails where it has none to give; nothing depends on it.
  bool Collapse() const;

 private:
  struct Region;
  std::unique_ptr<Region> region_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace roost

#endif  // ROOST_BASE_MAPPING_H_
