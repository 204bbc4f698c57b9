#include "tests/support/shim_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <utility>

namespace roost {
namespace json = boost::json;

bool ToolResult::Is(std::string_view member) const {
  const json::value* value = content.if_contains(member);
  return value != nullptr && value->is_bool() && value->get_bool();
}

uint64_t ToolResult::Number(std::string_view member) const {
  const json::value* value = content.if_contains(member);
  if (value == nullptr || !value->is_number()) return 0;
  json::error_code error;
  return value->to_number<uint64_t>(error);
}

const json::array& ToolResult::Array(std::string_view member) const {
  static const json::array none;
  const json::value* value = content.if_contains(member);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

ShimProcess::ShimProcess(const ShimSetup& setup) {
  int pair[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  stream_.Reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  ProcessOptions options;
  options.arguments = {ProgramPath("roost-mcp"), "--socket", setup.socket};
  if (!setup.agent.empty()) {
    options.arguments.insert(options.arguments.end(), {"--agent", setup.agent});
  }
  options.arguments.insert(options.arguments.end(), setup.arguments.begin(), setup.arguments.end());
  options.environment = setup.environment;
  options.uid = setup.uid;
  options.descriptors = {{theirs.get(), STDIN_FILENO}, {theirs.get(), STDOUT_FILENO}};
  UniqueFd errors;
  if (!setup.errors.empty()) {
    errors.Reset(::open(setup.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    options.descriptors.emplace_back(errors.get(), STDERR_FILENO);
  }
  process_ = Process(options);
}

bool ShimProcess::SendLine(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  std::string_view rest = whole;
  while (!rest.empty()) {
    const ssize_t sent = ::send(stream_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::optional<json::value> ShimProcess::ReadMessage(Deadline deadline) {
  while (true) {
    if (const size_t end = input_.find('\n'); end != std::string::npos) {
      json::error_code error;
      json::value message = json::parse(std::string_view(input_).substr(0, end), error);
      EXPECT_FALSE(error) << "not JSON on the shim's stdout: " << input_.substr(0, end);
      input_.erase(0, end + 1);
      return message;
    }
    if (!WaitReadable(stream_.get(), deadline)) return std::nullopt;
    char buffer[65536];
    const ssize_t size = ::recv(stream_.get(), buffer, sizeof(buffer), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    input_.append(buffer, static_cast<size_t>(size));
  }
}

std::optional<json::object> ShimProcess::TakeReply(uint64_t id, Deadline deadline) {
  while (true) {
    if (auto early = early_.extract(id)) return std::move(early.mapped());
    std::optional<json::value> message = ReadMessage(deadline);
    if (!message) return std::nullopt;
    if (!message->is_object()) continue;
    json::object& object = message->get_object();
    const json::value* its_id = object.if_contains("id");
    if (its_id == nullptr || !its_id->is_int64()) continue;  // a notification
    const auto number = static_cast<uint64_t>(its_id->get_int64());
    early_.emplace(number, std::move(object));
  }
}

uint64_t ShimProcess::StartCall(std::string_view tool, const json::object& arguments) {
  const uint64_t id = ++last_id_;
  const json::object call = {{"jsonrpc", "2.0"},
                             {"id", id},
                             {"method", "tools/call"},
                             {"params", {{"name", tool}, {"arguments", arguments}}}};
  SendLine(json::serialize(call));
  return id;
}

ToolResult ShimProcess::FinishCall(uint64_t id, Deadline deadline) {
  ToolResult result;
  const std::optional<json::object> reply = TakeReply(id, deadline);
  if (!reply) return result;
  result.answered = true;
  const json::value* body = reply->if_contains("result");
  if (body == nullptr) {
    result.is_error = true;
    result.text = json::serialize(*reply);
    return result;
  }
  const json::object& object = body->as_object();
  if (const json::value* flag = object.if_contains("isError")) result.is_error = flag->as_bool();
  if (const json::value* blocks = object.if_contains("content");
      blocks != nullptr && !blocks->as_array().empty()) {
    result.text = std::string(blocks->as_array()[0].at("text").as_string());
  }
  if (const json::value* content = object.if_contains("structuredContent")) {
    result.content = content->as_object();
  }
  return result;
}

ToolResult ShimProcess::Call(std::string_view tool, const json::object& arguments,
                             Deadline deadline) {
  return FinishCall(StartCall(tool, arguments), deadline);
}

bool ShimProcess::Initialize() {
  const uint64_t id = ++last_id_;
  SendLine(json::serialize(
      json::object{{"jsonrpc", "2.0"},
                   {"id", id},
                   {"method", "initialize"},
                   {"params",
                    {{"protocolVersion", "2025-06-18"},
                     {"capabilities", json::object()},
                     {"clientInfo", {{"name", "system-test"}, {"version", "1"}}}}}}));
  if (!TakeReply(id, Deadline::Default())) return false;
  return SendLine(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
}

void ShimProcess::CloseInput() { ::shutdown(stream_.get(), SHUT_WR); }

}  // namespace roost
