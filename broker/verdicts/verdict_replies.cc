#include "broker/verdicts/verdict_replies.h"

#include <vector>

#include "base/check.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

using TextOffset = flatbuffers::Offset<flatbuffers::String>;

// 0, which leaves the field out, for an empty text.
TextOffset Text(flatbuffers::FlatBufferBuilder* builder, std::string_view text) {
  return text.empty() ? TextOffset() : builder->CreateString(text);
}

flatbuffers::Offset<wire::Answer> MakeAnswer(flatbuffers::FlatBufferBuilder* builder,
                                             const QuestionAnswer& answer) {
  const TextOffset reason = Text(builder, answer.reason);
  const TextOffset by = Text(builder, answer.by);
  const TextOffset error = Text(builder, answer.error);
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> key;
  if (answer.error.empty()) key = builder->CreateVector(answer.key.data(), answer.key.size());
  return wire::CreateAnswer(*builder, answer.verdict, answer.you_decide, answer.token, key, reason,
                            by, answer.decided_ns, answer.sequence, answer.cached, error);
}

}  // namespace

template <typename Body>
Bytes VerdictReplies::Finish(uint64_t number, wire::ReplyBody type,
                             flatbuffers::Offset<Body> body) {
  builder_.Finish(wire::CreateReply(builder_, number, type, body.Union()));
  // 64 answers with texts of their largest sizes are less.
  ROOST_CHECK(builder_.GetSize() <= kReplyBytesMax, "bytes={}", builder_.GetSize());
  return std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
}

Bytes VerdictReplies::Queued(uint64_t number) {
  builder_.Clear();
  return Finish(number, wire::ReplyBody::Queued, wire::CreateQueued(builder_));
}

Bytes VerdictReplies::Validated(uint64_t number, std::span<const QuestionAnswer> answers) {
  builder_.Clear();
  std::vector<flatbuffers::Offset<wire::Answer>> list;
  for (const QuestionAnswer& answer : answers) list.push_back(MakeAnswer(&builder_, answer));
  const auto list_offset = builder_.CreateVector(list);
  return Finish(number, wire::ReplyBody::Validated, wire::CreateValidated(builder_, list_offset));
}

Bytes VerdictReplies::Decided(uint64_t number, bool recorded, wire::Verdict verdict,
                              std::string_view reason) {
  builder_.Clear();
  const TextOffset text = Text(&builder_, reason);
  return Finish(number, wire::ReplyBody::Decided,
                wire::CreateDecided(builder_, recorded, verdict, text));
}

}  // namespace roost
