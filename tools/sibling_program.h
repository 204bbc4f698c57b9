// Where Roost's other programs are, for subcommands that are one of them. Any thread.
#ifndef ROOST_TOOLS_SIBLING_PROGRAM_H_
#define ROOST_TOOLS_SIBLING_PROGRAM_H_

#include <string>
#include <vector>

#include "tools/command.h"

namespace roost {

// The program of this name in the folder of this one, where all are installed; else the name alone, to be looked up in PATH.
std::string SiblingProgram(const std::string& name);

// Becomes that program, with these arguments and the --socket that was given. Returns only if it can't.
ExitStatus BecomeSibling(const Program& program, const std::string& name,
                         std::vector<std::string> arguments);

}  // namespace roost

#endif  // ROOST_TOOLS_SIBLING_PROGRAM_H_
