// What the broker says, in the words of libroost. Pure functions, any thread.
#ifndef ROOST_CLIENT_REFUSAL_H_
#define ROOST_CLIENT_REFUSAL_H_

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "roost/read.h"
#include "schemas/control_generated.h"

namespace roost {

// Never ok.
Status StatusOfRefusal(const wire::Refused& refused);

// Adds them to `sessions`. Returns the number of the last one; 0: there was none.
uint64_t AddSessions(const wire::Sessions& reply, std::vector<SessionInfo>* sessions);

}  // namespace roost

#endif  // ROOST_CLIENT_REFUSAL_H_
