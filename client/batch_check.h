// What can be said about a batch before it is sent: the broker's own rules and limits, in the same words, so
// that mistakes cost no round trip and large ones no copy. Pure functions, any thread.
#ifndef ROOST_CLIENT_BATCH_CHECK_H_
#define ROOST_CLIENT_BATCH_CHECK_H_

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "roost/event.h"

namespace roost {

// As the ring's header names them; before the first attachment what no broker allows to be exceeded.
struct BatchLimits {
  uint64_t event_data_bytes_max = UINT64_MAX;
  uint64_t batch_events_max = UINT64_MAX;
  uint64_t batch_bytes_max = UINT64_MAX;  // as records
};

// kInvalidArgument, kTooLarge, kPermissionDenied (a stream of Roost's own).
Status CheckBatch(const Batch& batch, const BatchLimits& limits);

// The label that a client wants to append under.
Status CheckAgentLabel(std::string_view agent);

}  // namespace roost

#endif  // ROOST_CLIENT_BATCH_CHECK_H_
