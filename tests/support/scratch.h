// A directory for one test, with the pid in its name, removed with all that is in it at the end.
#ifndef ROOST_TESTS_SUPPORT_SCRATCH_H_
#define ROOST_TESTS_SUPPORT_SCRATCH_H_

#include <sys/types.h>

#include <string>
#include <string_view>

namespace roost {

class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  // A directory in it that belongs to `uid`; the scratch directory itself becomes passable for all.
  std::string MakeDirectoryFor(uid_t uid, std::string_view name);

 private:
  std::string path_;
};

// The whole file, or "" if there is none.
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, std::string_view content);

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_SCRATCH_H_
