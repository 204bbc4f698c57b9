#include "base/mapping.h"

#include <sys/mman.h>

#include <boost/interprocess/mapped_region.hpp>
#include <string>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace roost {
namespace {

// What Boost.Interprocess wants of a thing that can be mapped.
class MappableFd {
 public:
  MappableFd(int fd, boost::interprocess::mode_t mode) : handle_{fd}, mode_(mode) {}
  boost::interprocess::mapping_handle_t get_mapping_handle() const {
    return {handle_, false};
  }
  boost::interprocess::mode_t get_mode() const { return mode_; }

 private:
  int handle_;
  boost::interprocess::mode_t mode_;
};

}  // namespace

struct Mapping::Region {
  boost::interprocess::mapped_region region;
};

Mapping::Mapping() = default;
Mapping::Mapping(Mapping&&) noexcept = default;
Mapping& Mapping::operator=(Mapping&&) noexcept = default;
Mapping::~Mapping() = default;

Result<Mapping> Mapping::Map(int fd, size_t size, Access access, std::string_view what) {
  namespace bip = boost::interprocess;
  const bip::mode_t mode = access == Access::kRead ? bip::read_only : bip::read_write;
  try {
    Mapping mapping;
    mapping.region_ = std::make_unique<Region>(
        Region{bip::mapped_region(MappableFd(fd, mode), mode, 0, size)});
    mapping.data_ = static_cast<std::byte*>(mapping.region_->region.get_address());
    mapping.size_ = mapping.region_->region.get_size();
    return mapping;
  } catch (const bip::interprocess_exception& error) {
    return Status::FromErrno(error.get_native_error(), "map " + std::string(what));
  }
}

bool Mapping::Collapse() const { return ::madvise(data_, size_, MADV_COLLAPSE) == 0; }

}  // namespace roost
