#include "broker/request_handler.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "broker/logging.h"
#include "log/record.h"
#include "schemas/text.h"

namespace roost {
namespace {

using wire::RefusalCode;
using wire::RequestBody;

bool IsName(std::string_view text, uint64_t bytes_max) {
  return text.size() <= bytes_max && IsPlainUtf8(text);
}

std::optional<Refusal> CheckWait(const wire::Wait& wait) {
  const std::string_view stream = TextOf(wait.stream());
  const std::string_view prefix = TextOf(wait.stream_prefix());
  if (!stream.empty() && !prefix.empty()) {
    return Refusal{RefusalCode::Invalid, "a wait is for one stream or for a prefix, not for both"};
  }
  if (!IsName(stream, kStreamNameBytesMax) || !IsName(prefix, kStreamNameBytesMax) ||
      !IsName(TextOf(wait.agent()), kAgentBytesMax)) {
    return Refusal{RefusalCode::Invalid,
                   fmt::format("a wait's stream and prefix may have {} bytes and its agent {}, of "
                               "UTF-8 without control characters",
                               kStreamNameBytesMax, kAgentBytesMax)};
  }
  if (wait.types() == nullptr) return std::nullopt;
  if (wait.types()->size() > RequestHandler::kWaitTypesMax) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("a wait may name {} types and names {}",
                               RequestHandler::kWaitTypesMax, wait.types()->size())};
  }
  return std::nullopt;
}

RequestKind RequestKindOf(RequestBody type) {
  switch (type) {
    case RequestBody::Append:
      return RequestKind::kAppend;
    case RequestBody::Claim:
      return RequestKind::kClaim;
    case RequestBody::Release:
      return RequestKind::kRelease;
    case RequestBody::Take:
      return RequestKind::kTake;
    case RequestBody::Settle:
      return RequestKind::kSettle;
    case RequestBody::Validate:
      return RequestKind::kValidate;
    case RequestBody::Decide:
      return RequestKind::kDecide;
    case RequestBody::Wait:
      return RequestKind::kWait;
    case RequestBody::Attach:
      return RequestKind::kAttach;
    case RequestBody::CancelWait:
    case RequestBody::CancelRequest:
      return RequestKind::kCancel;
    case RequestBody::FindSegment:
      return RequestKind::kFindSegment;
    case RequestBody::ListSessions:
    case RequestBody::ListLeases:
    case RequestBody::ListGroups:
    case RequestBody::ListParked:
      return RequestKind::kList;
    case RequestBody::Unpark:
    case RequestBody::RemoveGroup:
      return RequestKind::kManage;
    case RequestBody::Active:
      return RequestKind::kActive;
    case RequestBody::OpenLane:
    case RequestBody::LaneBell:
      return RequestKind::kLane;
    default:
      return RequestKind::kOther;
  }
}

WaitRequest MakeWait(const Peer& peer, const wire::Wait& wait, uint64_t received_ns) {
  WaitRequest request;
  request.received_ns = received_ns;
  request.socket = peer.socket;
  request.registration = wait.registration();
  request.after = wait.after();
  request.stream = TextOf(wait.stream());
  request.stream_prefix = TextOf(wait.stream_prefix());
  if (wait.types() != nullptr) {
    for (const flatbuffers::String* type : *wait.types()) {
      request.types.push_back(FilterHash(TextOf(type)));
    }
  }
  request.has_agent = !TextOf(wait.agent()).empty();
  request.agent = FilterHash(TextOf(wait.agent()));
  return request;
}

}  // namespace

uint64_t RequestHandler::Handle(Peer& peer, Bytes message, const UniqueFd& fd,
                                uint64_t received_ns) {
  const wire::Request* request = DecodeRequest(message, parts_.log->options().batch_events_max);
  if (request == nullptr) {
    RefuseMalformed(peer);
    return message.size();
  }
  if (const wire::InMemory* in_memory = request->body_as_InMemory()) {
    return message.size() +
           HandleInMemory(peer, request->number(), in_memory->length(), fd, received_ns);
  }
  Dispatch(peer, *request, received_ns);
  return message.size();
}

uint64_t RequestHandler::HandleInMemory(Peer& peer, uint64_t number, uint64_t length,
                                        const UniqueFd& fd, uint64_t received_ns) {
  // Nothing is read for somebody who is not known.
  if (peer.session == nullptr) {
    RefuseUnread(peer, number, {RefusalCode::NotAllowed, "attach first"});
    return 0;
  }
  const Result<Bytes> bytes = memfd_.Read(fd.get(), length);
  if (!bytes.ok()) {
    const bool too_large = bytes.status().code() == StatusCode::kTooLarge;
    RefuseUnread(
        peer, number,
        {too_large ? RefusalCode::TooLarge : RefusalCode::Invalid, bytes.status().message()});
    return 0;
  }
  const wire::Request* request = DecodeRequest(*bytes, parts_.log->options().batch_events_max);
  if (request == nullptr || request->number() != number ||
      request->body_type() == RequestBody::InMemory) {
    RefuseUnread(peer, number,
                 {RefusalCode::Invalid, "what is in the memfd is no request with this number"});
  } else {
    Dispatch(peer, *request, received_ns);
  }
  return length;
}

