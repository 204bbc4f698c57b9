// The kernel's copies of the files of a directory.
#ifndef ROOST_BENCHMARKS_COMPARE_HARNESS_PAGE_CACHE_H_
#define ROOST_BENCHMARKS_COMPARE_HARNESS_PAGE_CACHE_H_

#include <cstdint>
#include <filesystem>

namespace roost::compare {

struct CachedFiles {
  uint64_t bytes = 0;   // that the files have on disk
  uint64_t cached = 0;  // of them, in the page cache
};

// Writes everything out and asks the kernel to forget it (POSIX_FADV_DONTNEED); tells what is left.
CachedFiles DropCache(const std::filesystem::path& directory);

}  // namespace roost::compare

#endif  // ROOST_BENCHMARKS_COMPARE_HARNESS_PAGE_CACHE_H_
