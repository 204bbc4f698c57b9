#include "tests/support/scratch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace roost {

ScratchDirectory::ScratchDirectory() {
  // Two of one process must differ, and the whole path must leave room for a socket's name: a socket
  // path has at most 107 bytes.
  static std::atomic<int> count{0};
  path_ = fmt::format("{}roost-{}-{}", ::testing::TempDir(), ::getpid(),
                      count.fetch_add(1, std::memory_order_relaxed));
  std::filesystem::remove_all(path_);  // of a test that was killed, under a pid that came again
  std::filesystem::create_directories(path_);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;  // what cannot be removed must not hide the test's own result
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchDirectory::MakeDirectoryFor(uid_t uid, std::string_view name) {
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
  std::string made = path_ + "/" + std::string(name);
  std::filesystem::create_directory(made);
  EXPECT_EQ(::chown(made.c_str(), uid, static_cast<gid_t>(uid)), 0);
  EXPECT_EQ(::chmod(made.c_str(), 0755), 0);
  return made;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  EXPECT_TRUE(file.good()) << path;
}

}  // namespace roost
