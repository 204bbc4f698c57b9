// An append as a client sent it, checked against every rule and limit before anything is done with it.
// Pure functions over a private copy of the request; sequencer thread.
#ifndef ROOST_BROKER_APPEND_REQUEST_H_
#define ROOST_BROKER_APPEND_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ipc/protocol.h"
#include "log/log_writer.h"
#include "schemas/control_generated.h"

namespace roost {

// Why a request is not done, as the client is told.
struct Refusal {
  wire::RefusalCode code;
  std::string message;  // one sentence, with the limit and what was got
};

inline constexpr uint32_t kConditionsMax = 1000;

struct AppendLimits {
  uint64_t event_data_bytes_max = 0;
  uint64_t batch_events_max = 0;
};

struct ExpectedRevision {
  std::string_view stream;
  uint64_t expect = 0;
};

// A checked append. Its views point into the request's bytes, and, for events that do not lie on an
// address divisible by 8 there, into `copies`. Used again for each request, which saves its allocations;
// it keeps at most what the largest request needed, or kRequestBytesMax.
struct AppendRequest {
  std::vector<EventToStage> events;
  std::vector<const wire::Event*> decoded;  // the same events
  std::vector<ExpectedRevision> conditions;
  std::string_view id;  // empty: none
  std::vector<uint64_t> copies;
};

// Verifies that `bytes`, which begin on an address divisible by 8, are a Request (the events nested in it
// are left to DecodeAppend). nullptr: they are not, or have more tables than any request within the limits.
const wire::Request* DecodeRequest(Bytes bytes, uint64_t batch_events_max);

// Fills `request` from `append`, or says what is wrong with it. `agent` is the session's label.
std::optional<Refusal> DecodeAppend(const wire::Append& append, std::string_view agent,
                                    const AppendLimits& limits, AppendRequest* request);

// A session's label, and how a client calls itself.
std::optional<Refusal> CheckAgent(std::string_view agent);
std::optional<Refusal> CheckProgram(std::string_view program);

}  // namespace roost

#endif  // ROOST_BROKER_APPEND_REQUEST_H_
