// roost export: hands over to roost-export, the program beside this one.
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/export/export_options.h"
#include "tools/sibling_program.h"

namespace roost {
namespace {

ExitStatus Run(Program& program, const ExportOptions& options) {
  std::vector<std::string> arguments = ArgumentsOf(options);
  arguments.insert(arguments.begin(), SiblingProgram("roost-export"));
  if (!program.socket().empty()) {
    arguments.insert(arguments.end(), {"--socket", program.socket()});
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  return Fail(Status::FromErrno(errno, "run " + arguments[0]));
}

}  // namespace

void AddExportCommand(Program& program) { AddExportCommand(program, Run); }

}  // namespace roost
