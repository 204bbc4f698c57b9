#include "benchmarks/compare/harness/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"

namespace roost::compare {
namespace {

uint64_t CachedBytes(int fd, size_t size) {
  if (size == 0) return 0;
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  ROOST_CHECK(mapped != MAP_FAILED);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((size + page - 1) / page);
  ROOST_CHECK(::mincore(mapped, size, pages.data()) == 0);
  ::munmap(mapped, size);
  return page * static_cast<uint64_t>(std::count_if(pages.begin(), pages.end(),
                                                    [](unsigned char p) { return (p & 1) != 0; }));
}

}  // namespace

CachedFiles DropCache(const std::filesystem::path& directory) {
  CachedFiles files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const UniqueFd file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) continue;  // gone meanwhile
    ::fdatasync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    struct stat status;
    ROOST_CHECK(::fstat(file.get(), &status) == 0);
    files.bytes += static_cast<uint64_t>(status.st_blocks) * 512;
    files.cached += CachedBytes(file.get(), static_cast<size_t>(status.st_size));
  }
  return files;
}

}  // namespace roost::compare
