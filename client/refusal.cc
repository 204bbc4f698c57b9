#include "client/refusal.h"

#include <string>

#include "schemas/text.h"

namespace roost {
namespace {

StatusCode CodeOf(wire::RefusalCode code) {
  switch (code) {
    case wire::RefusalCode::Invalid:
      return StatusCode::kInvalidArgument;
    case wire::RefusalCode::TooLarge:
      return StatusCode::kTooLarge;
    case wire::RefusalCode::IdReused:
      return StatusCode::kAlreadyExists;
    case wire::RefusalCode::Incompatible:
      return StatusCode::kIncompatible;
    case wire::RefusalCode::NotAllowed:
      return StatusCode::kPermissionDenied;
    case wire::RefusalCode::TooManyStreams:
    case wire::RefusalCode::Full:
      return StatusCode::kExhausted;
    case wire::RefusalCode::TooOld:
      return StatusCode::kUnknownOutcome;
    case wire::RefusalCode::Busy:
      return StatusCode::kBusy;
    case wire::RefusalCode::Degraded:
      return StatusCode::kIoError;
    case wire::RefusalCode::ShuttingDown:
      return StatusCode::kUnavailable;
  }
  return StatusCode::kIncompatible;  // of a newer broker
}

}  // namespace

Status StatusOfRefusal(const wire::Refused& refused) {
  return {CodeOf(refused.code()), refused.message()->str()};
}

uint64_t AddSessions(const wire::Sessions& reply, std::vector<SessionInfo>* sessions) {
  uint64_t last = 0;
  if (reply.sessions() == nullptr) return last;
  for (const wire::SessionInfo* session : *reply.sessions()) {
    last = session->session();
    sessions->push_back({last, CopyOf(session->agent()), CopyOf(session->client()), session->uid(),
                         session->pid(), session->joined_ns(), session->last_request_ns(),
                         session->requests(), session->waiting(), session->idle()});
  }
  return last;
}

}  // namespace roost
