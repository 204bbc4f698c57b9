#include "broker/append_request.h"

#include <fmt/core.h>

#include <cstring>

#include "base/utf8.h"
#include "ipc/event_frame.h"
#include "log/record.h"
#include "schemas/text.h"

namespace roost {
namespace {

using wire::RefusalCode;

constexpr uint64_t kProgramBytesMax = 128;

// What every name and id must be. `what` begins the sentence.
std::optional<Refusal> CheckText(std::string_view what, std::string_view text, uint64_t bytes_min,
                                 uint64_t bytes_max) {
  if (text.size() < bytes_min) {
    return Refusal{RefusalCode::Invalid, fmt::format("{} must not be empty", what)};
  }
  if (text.size() > bytes_max) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("{} may have {} bytes and has {}", what, bytes_max, text.size())};
  }
  if (!IsPlainUtf8(text)) {
    return Refusal{RefusalCode::Invalid,
                   fmt::format("{} must be UTF-8 without control characters", what)};
  }
  return std::nullopt;
}

std::optional<Refusal> CheckStream(std::string_view stream) {
  if (auto refusal = CheckText("a stream's name", stream, 1, kStreamNameBytesMax)) return refusal;
  if (stream.front() == '$') {
    return Refusal{RefusalCode::NotAllowed,
                   fmt::format("stream '{}' is the broker's own, like all that begin with '$'; "
                               "choose another name",
                               stream)};
  }
  return std::nullopt;
}

// The body of one event on an address divisible by 8.
Bytes AlignedBody(const flatbuffers::Vector<uint8_t>& nested, uint64_t** copy) {
  const Bytes body = std::as_bytes(std::span(nested.data(), nested.size()));
  if (body.empty() || IsAligned(reinterpret_cast<uintptr_t>(body.data()), 8)) return body;
  std::byte* const aligned = reinterpret_cast<std::byte*>(*copy);
  std::memcpy(aligned, body.data(), body.size());
  *copy += AlignUp(body.size(), 8) / 8;
  return {aligned, body.size()};
}

std::optional<Refusal> CheckEvent(const wire::Event& event, bool is_first, std::string_view agent) {
  if (auto refusal = CheckText("an event's type", TextOf(event.type()), 1, kTypeBytesMax)) {
    return refusal;
  }
  if (TextOf(event.agent()) != agent) {
    return Refusal{RefusalCode::NotAllowed,
                   fmt::format("this session appends as agent '{}' and as nobody else", agent)};
  }
  const std::string_view id = TextOf(event.id());
  if (!is_first && !id.empty()) {
    return Refusal{RefusalCode::Invalid, "only the first event of a batch may have an id"};
  }
  if (auto refusal = CheckText("an id", id, 0, kIdBytesMax)) return refusal;
  if (auto refusal =
          CheckText("a correlation_id", TextOf(event.correlation_id()), 0, kIdBytesMax)) {
    return refusal;
  }
  if (auto refusal = CheckText("a causation_id", TextOf(event.causation_id()), 0, kIdBytesMax)) {
    return refusal;
  }
  if (auto refusal =
          CheckText("a content_type", TextOf(event.content_type()), 0, kContentTypeBytesMax)) {
    return refusal;
  }
  return std::nullopt;
}

std::optional<Refusal> CheckData(const wire::Event& event, const AppendLimits& limits) {
  const uint64_t data_bytes = event.data() == nullptr ? 0 : event.data()->size();
  if (data_bytes <= limits.event_data_bytes_max) return std::nullopt;
  return Refusal{RefusalCode::TooLarge, fmt::format("an event's data may have {} bytes and has {}",
                                                    limits.event_data_bytes_max, data_bytes)};
}

// The event that was checked in full last, for those behind it that differ in their data alone.
class CheckedEvent {
 public:
  // One with an id can only be the first of its batch.
  void Keep(const wire::Event& event, const EventToStage& staged) {
    frame_ = staged.has_id ? Bytes() : staged.body.first(EventFrameBytes(event, staged.body));
    staged_ = staged;
  }

  bool IsLike(Bytes body) const { return !frame_.empty() && HasEventFrame(body, frame_); }

  EventToStage With(Bytes body) const {
    EventToStage staged = staged_;
    staged.body = body;
    return staged;
  }

 private:
  Bytes frame_;
  EventToStage staged_;
};

