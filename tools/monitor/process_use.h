// What a process uses of the machine, as the kernel says it. Any thread; never waits.
#ifndef ROOST_TOOLS_MONITOR_PROCESS_USE_H_
#define ROOST_TOOLS_MONITOR_PROCESS_USE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace roost {

// In bytes.
struct ProcessMemory {
  uint64_t resident = 0;  // all of it that is in memory, shared pages too: of a broker the ring is in it
  // Only for those who may look into the process (its own user, root):
  std::optional<uint64_t> proportional;  // PSS: shared pages by the part that falls to it
  std::optional<uint64_t> own;           // USS: what would be free if it ended
};

// The time that all of its threads ran, in ns since it began. nullopt: there is no such process.
std::optional<uint64_t> ProcessCpuNs(uint32_t pid);
// One small file, readable by everybody. nullopt: there is no such process, or /proc hides it.
std::optional<uint64_t> ProcessResidentBytes(uint32_t pid);
// The kernel walks all pages of the process for this: some 20 us for a small one, milliseconds for gigabytes.
std::optional<ProcessMemory> ProcessMemoryOf(uint32_t pid);

// The text of /proc/PID/smaps_rollup. nullopt: there is no Pss in it. Pure.
std::optional<ProcessMemory> ParseSmapsRollup(std::string_view text);

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_PROCESS_USE_H_
