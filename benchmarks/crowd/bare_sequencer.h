// The yardstick of a crowd: the least that a broker must do over such a socket. It accepts, answers the first message
// of a connection with a descriptor, and from then on in turns, in which each client that has sent something is
// looked at once, for up to 16 messages: receives, writes all of a turn to a file at once, answers. It checks nothing
// and knows nobody.
#ifndef ROOST_BENCHMARKS_CROWD_BARE_SEQUENCER_H_
#define ROOST_BENCHMARKS_CROWD_BARE_SEQUENCER_H_

#include <string>

namespace roost {

// Writes a byte to `ready` when it listens; returns never.
[[noreturn]] void RunBareSequencer(const std::string& socket, const std::string& journal,
                                   int ready);

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_BARE_SEQUENCER_H_
