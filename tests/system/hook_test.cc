// `roost hook` as a coding agent runs it: once for each tool call, with and without a broker.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/unix_socket.h"
#include "tests/support/broker_process.h"
#include "tests/support/process.h"

namespace roost {
namespace {

namespace json = boost::json;

constexpr uid_t kNobody = 65534;

constexpr std::string_view kPolicy = R"(
agents_decide = ["tool.Guess"]

[[rule]]
kind = "tool.Bash"
pointer = "/command"
regex = 'rm\s+-rf\s+/'
verdict = "deny"
reason = "this would delete the whole machine"

[[rule]]
kind = "tool.Bash"
pointer = "/command"
equals = "ls"
verdict = "allow"
reason = "looking is harmless"

[[rule]]
kind = "tool.Write"
glob = "*"
verdict = "ask"
reason = "files are for a person to allow"
)";

class HookTest : public ::testing::Test {
 protected:
  void StartBroker() {
    const std::string policy = scratch_ / "policy.toml";
    std::ofstream(policy) << kPolicy;
    broker_.setup().arguments = {"--policy", policy};
    ASSERT_TRUE(broker_.Start());
  }

  Finished Hook(const std::string& input, std::vector<std::string> options = {},
                std::optional<uid_t> uid = std::nullopt) {
    const std::string file = scratch_ / "call.json";
    std::ofstream(file) << input;
    const UniqueFd stdin_file(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    ProcessOptions process{
        .arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "hook"},
        .environment = {"ROOST_AGENT"},
        .descriptors = {{stdin_file.get(), STDIN_FILENO}},
        .uid = uid};
    process.arguments.insert(process.arguments.end(), options.begin(), options.end());
    Finished finished = RunProgram(process);
    EXPECT_EQ(finished.ending.exit_status, 0) << finished.errors;
    return finished;
  }

  static std::string Call(const std::string& tool, const json::value& input,
                          const std::string& event = "PreToolUse") {
    return json::serialize(json::object{{"session_id", "0123456789ab"},
                                        {"cwd", "/work"},
                                        {"hook_event_name", event},
                                        {"tool_name", tool},
                                        {"tool_input", input}});
  }

  // What it decided; "" for no opinion.
  static std::string Decision(const Finished& finished) {
    if (finished.output.empty()) return "";
    const json::value answer = json::parse(finished.output);
    const json::object& specific = answer.at("hookSpecificOutput").as_object();
    EXPECT_EQ(specific.at("hookEventName"), "PreToolUse");
    return std::string(specific.at("permissionDecision").as_string());
  }

  std::vector<json::value> Recorded() {
    const Finished read =
        RunProgram({.arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "read",
                                  "audit/tool-calls", "--json"}});
    std::vector<json::value> events;
    std::istringstream lines(read.output);
    for (std::string line; std::getline(lines, line);) events.push_back(json::parse(line));
    return events;
  }

  ScratchDirectory scratch_;
  BrokerProcess broker_;
};

TEST_F(HookTest, DecidesByTheRules) {
  StartBroker();
  const Finished denied = Hook(Call("Bash", {{"command", "rm -rf / --no-preserve-root"}}));
  EXPECT_EQ(Decision(denied), "deny");
  EXPECT_NE(denied.output.find("delete the whole machine"), std::string::npos);
  EXPECT_EQ(Decision(Hook(Call("Bash", {{"command", "ls"}}))), "allow");
  EXPECT_EQ(Decision(Hook(Call("Write", {{"file_path", "/x"}, {"content", "y"}}))), "ask");
}

TEST_F(HookTest, HasNoOpinionWhereNoRuleMatches) {
  StartBroker();
  const Finished finished = Hook(Call("Bash", {{"command", "make"}}));
  EXPECT_EQ(finished.output, "");
  EXPECT_EQ(finished.errors, "");
  // Not even where an agent could be told to decide: nobody is here to do it.
  EXPECT_EQ(Hook(Call("Guess", {{"x", 1}})).output, "");
  const Finished questions = RunProgram(
      {.arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "read", "$questions"}});
  EXPECT_EQ(questions.output, "");
}

TEST_F(HookTest, RecordsTheCallWithoutItsInput) {
  StartBroker();
  Hook(Call("Bash", {{"command", "rm -rf / secret-word"}}));
  Hook(Call("Bash", {{"command", "make"}}), {"--record-input"});
  Hook(Call("Bash", {{"command", "make"}}, "PostToolUse"));
  const std::vector<json::value> events = Recorded();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].at("type"), "tool.call");
  EXPECT_EQ(events[0].at("agent"), "claude-01234567");
  EXPECT_EQ(events[0].at("correlation_id"), "0123456789ab");
  EXPECT_EQ(events[0].at("data").at("tool"), "Bash");
  EXPECT_EQ(events[0].at("data").at("decision"), "deny");
  EXPECT_EQ(events[0].at("data").at("key").as_string().size(), 64u);
  EXPECT_EQ(json::serialize(events[0]).find("secret-word"), std::string::npos);
  EXPECT_EQ(events[1].at("data").at("decision"), "none");
  EXPECT_EQ(events[1].at("data").at("input").at("command"), "make");
  EXPECT_EQ(events[2].at("type"), "tool.done");
}

