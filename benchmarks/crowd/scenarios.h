// What crowd_bench can play. Each prints one JSON object, and returns the program's exit status: 1 when a bound that
// was given (0: none) does not hold.
#ifndef ROOST_BENCHMARKS_CROWD_SCENARIOS_H_
#define ROOST_BENCHMARKS_CROWD_SCENARIOS_H_

#include <cstdint>

namespace roost {

// What polite agents notice of a flooder: their p99 with each kind of it and without, in turn; the same before a bare
// sequencer.
struct FloodOptions {
  int agents = 999;
  double rate = 2000;  // requests a second of all of them; 0: each asks again at once
  double seconds = 0.4;
  int rounds = 9;
  double ratio_max = 0;  // of p99 beside one flooding connection to p99 without; and nobody else is refused
};
int RunFlood(const FloodOptions& options);

// What 16 clients that append notice of stopped readers: processes that wait for news and read them, some of which are
// stopped in every second half of a round. Beside it the same appends before a bare sequencer.
struct StoppedOptions {
  int readers = 1000;
  int stopped = 500;
  double seconds = 10;  // of each half
  int rounds = 9;
  double slower_max = 0;  // 0.1: a tenth
};
int RunStopped(const StoppedOptions& options);

// Real shims that all start, attach and claim a key at once, and then are killed at once. Beside it as many processes
// that answer the same lines and know no broker.
struct AttachOptions {
  int shims = 1000;
  int rounds = 3;
  double attached_s_max = 0;
  double reclaimed_s_max = 0;
};
int RunAttach(const AttachOptions& options);

// Clients that come and go, one after another: those that say nothing, that say nonsense, that attach and do not wait for
// the answer, and that append. What the broker has of them in the end.
struct ConnectsOptions {
  int connects = 100'000;
  uint64_t growth_kib_max = 0;  // of its own memory, and no descriptor and mapping more
};
int RunConnects(const ConnectsOptions& options);

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_SCENARIOS_H_
