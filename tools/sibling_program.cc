#include "tools/sibling_program.h"

#include <unistd.h>

#include <cerrno>
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

ExitStatus BecomeSibling(const Program& program, const std::string& name,
                         std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), SiblingProgram(name));
  if (!program.socket().empty()) {
    arguments.insert(arguments.end(), {"--socket", program.socket()});
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  return Fail(Status::FromErrno(errno, "run " + arguments[0]));
}

}  // namespace roost