TEST_F(HookTest, AsksAboutInputThatIsTooLargeToBeLookedAt) {
  StartBroker();
  const Finished finished =
      Hook(Call("Bash", {{"command", "rm -rf / #" + std::string(100'000, 'x')}}));
  EXPECT_EQ(Decision(finished), "ask");
}

TEST_F(HookTest, AsksAboutInputThatNoRuleCanBeAppliedTo) {
  StartBroker();
  // Numbers that are not the same for everybody.
  const Finished finished = Hook(
      R"({"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"rm -rf /","n":9007199254740993}})");
  EXPECT_EQ(Decision(finished), "ask");
}

TEST_F(HookTest, StandsInNobodysWayWithoutABroker) {
  const Finished finished = Hook(Call("Bash", {{"command", "rm -rf /"}}));
  EXPECT_EQ(finished.output, "");
  EXPECT_EQ(std::ranges::count(finished.errors, '\n'), 1) << finished.errors;
}

TEST_F(HookTest, DeniesWithoutABrokerIfToldSo) {
  const Finished finished = Hook(Call("Bash", {{"command", "ls"}}), {"--fail-closed"});
  EXPECT_EQ(Decision(finished), "deny");
  EXPECT_EQ(std::ranges::count(finished.errors, '\n'), 1) << finished.errors;
}

TEST_F(HookTest, SaysNothingAboutWhatIsNoToolCall) {
  StartBroker();
  const Finished other = Hook(R"({"hook_event_name":"SessionStart","session_id":"s"})");
  EXPECT_EQ(other.output + other.errors, "");
  EXPECT_TRUE(Recorded().empty());
}

TEST_F(HookTest, DeniesACommandWithHalfASurrogatePair) {
  StartBroker();
  EXPECT_EQ(
      Decision(Hook(
          R"({"hook_event_name":"PreToolUse","cwd":"/\udc00","tool_name":"Bash","tool_input":{"command":"rm -rf / # \ud800"}})")),
      "deny");
}

TEST_F(HookTest, AsksAboutACallThatItCannotRead) {
  StartBroker();
  const auto call = [](const std::string& more) {
    return R"({"hook_event_name":"PreToolUse","tool_name":"Bash",)"
           R"("tool_input":{"command":"rm -rf /"},"more":)" +
           more + "}";
  };
  const std::string inputs[] = {
      "what?",
      call(std::string(1100, '[') + std::string(1100, ']')),
      call("1e99999999999"),
      call('"' + std::string(8 << 20, 'x') + '"'),
      Call(std::string(121, 'x'), {{"command", "rm -rf /"}}),
  };
  for (const std::string& input : inputs) {
    EXPECT_EQ(Decision(Hook(input)), "ask") << input.substr(0, 200);
  }
  EXPECT_EQ(Decision(Hook("what?", {"--fail-closed"})), "deny");
  const std::vector<json::value> events = Recorded();
  ASSERT_EQ(events.size(), std::size(inputs) + 1);
  EXPECT_EQ(events[0].at("type"), "tool.call");
  EXPECT_EQ(events[0].at("data").at("decision"), "ask");
  EXPECT_NE(events[0].at("data").at("error").as_string(), "");
  EXPECT_EQ(events.back().at("data").at("decision"), "deny");
}

TEST_F(HookTest, HasNoOpinionOfWhatItCannotReadWithoutABroker) {
  EXPECT_EQ(Hook("what?").output, "");
  EXPECT_EQ(Decision(Hook("what?", {"--fail-closed"})), "deny");
}

TEST_F(HookTest, AsksWhenTheBrokerDoesNotAnswer) {
  const Result<UniqueFd> silent = ListenSeqpacket(broker_.socket(), 0600, 8);
  ASSERT_TRUE(silent.ok()) << silent.status().message();
  const std::string call = Call("Bash", {{"command", "ls"}});
  EXPECT_EQ(Decision(Hook(call, {"--timeout", "50ms"})), "ask");
  EXPECT_EQ(Decision(Hook(call, {"--timeout", "50ms", "--fail-closed"})), "deny");
}

TEST_F(HookTest, AsksWhenTheBrokerHasNoRoomForOneMore) {
  const Result<UniqueFd> full = ListenSeqpacket(broker_.socket(), 0600, 0);
  ASSERT_TRUE(full.ok()) << full.status().message();
  std::vector<UniqueFd> others;
  while (true) {
    Result<UniqueFd> other = ConnectSeqpacket(broker_.socket());
    if (!other.ok()) break;
    others.push_back(*std::move(other));
  }
  EXPECT_EQ(Decision(Hook(Call("Bash", {{"command", "ls"}}), {"--timeout", "50ms"})), "ask");
}

TEST_F(HookTest, AsksWhomTheSocketKeepsOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const Result<UniqueFd> closed = ListenSeqpacket(broker_.socket(), 0600, 8);
  ASSERT_TRUE(closed.ok()) << closed.status().message();
  broker_.scratch().MakeDirectoryFor(kNobody, "passable");
  const Finished finished = Hook(Call("Bash", {{"command", "ls"}}), {}, kNobody);
  EXPECT_EQ(Decision(finished), "ask");
  EXPECT_NE(finished.output.find("not in the group"), std::string::npos) << finished.output;
}

TEST_F(HookTest, RecordsThatALargeInputWasLeftOut) {
  StartBroker();
  Hook(Call("Write", {{"content", std::string(2 << 20, 'x')}}), {"--record-input"});
  const std::vector<json::value> events = Recorded();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("data").at("input_omitted"), true);
  EXPECT_EQ(events[0].at("data").as_object().count("input"), 0u);
}

}  // namespace
}  // namespace roost
