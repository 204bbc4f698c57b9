// The names of the durabilities, as on the command line and in answers. Any thread.
#ifndef ROOST_LOG_DURABILITY_H_
#define ROOST_LOG_DURABILITY_H_

#include "log/ring_format.h"

namespace roost {

const char* DurabilityName(Durability durability);  // "memory", "process", "power"

}  // namespace roost

#endif  // ROOST_LOG_DURABILITY_H_
