#include "client/mcp/responder.h"

#include <fmt/core.h>

#include "client/mcp/json_text.h"
#include "client/mcp/replies.h"

namespace roost {

std::string* Responder::Begin(std::string_view member) const {
  std::string* line = output_->line();
  line->append(R"({"jsonrpc":"2.0",)");
  if (!id_.empty()) line->append(R"("id":)").append(id_).append(",");
  line->append("\"").append(member).append("\":");
  return line;
}

void Responder::EndResult(std::string* line) const {
  if (era_ == Era::kModern) line->append(ModernResultEnd());
  line->append("}}\n");
}

ToolAnswer Responder::ToolResult(std::string_view json) const {
  std::string* line = Begin("result");
  const size_t begin = line->size();
  // Once and for all: growing in steps would touch up to twice the memory.
  line->reserve(line->size() + json.size() * 2 + json.size() / 4 + 512);
  line->append(R"({"content":[{"type":"text","text":")");
  AppendJsonEscaped(line, json);
  ToolAnswer answer;
  answer.text_end = line->size() - begin;
  line->append(R"("}],"structuredContent":)").append(json);
  answer.value_end = line->size() - begin;
  EndResult(line);
  constexpr size_t kLineEnd = std::string_view("}\n").size();
  answer.result = std::string_view(*line).substr(begin, line->size() - kLineEnd - begin);
  return answer;
}

void Responder::ToolError(std::string_view sentence, std::string_view more_members) const {
  std::string* line = Begin("result");
  std::string text(sentence);
  if (!more_members.empty()) text.append(" {").append(more_members.substr(1)).append("}");
  line->append(R"({"content":[{"type":"text","text":)");
  AppendJsonString(line, text);
  line->append(R"(}],"structuredContent":{"error":)");
  AppendJsonString(line, sentence);
  line->append(more_members).append(R"(},"isError":true)");
  EndResult(line);
}

void Responder::Prebuilt(std::initializer_list<std::string_view> result) const {
  std::string* line = Begin("result");
  for (const std::string_view piece : result) line->append(piece);
  line->append("}\n");
}

void Responder::Result(std::string_view members, int ttl_ms) const {
  std::string* line = Begin("result");
  line->append("{").append(members);
  if (era_ == Era::kModern) {
    if (ttl_ms >= 0) {
      line->append(members.empty() ? "" : ",");
      line->append(fmt::format(R"("ttlMs":{},"cacheScope":"private")", ttl_ms));
      line->append(ModernResultEnd());
    } else {
      line->append(members.empty() ? ModernResultEnd().substr(1) : ModernResultEnd());
    }
  }
  line->append("}}\n");
}

void Responder::Error(RpcError code, std::string_view message, std::string_view data) const {
  std::string* line = Begin("error");
  line->append(fmt::format(R"({{"code":{},"message":)", static_cast<int>(code)));
  AppendJsonString(line, message);
  if (!data.empty()) line->append(R"(,"data":)").append(data);
  line->append("}}\n");
}

void Responder::ResourceNotFound(std::string_view uri) const {
  std::string data = R"({"uri":)";
  AppendJsonString(&data, uri);
  data += '}';
  const RpcError code =
      era_ == Era::kModern ? RpcError::kInvalidParams : RpcError::kLegacyResourceNotFound;
  Error(code, "Resource not found", data);
}

}  // namespace roost
