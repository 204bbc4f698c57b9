#include "tools/batch_line.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "tools/json_text.h"

namespace roost {
namespace {

constexpr std::array<std::string_view, 6> kDecidedByTheBroker = {"sequence", "revision", "agent",
                                                                 "session",  "uid",      "time"};

std::string* TextMember(BatchLine& line, std::string& base64, std::string_view name) {
  if (name == "stream") return &line.event.stream;
  if (name == "type") return &line.event.type;
  if (name == "content_type") return &line.event.content_type;
  if (name == "correlation_id") return &line.event.correlation_id;
  if (name == "causation_id") return &line.event.causation_id;
  if (name == "id") return &line.id;
  if (name == "data_base64") return &base64;
  return nullptr;
}

Status WrongLine(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

}  // namespace

Result<BatchLine> ParseBatchLine(std::string_view text, const std::string& stream,
                                 const std::string& type) {
  const auto members = SplitObject(text);
  if (!members.ok()) return members.status();
  BatchLine line;
  line.event.stream = stream;
  line.event.type = type;
  std::string base64;
  bool has_data = false;
  for (const JsonMember& member : *members) {
    if (member.name == "data") {
      line.event.data = member.value;
      has_data = true;
    } else if (std::string* value = TextMember(line, base64, member.name); value != nullptr) {
      auto parsed = ParseJsonString(member.value);
      if (!parsed.ok()) return WrongLine(fmt::format("\"{}\" must be a string", member.name));
      *value = *std::move(parsed);
    } else if (std::ranges::find(kDecidedByTheBroker, member.name) == kDecidedByTheBroker.end()) {
      return WrongLine(fmt::format("\"{}\" is no member of an event", member.name));
    }
  }
  if (line.event.stream.empty()) return WrongLine("\"stream\" is missing");
  if (line.event.type.empty()) return WrongLine("\"type\" is missing");
  if (!base64.empty()) {
    if (has_data) return WrongLine("\"data\" and \"data_base64\" exclude each other");
    auto bytes = ParseBase64(base64);
    if (!bytes.ok()) return WrongLine("\"data_base64\": " + bytes.status().message());
    line.event.data = *std::move(bytes);
  }
  return line;
}

}  // namespace roost
