// A process that tries to write where it must not, and the ways in which it tries.
#ifndef ROOST_TESTS_SYSTEM_ATTACKER_H_
#define ROOST_TESTS_SYSTEM_ATTACKER_H_

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

inline constexpr uid_t kBrokerUser = 20001;
inline constexpr uid_t kOtherUser = 20002;
inline constexpr std::string_view kMark = "ROOST-WAS-WRITTEN";

// One line of the attacker's report for each attack that got through.
using Report = std::function<void(const std::string& attack)>;

// Runs `attack` in a child as `uid` (0: as we are) and returns what it reported. It must come to its end
// within a minute.
std::vector<std::string> RunAs(uid_t uid, const std::function<void(const Report&)>& attack);

// One way to change the file behind a descriptor that was opened for reading. Whether a call says that it
// went well does not matter: the bytes do.
struct WayToWrite {
  const char* name;
  void (*attempt)(int fd);
  bool takes_the_file = false;  // by a name or a right to it, which the owner of a plain file has
};
std::span<const WayToWrite> WaysToWrite();

// Tries each of them, on `fd` and, with `takes_the_file`, on what it can be opened anew as; reports those after
// which the file had other bytes or another size.
void TryToWrite(int fd, bool takes_the_file, const Report& got_through);

// Whole contents, by pread.
std::string ContentOf(int fd);

}  // namespace roost

#endif  // ROOST_TESTS_SYSTEM_ATTACKER_H_
