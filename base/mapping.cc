#include "base/mapping.h"

#include <sys/mman.h>

#include <algorithm>
#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <cstdint>
#include <string>

#include "base/bytes.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace roost {
namespace {

// What Boost.Interprocess wants of a thing that can be mapped.
class MappableFd {
 public:
  MappableFd(int fd, boost::interprocess::mode_t mode) : handle_{fd}, mode_(mode) {}
  boost::interprocess::mapping_handle_t get_mapping_handle() const { return {handle_, false}; }
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

namespace {

// A free place for a mapping that huge pages fit into, or nullptr. Another thread may take it meanwhile.
void* AlignedPlace(size_t size) {
  if (size < Mapping::kHugePage) return nullptr;
  const size_t room = size + Mapping::kHugePage;
  void* place =
      ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  ::munmap(place, room);
  const auto address = reinterpret_cast<uintptr_t>(place);
  return reinterpret_cast<void*>(AlignUp(address, Mapping::kHugePage));
}

boost::interprocess::mapped_region MapRegion(int fd, size_t size,
                                             boost::interprocess::mode_t mode) {
  using boost::interprocess::mapped_region;
  if (void* place = AlignedPlace(size)) {
    try {
      return mapped_region(MappableFd(fd, mode), mode, 0, size, place);
    } catch (const boost::interprocess::interprocess_exception&) {
      // The place is taken; or what is wrong is so at any place.
    }
  }
  return mapped_region(MappableFd(fd, mode), mode, 0, size);
}

}  // namespace

Result<Mapping> Mapping::Map(int fd, size_t size, Access access, std::string_view what) {
  namespace bip = boost::interprocess;
  const bip::mode_t mode = access == Access::kRead ? bip::read_only : bip::read_write;
  try {
    Mapping mapping;
    mapping.region_ = std::make_unique<Region>(Region{MapRegion(fd, size, mode)});
    mapping.data_ = static_cast<std::byte*>(mapping.region_->region.get_address());
    mapping.size_ = mapping.region_->region.get_size();
    return mapping;
  } catch (const bip::interprocess_exception& error) {
    return Status::FromErrno(error.get_native_error(), "map " + std::string(what));
  }
}

bool Mapping::IsResident(size_t offset, size_t size) const {
  constexpr size_t kPage = 4096, kPagesAtOnce = 512;
  unsigned char resident[kPagesAtOnce];
  for (size_t done = 0; done < size;) {
    const size_t part = std::min(size - done, kPagesAtOnce * kPage);
    if (::mincore(data_ + offset + done, part, resident) != 0) return false;
    if (std::any_of(resident, resident + part / kPage,
                    [](unsigned char page) { return (page & 1) == 0; })) {
      return false;
    }
    done += part;
  }
  return true;
}

Mapping::Collapsed Mapping::Collapse(size_t offset) const {
  if (::madvise(data_ + offset, kHugePage, MADV_COLLAPSE) == 0) return Collapsed::kDone;
  return errno == EINVAL ? Collapsed::kNever : Collapsed::kNotNow;
}

}  // namespace roost