std::optional<Refusal> DecodeEvents(const wire::Append& append, std::string_view agent,
                                    const AppendLimits& limits, AppendRequest* request) {
  size_t copied_words = 0;
  for (const wire::NewEvent* nested : *append.events()) {
    copied_words += AlignUp(nested->event()->size(), 8) / 8;
  }
  // Many events may name the same bytes, so their sum may be more than the request's size.
  if (copied_words * 8 > kRequestBytesMax) {
    return Refusal{RefusalCode::TooLarge, fmt::format("a batch may have {} bytes and has {}",
                                                      kRequestBytesMax, copied_words * 8)};
  }
  if (request->copies.size() < copied_words) request->copies.resize(copied_words);
  uint64_t* copy = request->copies.data();
  const uint32_t agent_hash = FilterHash(agent);
  std::string_view checked_stream;
  CheckedEvent checked;
  for (const wire::NewEvent* nested : *append.events()) {
    const Bytes body = AlignedBody(*nested->event(), &copy);
    if (checked.IsLike(body)) {
      const wire::Event* event = wire::GetEvent(body.data());
      if (auto refusal = CheckData(*event, limits)) return refusal;
      request->events.push_back(checked.With(body));
      request->decoded.push_back(event);
      continue;
    }
    const wire::Event* event = DecodeEventBody(body);
    const bool is_first = request->events.empty();
    if (event == nullptr) {
      return Refusal{RefusalCode::Invalid,
                     fmt::format("event {} of the batch is malformed", request->events.size())};
    }
    const std::string_view stream = TextOf(event->stream());
    if (is_first || stream != checked_stream) {
      if (auto refusal = CheckStream(stream)) return refusal;
      checked_stream = stream;
    }
    if (auto refusal = CheckEvent(*event, is_first, agent)) return refusal;
    if (auto refusal = CheckData(*event, limits)) return refusal;
    if (is_first) request->id = TextOf(event->id());
    request->events.push_back({body, stream, FilterHash(TextOf(event->type())), agent_hash,
                               is_first && !request->id.empty()});
    request->decoded.push_back(event);
    const bool is_last = request->events.size() == append.events()->size();
    if (!is_last) checked.Keep(*event, request->events.back());
  }
  return std::nullopt;
}

std::optional<Refusal> DecodeConditions(const wire::Append& append, AppendRequest* request) {
  if (append.conditions() == nullptr) return std::nullopt;
  const size_t count = append.conditions()->size();
  if (count > kConditionsMax) {
    return Refusal{RefusalCode::TooLarge, fmt::format("an append may have {} conditions and has {}",
                                                      kConditionsMax, count)};
  }
  for (const wire::Condition* condition : *append.conditions()) {
    // Also on the broker's own streams: who reads them may build on what they say.
    const std::string_view stream = TextOf(condition->stream());
    if (auto refusal = CheckText("a condition's stream", stream, 1, kStreamNameBytesMax)) {
      return refusal;
    }
    request->conditions.push_back({stream, condition->expect()});
  }
  return std::nullopt;
}

}  // namespace

const wire::Request* DecodeRequest(Bytes bytes, uint64_t batch_events_max) {
  flatbuffers::Verifier::Options options;
  options.max_depth = 8;
  // Twice the limits, so that what is a little over them gets a message that names the limit.
  options.max_tables =
      static_cast<flatbuffers::uoffset_t>(2 * (batch_events_max + kConditionsMax) + 16);
  options.check_nested_flatbuffers = false;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size(), options);
  if (!wire::VerifyRequestBuffer(verifier)) return nullptr;
  return wire::GetRequest(data);
}

std::optional<Refusal> DecodeAppend(const wire::Append& append, std::string_view agent,
                                    const AppendLimits& limits, AppendRequest* request) {
  request->events.clear();
  request->decoded.clear();
  request->conditions.clear();
  request->id = {};
  const size_t count = append.events()->size();
  if (count == 0) return Refusal{RefusalCode::Invalid, "an append must have an event"};
  if (count > limits.batch_events_max) {
    return Refusal{RefusalCode::TooLarge, fmt::format("a batch may have {} events and has {}",
                                                      limits.batch_events_max, count)};
  }
  if (auto refusal = DecodeEvents(append, agent, limits, request)) return refusal;
  return DecodeConditions(append, request);
}

std::optional<Refusal> CheckAgent(std::string_view agent) {
  if (auto refusal = CheckText("an agent's label", agent, 1, kAgentBytesMax)) return refusal;
  if (agent.front() == '$') {
    return Refusal{RefusalCode::NotAllowed, "an agent's label must not begin with '$'"};
  }
  return std::nullopt;
}

std::optional<Refusal> CheckProgram(std::string_view program) {
  return CheckText("a client's name of itself", program, 0, kProgramBytesMax);
}

}  // namespace roost
