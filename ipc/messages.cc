#include "ipc/messages.h"

#include <cstring>
#include <string>

#include "base/check.h"
#include "ipc/event_frame.h"
#include "ipc/protocol.h"
#include "schemas/text.h"

namespace roost {
namespace {

constexpr size_t kEventBytesFirst = 1024;
constexpr size_t kRequestBytesFirst = 512;
// A builder that has grown beyond it is given back rather than kept.
constexpr size_t kKeptBytesMax = 128 << 10;
constexpr size_t kBodyAlignment = 8;

using TextOffset = flatbuffers::Offset<flatbuffers::String>;

// 0, which leaves the field out, for an empty text.
TextOffset Text(flatbuffers::FlatBufferBuilder* builder, std::string_view text) {
  return text.empty() ? TextOffset() : builder->CreateString(text.data(), text.size());
}

const uint8_t* Octets(Bytes bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

}  // namespace

RequestEncoder::RequestEncoder() : builder_(kRequestBytesFirst), event_builder_(kEventBytesFirst) {}

void RequestEncoder::BeginAppend(size_t bytes_expected) {
  builder_.Clear();
  if (bytes_expected > kRequestBytesFirst) builder_ = flatbuffers::FlatBufferBuilder(bytes_expected);
  events_.clear();
  conditions_.clear();
}

void RequestEncoder::AddEvent(const EventFields& event) {
  const bool is_alike = IsLikeBuilt(event);
  if (!is_alike) BuildEvent(event);
  const size_t built = is_alike ? frame_bytes_ : event_builder_.GetSize();
  const auto length = static_cast<flatbuffers::uoffset_t>(event.data.size());
  const size_t used = is_alike ? built + sizeof(length) + length : built;
  last_body_bytes_ = AlignUp(used, sizeof(length));

  builder_.ForceVectorAlignment(last_body_bytes_, 1, kBodyAlignment);
  uint8_t* body;
  const flatbuffers::Offset<flatbuffers::Vector<uint8_t>> bytes =
      builder_.CreateUninitializedVector(last_body_bytes_, 1, &body);
  std::memcpy(body, event_builder_.GetBufferPointer(), built);
  if (is_alike) {  // the same bytes as BuildEvent would give
    std::memcpy(body + built, &length, sizeof(length));
    std::memcpy(body + built + sizeof(length), event.data.data(), length);
    std::memset(body + used, 0, last_body_bytes_ - used);
  }
  AddNewEvent(bytes);
}

// As CreateNewEvent does it. Behind the first of a request the vtable is known: it need not be built and looked for again.
void RequestEncoder::AddNewEvent(flatbuffers::Offset<flatbuffers::Vector<uint8_t>> body) {
  using flatbuffers::soffset_t;
  if (events_.empty()) {
    const flatbuffers::Offset<wire::NewEvent> event = wire::CreateNewEvent(builder_, body);
    const uint8_t* const table = builder_.GetCurrentBufferPointer() + (builder_.GetSize() - event.o);
    new_event_vtable_ = event.o + static_cast<flatbuffers::uoffset_t>(flatbuffers::ReadScalar<soffset_t>(table));
    events_.push_back(event);
    return;
  }
  builder_.PushElement(builder_.ReferTo(body.o));
  const auto table = static_cast<flatbuffers::uoffset_t>(builder_.GetSize() + sizeof(soffset_t));
  builder_.PushElement(static_cast<soffset_t>(new_event_vtable_) - static_cast<soffset_t>(table));
  events_.emplace_back(table);
}

void RequestEncoder::BuildEvent(const EventFields& event) {
  flatbuffers::FlatBufferBuilder& body = event_builder_;
  body.Clear();
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> data;
  if (!event.data.empty()) data = body.CreateVector(Octets(AsBytes(event.data)), event.data.size());
  const TextOffset content_type = Text(&body, event.content_type);
  const TextOffset causation_id = Text(&body, event.causation_id);
  const TextOffset correlation_id = Text(&body, event.correlation_id);
  const TextOffset id = Text(&body, event.id);
  const TextOffset agent = body.CreateString(event.agent.data(), event.agent.size());
  const TextOffset type = body.CreateString(event.type.data(), event.type.size());
  const TextOffset stream = body.CreateString(event.stream.data(), event.stream.size());
  body.Finish(wire::CreateEvent(body, stream, type, agent, id, correlation_id, causation_id,
                                content_type, data));
  const auto* const bytes = reinterpret_cast<const std::byte*>(body.GetBufferPointer());
  const wire::Event& built = *wire::GetEvent(bytes);
  frame_bytes_ = EventFrameBytes(built, Bytes(bytes, body.GetSize()));
  built_ = {.stream = TextOf(built.stream()),
            .type = TextOf(built.type()),
            .agent = TextOf(built.agent()),
            .id = TextOf(built.id()),
            .correlation_id = TextOf(built.correlation_id()),
            .causation_id = TextOf(built.causation_id()),
            .content_type = TextOf(built.content_type())};
}

bool RequestEncoder::IsLikeBuilt(const EventFields& event) const {
  return frame_bytes_ != 0 && !event.data.empty() && event.stream == built_.stream &&
         event.type == built_.type && event.agent == built_.agent && event.id == built_.id &&
         event.correlation_id == built_.correlation_id &&
         event.causation_id == built_.causation_id && event.content_type == built_.content_type;
}

void RequestEncoder::AddCondition(std::string_view stream, uint64_t expect) {
  const TextOffset name = builder_.CreateString(stream.data(), stream.size());
  conditions_.push_back(wire::CreateCondition(builder_, name, expect));
}

Bytes RequestEncoder::FinishAppend(uint64_t number) {
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<wire::Condition>>> conditions;
  if (!conditions_.empty()) conditions = builder_.CreateVector(conditions_);
  const auto events = builder_.CreateVector(events_);
  return Finish(number, wire::CreateAppend(builder_, events, conditions));
}

Bytes RequestEncoder::Attach(std::string_view agent, std::string_view client, uint64_t session,
                             Bytes secret) {
  builder_.Clear();
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> shown;
  if (!secret.empty()) shown = builder_.CreateVector(Octets(secret), secret.size());
  const TextOffset program = Text(&builder_, client);
  const TextOffset label = builder_.CreateString(agent.data(), agent.size());
  return Finish(0, wire::CreateAttach(builder_, kProtocolVersion, label, program, session, shown));
}

Bytes RequestEncoder::Wait(const WaitFields& wait) {
  builder_.Clear();
  flatbuffers::Offset<flatbuffers::Vector<TextOffset>> types;
  if (!wait.types.empty()) {
    std::vector<TextOffset> texts;
    for (const std::string& type : wait.types) texts.push_back(builder_.CreateString(type));
    types = builder_.CreateVector(texts);
  }
  const TextOffset stream = Text(&builder_, wait.stream);
  const TextOffset prefix = Text(&builder_, wait.stream_prefix);
  const TextOffset agent = Text(&builder_, wait.agent);
  return Finish(
      0, wire::CreateWait(builder_, wait.registration, wait.after, stream, prefix, types, agent));
}

Bytes RequestEncoder::CancelWait(uint64_t registration) {
  builder_.Clear();
  return Finish(0, wire::CreateCancelWait(builder_, registration));
}

Bytes RequestEncoder::FindSegment(uint64_t number, uint64_t sequence, uint64_t position) {
  builder_.Clear();
  return Finish(number, wire::CreateFindSegment(builder_, sequence, position));
}

Bytes RequestEncoder::ListSessions(uint64_t number, uint64_t after, uint32_t limit) {
  builder_.Clear();
  return Finish(number, wire::CreateListSessions(builder_, after, limit));
}

Bytes RequestEncoder::InMemory(uint64_t number, uint64_t length) {
  builder_.Clear();
  return Finish(number, wire::CreateInMemory(builder_, length));
}

OwnedRequest RequestEncoder::HandOver() {
  OwnedRequest request(builder_.Release());
  builder_ = flatbuffers::FlatBufferBuilder(kRequestBytesFirst);
  return request;
}

void RequestEncoder::Shrink() {
  // Reset() would take as much again: what was expected once.
  if (builder_.GetSize() > kRequestBytesFirst) builder_ = flatbuffers::FlatBufferBuilder(kRequestBytesFirst);
  if (event_builder_.GetSize() > kKeptBytesMax) {
    event_builder_.Reset();
    frame_bytes_ = 0;
  }
}

TextOffset RequestEncoder::Optional(std::string_view text) { return Text(&builder_, text); }

TextOffset RequestEncoder::Required(std::string_view text) {
  return builder_.CreateString(text.data(), text.size());
}

void RenumberRequest(std::span<std::byte> request, uint64_t number) {
  auto* table = flatbuffers::GetMutableRoot<flatbuffers::Table>(request.data());
  ROOST_CHECK(table->SetField<uint64_t>(wire::Request::VT_NUMBER, number, 0), "number={}", number);
}

void SetRequestWait(std::span<std::byte> request, uint32_t wait_ms) {
  auto* root = flatbuffers::GetMutableRoot<flatbuffers::Table>(request.data());
  auto* body = root->GetPointer<flatbuffers::Table*>(wire::Request::VT_BODY);
  const auto* typed = flatbuffers::GetRoot<wire::Request>(request.data());
  flatbuffers::voffset_t field = 0;
  switch (typed->body_type()) {
    case wire::RequestBody::Claim:
      field = wire::Claim::VT_WAIT_MS;
      break;
    case wire::RequestBody::Take:
      field = wire::Take::VT_WAIT_MS;
      break;
    case wire::RequestBody::Validate:
      field = wire::Validate::VT_WAIT_MS;
      break;
    default:
      break;
  }
  ROOST_CHECK(field != 0 && body->SetField<uint32_t>(field, wait_ms, 0), "type={} wait_ms={}",
              static_cast<int>(typed->body_type()), wait_ms);
}

const wire::Reply* DecodeReply(Bytes message) {
  flatbuffers::Verifier verifier(Octets(message), message.size());
  if (!verifier.VerifyBuffer<wire::Reply>(nullptr)) return nullptr;
  const auto* reply = flatbuffers::GetRoot<wire::Reply>(message.data());
  // The verifier lets pass what it does not know, for the sake of newer peers.
  const bool known =
      reply->body_type() > wire::ReplyBody::NONE && reply->body_type() <= wire::ReplyBody::MAX;
  return known && reply->body() != nullptr ? reply : nullptr;
}

}  // namespace roost
