#include "tests/log/disk_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace roost {

void DiskImage::Write(const std::string& directory, const DiskModel::Contents& contents) {
  std::vector<std::string> gone;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path(), ignored)) {
    if (!entry.is_regular_file()) continue;
    const std::string file = entry.path();
    if (!contents.contains(directory + file.substr(path().size()))) gone.push_back(file);
  }
  for (const std::string& file : gone) ::unlink(file.c_str());
  for (const auto& [name, content] : contents) {
    const std::string file = path() + name.substr(directory.size());
    UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd.valid()) {
      const std::string parent = file.substr(0, file.rfind('/'));
      ASSERT_EQ(::mkdir(parent.c_str(), 0700), 0) << parent;
      fd.Reset(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    ASSERT_EQ(::pwrite(fd.get(), content.data(), content.size(), 0),
              static_cast<ssize_t>(content.size()));
    ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(content.size())), 0);
  }
}

DiskModel::Contents DiskImage::Read() const {
  DiskModel::Contents contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
    if (entry.is_regular_file()) contents[entry.path()] = ReadFile(entry.path());
  }
  return contents;
}

}  // namespace roost
