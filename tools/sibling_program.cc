#include "tools/sibling_program.h"

#include <unistd.h>

#include <climits>

namespace roost {

std::string SiblingProgram(const std::string& name) {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  if (size <= 0 || static_cast<size_t>(size) >= sizeof(path)) return name;
  std::string beside(path, static_cast<size_t>(size));
  beside.replace(beside.rfind('/') + 1, std::string::npos, name);
  return ::access(beside.c_str(), X_OK) == 0 ? beside : name;
}

}  // namespace roost
