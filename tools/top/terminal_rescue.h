// Gives the terminal back when the program crashes (a signal such as SIGSEGV, a failed ROOST_CHECK), and keeps what is written to
// stderr meanwhile from the screen: it is shown when the screen has gone. One in a process; one thread.
#ifndef ROOST_TOOLS_TOP_TERMINAL_RESCUE_H_
#define ROOST_TOOLS_TOP_TERMINAL_RESCUE_H_

#include <string_view>

#include "base/status.h"

namespace roost {

// `fd`: the terminal, as it is to be again. `leave`: what to write to it for that, at most 512 bytes.
Status BeginTerminalRescue(int fd, std::string_view leave);
// stderr is what it was, and has what was kept back.
void EndTerminalRescue();

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TERMINAL_RESCUE_H_