void RequestHandler::Dispatch(Peer& peer, const wire::Request& request, uint64_t received_ns) {
  const RequestBody type = request.body_type();
  const RequestKind kind = RequestKindOf(type);
  parts_.counters->CountRequest(kind);
  if (type == RequestBody::Attach) {
    parts_.attacher->Handle(peer, *request.body_as_Attach());
    return;
  }
  if (peer.session == nullptr) {
    parts_.turn->Refuse(peer, request.number(), {RefusalCode::NotAllowed, "attach first"});
    return;
  }
  if (type == RequestBody::LaneBell) return parts_.lanes->OnBell(peer);
  if (peer.is_behind && request.number() != 0) {
    parts_.turn->Refuse(peer, request.number(),
                        {RefusalCode::Busy,
                         "this session does not read its answers, so nothing more is done for it; "
                         "read them and ask again"});
    return;
  }
  Session& session = *peer.session;
  ++session.requests;
  session.last_request_ns = WallNs();
  if constexpr (kCounting) {
    parts_.counters->sessions().CountRequest(session.counters_row, session.last_request_ns);
  }
  parts_.presence->OnRequest(*peer.session, received_ns);
  switch (type) {
    case RequestBody::Append:
      parts_.appender->Handle(peer, request.number(), *request.body_as_Append(), received_ns);
      break;
    case RequestBody::Wait:
      Wait(peer, *request.body_as_Wait(), received_ns);
      break;
    case RequestBody::CancelWait:
      if (!parts_.waker->PostCancel(peer.socket, request.body_as_CancelWait()->registration())) {
        peer.socket->HangUp();
      }
      break;
    case RequestBody::FindSegment:
      FindSegment(peer, request.number(), *request.body_as_FindSegment());
      break;
    case RequestBody::ListSessions:
      ListSessions(peer, request.number(), *request.body_as_ListSessions());
      break;
    case RequestBody::CancelRequest:
      parts_.coordinator->Cancel(*peer.session, request.body_as_CancelRequest()->number());
      break;
    case RequestBody::OpenLane:
      parts_.lanes->Open(peer, request.number());
      break;
    case RequestBody::Active:
      Active(peer, *request.body_as_Active(), received_ns);
      break;
    default:
      if (parts_.coordinator->Handle({peer, *peer.session, request.number(), received_ns, kind},
                                     request)) {
        break;
      }
      parts_.turn->Refuse(
          peer, request.number(),
          {RefusalCode::Invalid,
           fmt::format("this broker knows no request of kind {}", static_cast<unsigned>(type))});
  }
}

void RequestHandler::Wait(Peer& peer, const wire::Wait& wait, uint64_t received_ns) {
  if (auto refusal = CheckWait(wait)) {
    parts_.turn->Refuse(peer, 0, *refusal, wait.registration());
    return;
  }
  if (peer.socket->waits.load(std::memory_order_relaxed) >= kWaitsPerSessionMax) {
    parts_.turn->Refuse(peer, 0,
                        {RefusalCode::Busy,
                         fmt::format("a session may have {} waits at a time", kWaitsPerSessionMax)},
                        wait.registration());
    return;
  }
  if (!parts_.waker->PostWait(MakeWait(peer, wait, received_ns))) {
    parts_.turn->Refuse(peer, 0, {RefusalCode::Busy, "too many waits at this moment; try again"},
                        wait.registration());
  }
}

void RequestHandler::FindSegment(Peer& peer, uint64_t number, const wire::FindSegment& find) {
  if ((find.sequence() == 0) == (find.position() == 0)) {
    parts_.turn->Refuse(peer, number,
                        {RefusalCode::Invalid,
                         "a segment is found by a sequence or by a position, by one of them"});
    return;
  }
  if (!parts_.librarian->PostFindSegment(peer.socket, number, find.sequence(), find.position())) {
    parts_.turn->Refuse(
        peer, number,
        {RefusalCode::Busy, "too many segments are asked for at this moment; try again"});
  }
}

void RequestHandler::ListSessions(Peer& peer, uint64_t number, const wire::ListSessions& list) {
  if (list.limit() == 0) {
    parts_.turn->Refuse(peer, number, {RefusalCode::Invalid, "a list's limit must not be 0"});
    return;
  }
  peer.Send(parts_.replies->Sessions(number, *parts_.sessions, list.after(), list.limit()));
}

// That the session lives was noted with the request, as with every one.
void RequestHandler::Active(Peer& peer, const wire::Active& active, uint64_t received_ns) {
  if (active.report() == nullptr) return;
  peer.work += reports_.Take(*peer.session, *active.report(), received_ns);
}

void RequestHandler::RefuseUnread(Peer& peer, uint64_t number, const Refusal& refusal) {
  parts_.counters->CountRequest(RequestKind::kOther);
  parts_.turn->Refuse(peer, number, refusal);
}

void RequestHandler::RefuseMalformed(Peer& peer) {
  Log(LogLevel::kDebug, "pid {} uid {} sent what is no request; hung up",
      peer.socket->credentials().pid, peer.socket->credentials().uid);
  RefuseUnread(peer, 0, {RefusalCode::Invalid, "these bytes are no request of this protocol"});
  peer.socket->HangUp();
}

}  // namespace roost
