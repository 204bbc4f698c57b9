#include "ipc/messages.h"

#include <string>

#include "base/check.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

constexpr size_t kEventBytesFirst = 1024;
constexpr size_t kRequestBytesFirst = 4096;
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

void RequestEncoder::BeginAppend() {
  builder_.Clear();
  events_.clear();
  conditions_.clear();
}

void RequestEncoder::AddEvent(const EventFields& event) {
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
  builder_.ForceVectorAlignment(body.GetSize(), 1, kBodyAlignment);
  const auto bytes = builder_.CreateVector(body.GetBufferPointer(), body.GetSize());
  events_.push_back(wire::CreateNewEvent(builder_, bytes));
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

void RequestEncoder::Shrink() {
  if (builder_.GetSize() > kKeptBytesMax) builder_.Reset();
  if (event_builder_.GetSize() > kKeptBytesMax) event_builder_.Reset();
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
