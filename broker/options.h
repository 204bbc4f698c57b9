// What an operator can say to roostd: command line over configuration file over defaults.
#ifndef ROOST_BROKER_OPTIONS_H_
#define ROOST_BROKER_OPTIONS_H_

#include <cstdint>
#include <string>

#include "log/log_writer.h"

namespace roost {

struct BrokerOptions {
  std::string socket;
  LogOptions log;
  uint64_t spin_ns = 50'000;           // how long the sequencer looks on before it sleeps
  uint64_t sync_interval_ns = 200'000'000;
  uint32_t sessions_max = 8192;
  int ready_fd = -1;                   // gets "ready\n" and is closed
};

}  // namespace roost

#endif  // ROOST_BROKER_OPTIONS_H_
