// Another thread of the broker, or the system, that has something for the sequencer.
#ifndef ROOST_BROKER_WAKE_SOURCE_H_
#define ROOST_BROKER_WAKE_SOURCE_H_

#include <functional>

namespace roost {

struct WakeSource {
  int fd = -1;  // readable when there is something; as long as the sequencer
  std::function<void()>
      on_ready;  // on the sequencer's thread, within a turn; takes the readiness away
};

}  // namespace roost

#endif  // ROOST_BROKER_WAKE_SOURCE_H_
