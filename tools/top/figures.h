// Numbers in few columns, for tables that do not jump. Pure; any thread.
#ifndef ROOST_TOOLS_TOP_FIGURES_H_
#define ROOST_TOOLS_TOP_FIGURES_H_

#include <cstdint>
#include <string>

namespace roost {

// A rate: "0", "0.25", "7.3", "842", "12,345", "1.25 M"; at most 7 columns.
std::string ShortNumber(double number);
// The same for whole numbers: "7", not "7.0".
std::string ShortCount(uint64_t count);
// "512 B", "12.3 KiB", "9.54 MiB": at most 8 columns.
std::string ShortBytes(double bytes);
// "850 ns", "12.3 us", "4.05 ms", "1.50 s", "123 s": at most 7 columns.
std::string ShortDuration(uint64_t ns);
// "12s", "5m", "3h12m", "4d2h", "99d": at most 6 columns.
std::string ShortAge(uint64_t ns);
// Of a part of one: "0.0", "12.3", "100"; 1 is 100.
std::string Percent(double part);

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_FIGURES_H_
