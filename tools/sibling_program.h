// Where Roost's other programs are. Any thread.
#ifndef ROOST_TOOLS_SIBLING_PROGRAM_H_
#define ROOST_TOOLS_SIBLING_PROGRAM_H_

#include <string>

namespace roost {

// The program of this name in the folder of this one, where all are installed; else the name alone, to be looked up in PATH.
std::string SiblingProgram(const std::string& name);

}  // namespace roost

#endif  // ROOST_TOOLS_SIBLING_PROGRAM_H_
