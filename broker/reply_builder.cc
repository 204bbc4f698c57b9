#include "broker/reply_builder.h"

#include <unistd.h>

#include <algorithm>
#include <span>
#include <vector>

#include "base/check.h"
#include "broker/peer.h"
#include "broker/version.h"

namespace roost {
namespace {

constexpr size_t kUsualBytes = 1024;
// What one more SessionInfo and the rest of the reply may take at most.
constexpr size_t kSessionInfoBytesMax = 1024;

}  // namespace

ReplyBuilder::ReplyBuilder() : builder_(kUsualBytes) {}

template <typename Body>
Bytes ReplyBuilder::Finish(uint64_t number, wire::ReplyBody type, flatbuffers::Offset<Body> body) {
  builder_.Finish(wire::CreateReply(builder_, number, type, body.Union()));
  ROOST_CHECK(builder_.GetSize() <= kReplyBytesMax, "bytes={}", builder_.GetSize());
  return std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
}

Bytes ReplyBuilder::Attached(const AttachedReply& reply) {
  builder_.Clear();
  const auto secret = builder_.CreateVector(reply.secret.data(), reply.secret.size());
  const auto log_id = builder_.CreateVector(reply.log_id, 16);
  const auto version = builder_.CreateString(kBrokerVersion);
  flatbuffers::Offset<flatbuffers::String> directory;
  if (!reply.data_directory.empty()) directory = builder_.CreateString(reply.data_directory);
  return Finish(0, wire::ReplyBody::Attached,
                wire::CreateAttached(builder_, reply.session, secret, reply.resumed,
                                     reply.requests_answered, log_id, reply.epoch,
                                     static_cast<uint32_t>(::getpid()), version, directory,
                                     /*has_ring=*/true));
}

Bytes ReplyBuilder::Appended(const KeptAnswer& answer, uint64_t head) {
  ROOST_CHECK(answer.kind != KeptAnswer::Kind::kConflict);
  builder_.Clear();
  return Finish(
      answer.number, wire::ReplyBody::Appended,
      wire::CreateAppended(builder_, answer.first, answer.last, answer.revision, answer.count,
                           answer.kind == KeptAnswer::Kind::kDuplicate, head));
}

Bytes ReplyBuilder::Conflict(const KeptAnswer& answer, std::string_view stream, uint64_t head) {
  builder_.Clear();
  const auto stream_offset = builder_.CreateString(stream);
  return Finish(
      answer.number, wire::ReplyBody::Conflict,
      wire::CreateConflict(builder_, stream_offset, answer.expect, answer.revision, head));
}

Bytes ReplyBuilder::Woken(uint64_t registration) {
  builder_.Clear();
  return Finish(0, wire::ReplyBody::Woken, wire::CreateWoken(builder_, registration));
}

Bytes ReplyBuilder::Segment(uint64_t number, const SegmentPlace& place) {
  builder_.Clear();
  return Finish(
      number, wire::ReplyBody::Segment,
      wire::CreateSegment(builder_, place.base_sequence, place.base_position, place.end_position,
                          place.anchor_sequence, place.anchor_position));
}

Bytes ReplyBuilder::Gone(uint64_t number, uint64_t oldest) {
  builder_.Clear();
  return Finish(number, wire::ReplyBody::Gone, wire::CreateGone(builder_, oldest));
}

Bytes ReplyBuilder::Sessions(uint64_t number, const SessionTable& sessions, uint64_t after,
                             uint32_t limit) {
  builder_.Clear();
  std::vector<flatbuffers::Offset<wire::SessionInfo>> list;
  const Session* session = sessions.FindAfter(after);
  for (; session != nullptr; session = sessions.FindAfter(session->number)) {
    if (session->state != Session::State::kAttached) continue;
    if (list.size() >= std::min(limit, kListSessionsMax) ||
        builder_.GetSize() + kSessionInfoBytesMax > kReplyBytesMax) {
      break;
    }
    const auto agent = builder_.CreateString(session->agent);
    const auto client = builder_.CreateString(session->client);
    const uint32_t waiting =
        session->peer == nullptr ? 0 : session->peer->socket->waits.load(std::memory_order_relaxed);
    list.push_back(wire::CreateSessionInfo(builder_, session->number, agent, client, session->uid,
                                           session->pid, session->joined_ns,
                                           session->last_request_ns, session->requests, waiting,
                                           session->idle));
  }
  const auto list_offset = builder_.CreateVector(list);
  return Finish(number, wire::ReplyBody::Sessions,
                wire::CreateSessions(builder_, list_offset, session != nullptr));
}

Bytes ReplyBuilder::LaneOpened(uint64_t number) {
  builder_.Clear();
  return Finish(number, wire::ReplyBody::LaneOpened, wire::CreateLaneOpened(builder_));
}

Bytes ReplyBuilder::LaneBell() {
  builder_.Clear();
  return Finish(0, wire::ReplyBody::LaneBell, wire::CreateLaneBell(builder_));
}

Bytes ReplyBuilder::Refused(uint64_t number, const Refusal& refusal, uint64_t registration) {
  builder_.Clear();
  const auto message = builder_.CreateString(refusal.message);
  return Finish(number, wire::ReplyBody::Refused,
                wire::CreateRefused(builder_, refusal.code, message, registration));
}

}  // namespace roost
