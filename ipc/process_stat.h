// What /proc says of a process, as far as it tells whether a broker lives. Any thread.
#ifndef ROOST_IPC_PROCESS_STAT_H_
#define ROOST_IPC_PROCESS_STAT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace roost {

// /proc/PROCESS/stat; `process` is a pid or "self". Empty: there is none, or /proc does not show it.
std::string ReadProcessStat(std::string_view process);
// The inode of our own /proc/self/ns/pid; 0: not known.
uint64_t PidNamespace();

// Field 22 of it, when the process began, in clock ticks since the machine did: with the pid it names a process for good. 0: the
// text is none.
uint64_t ProcessStartTicks(std::string_view stat);
// Field 3: 'R', 'S', 'D', 'T', 't', 'Z', ... 0: the text is none.
char ProcessStateLetter(std::string_view stat);

}  // namespace roost

#endif  // ROOST_IPC_PROCESS_STAT_H_
