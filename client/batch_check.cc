#include "client/batch_check.h"

#include <fmt/core.h>

#include "base/utf8.h"
#include "log/ring_format.h"

namespace roost {
namespace {

constexpr size_t kConditionsMax = 1000;

// A name (not empty) or an id (may be). `what` begins the sentence.
Status CheckText(const char* what, std::string_view text, bool may_be_empty, uint64_t bytes_max) {
  if (text.empty()) {
    if (may_be_empty) return {};
    return {StatusCode::kInvalidArgument, fmt::format("{} must not be empty", what)};
  }
  if (text.size() > bytes_max) {
    return {StatusCode::kTooLarge,
            fmt::format("{} has {} bytes, the limit is {}", what, text.size(), bytes_max)};
  }
  if (!IsPlainUtf8(text)) {
    return {StatusCode::kInvalidArgument,
            fmt::format("{} must be UTF-8 without control characters", what)};
  }
  return {};
}

Status CheckStream(std::string_view stream) {
  ROOST_RETURN_IF_ERROR(CheckText("a stream's name", stream, false, kStreamNameBytesMax));
  if (stream.front() != '$') return {};
  return {
      StatusCode::kPermissionDenied,
      fmt::format("stream '{}' is Roost's own, like all that begin with '$': read it, and append "
                  "to another",
                  stream)};
}

Status CheckFields(const NewEvent& event, const BatchLimits& limits) {
  ROOST_RETURN_IF_ERROR(CheckText("content_type", event.content_type, true, kContentTypeBytesMax));
  ROOST_RETURN_IF_ERROR(CheckText("correlation_id", event.correlation_id, true, kIdBytesMax));
  ROOST_RETURN_IF_ERROR(CheckText("causation_id", event.causation_id, true, kIdBytesMax));
  if (event.data.size() <= limits.event_data_bytes_max) return {};
  return {StatusCode::kTooLarge,
          fmt::format(
              "an event's data has {} bytes, the limit is {}: append a reference to it instead, "
              "or split it",
              event.data.size(), limits.event_data_bytes_max)};
}

}  // namespace

Status CheckBatch(const Batch& batch, const BatchLimits& limits) {
  if (batch.events.empty()) return {StatusCode::kInvalidArgument, "a batch needs an event"};
  if (batch.events.size() > limits.batch_events_max) {
    return {StatusCode::kTooLarge, fmt::format("a batch has {} events, the limit is {}: split it",
                                               batch.events.size(), limits.batch_events_max)};
  }
  if (batch.conditions.size() > kConditionsMax) {
    return {StatusCode::kTooLarge, fmt::format("a batch has {} conditions, the limit is {}",
                                               batch.conditions.size(), kConditionsMax)};
  }
  ROOST_RETURN_IF_ERROR(CheckText("an id", batch.id, true, kIdBytesMax));
  // Most batches have few streams and types; neither is empty.
  std::string_view checked_stream;
  std::string_view checked_type;
  uint64_t bytes = 0;
  for (const NewEvent& event : batch.events) {
    if (event.stream != checked_stream || checked_stream.empty()) {
      ROOST_RETURN_IF_ERROR(CheckStream(event.stream));
      checked_stream = event.stream;
    }
    if (event.type != checked_type || checked_type.empty()) {
      ROOST_RETURN_IF_ERROR(CheckText("an event's type", event.type, false, kTypeBytesMax));
      checked_type = event.type;
    }
    ROOST_RETURN_IF_ERROR(CheckFields(event, limits));
    bytes += kRecordHeaderBytes + event.stream.size() + event.data.size();
  }
  if (bytes > limits.batch_bytes_max) {
    return {StatusCode::kTooLarge, fmt::format("a batch has {} bytes, the limit is {}: split it",
                                               bytes, limits.batch_bytes_max)};
  }
  for (const Condition& condition : batch.conditions) {
    ROOST_RETURN_IF_ERROR(
        CheckText("a condition's stream", condition.stream, false, kStreamNameBytesMax));
  }
  return {};
}

Status CheckAgentLabel(std::string_view agent) {
  ROOST_RETURN_IF_ERROR(CheckText("an agent's label", agent, false, kAgentBytesMax));
  if (agent.front() != '$') return {};
  return {StatusCode::kInvalidArgument, "an agent's label must not begin with '$'"};
}

}  // namespace roost
