// The habits of docs/patterns.md, each as agents would follow it, with a roost-mcp for each.
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

namespace json = boost::json;

class PatternsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }

  ShimProcess& Agent(const std::string& name) {
    agents_.push_back(
        std::make_unique<ShimProcess>(ShimSetup{.socket = broker_.socket(), .agent = name}));
    return *agents_.back();
  }

  static ToolResult Fine(const ToolResult& result) {
    EXPECT_TRUE(result.ok()) << result.text;
    return result;
  }
  static ToolResult Call(ShimProcess& agent, std::string_view tool, const json::object& arguments) {
    return Fine(agent.Call(tool, arguments));
  }
  static uint64_t Append(ShimProcess& agent, const json::object& event) {
    const ToolResult result = Call(agent, "append", event);
    EXPECT_TRUE(result.Is("appended")) << result.text;
    return result.Number("sequence");
  }
  // The one event that a wait or a read found.
  static json::object Only(const ToolResult& result) {
    const json::array& events = result.Array("events");
    EXPECT_EQ(events.size(), 1u) << result.text;
    return events.empty() ? json::object() : events[0].as_object();
  }

  BrokerProcess broker_;
  std::vector<std::unique_ptr<ShimProcess>> agents_;
};

TEST_F(PatternsTest, Inbox) {
  ShimProcess& alice = Agent("alice");
  ShimProcess& bob = Agent("bob");
  ASSERT_EQ(Call(bob, "status", {}).content.at("agent"), "bob");
  const uint64_t waiting =
      bob.StartCall("wait", {{"stream", "inbox/bob"}, {"after", 0}, {"timeout_ms", 50'000}});
  Append(alice, {{"stream", "inbox/bob"}, {"type", "note"}, {"data", {{"text", "red"}}}});
  const ToolResult woken = Fine(bob.FinishCall(waiting));
  EXPECT_EQ(Only(woken).at("agent"), "alice");
  // What comes while nobody waits is there the next time.
  Append(alice, {{"stream", "inbox/bob"}, {"type", "note"}, {"data", {{"text", "green"}}}});
  const ToolResult next =
      Call(bob, "wait", {{"stream", "inbox/bob"}, {"after", woken.Number("next")}});
  EXPECT_EQ(Only(next).at("data").at("text"), "green");
}

TEST_F(PatternsTest, Broadcast) {
  ShimProcess& speaker = Agent("speaker");
  std::vector<uint64_t> calls;
  std::vector<ShimProcess*> listeners;
  for (int i = 0; i < 4; ++i) {
    listeners.push_back(&Agent("listener-" + std::to_string(i)));
    calls.push_back(listeners.back()->StartCall(
        "wait", {{"stream", "topic/*"}, {"after", 0}, {"timeout_ms", 50'000}}));
  }
  Append(speaker, {{"stream", "topic/builds"}, {"type", "build.failed"}, {"data", 1}});
  for (size_t i = 0; i < listeners.size(); ++i) {
    EXPECT_EQ(Only(Fine(listeners[i]->FinishCall(calls[i]))).at("type"), "build.failed");
  }
}

TEST_F(PatternsTest, AskAndAnswer) {
  ShimProcess& alice = Agent("alice");
  ShimProcess& bob = Agent("bob");
  const uint64_t asked = Append(alice, {{"stream", "inbox/bob"},
                                        {"type", "question"},
                                        {"data", "which branch?"},
                                        {"correlation_id", "q-17"}});
  const uint64_t waiting =
      alice.StartCall("wait", {{"stream", "inbox/alice"}, {"types", {"answer"}}, {"after", asked}});
  const json::object question = Only(Call(bob, "wait", {{"stream", "inbox/bob"}, {"after", 0}}));
  Append(bob, {{"stream", "inbox/alice"},
               {"type", "answer"},
               {"data", "main"},
               {"correlation_id", question.at("correlation_id")},
               {"causation_id", std::to_string(question.at("sequence").to_number<uint64_t>())}});
  const json::object answer = Only(Fine(alice.FinishCall(waiting)));
  EXPECT_EQ(answer.at("correlation_id"), "q-17");
  EXPECT_EQ(answer.at("causation_id"), json::string(std::to_string(asked)));
  EXPECT_EQ(answer.at("data"), "main");
}

TEST_F(PatternsTest, Handoff) {
  ShimProcess& bob = Agent("bob");
  ShimProcess& carol = Agent("carol");
  Append(bob, {{"stream", "task/7"}, {"type", "task.created"}});
  const json::object handoff{
      {"events",
       {{{"stream", "task/7"}, {"type", "task.done"}},
        {{"stream", "inbox/carol"}, {"type", "review.wanted"}, {"data", {{"task", "task/7"}}}}}},
      {"conditions", {{{"stream", "task/7"}, {"expect", 1}}}}};
  EXPECT_TRUE(Call(bob, "append", handoff).Is("appended"));
  // Who comes second changes nothing, not even the inbox.
  const ToolResult late = Call(carol, "append", handoff);
  EXPECT_FALSE(late.Is("appended"));
  EXPECT_EQ(late.content.at("conflict").at("revision"), 2);
  EXPECT_EQ(Only(Call(carol, "read", {{"stream", "inbox/carol"}})).at("type"), "review.wanted");
}

TEST_F(PatternsTest, BarrierOfN) {
  constexpr int kAgents = 5;
  std::vector<ShimProcess*> agents;
  for (int i = 0; i < kAgents; ++i) agents.push_back(&Agent("agent-" + std::to_string(i)));
  for (ShimProcess* agent : agents) Append(*agent, {{"stream", "barrier/1"}, {"type", "arrived"}});
  for (ShimProcess* agent : agents) {
    const ToolResult met = Call(*agent, "wait", {{"stream", "barrier/1"}, {"after", 0}});
    ASSERT_EQ(met.Array("events").size(), static_cast<size_t>(kAgents));
    EXPECT_EQ(met.Array("events").back().at("revision"), kAgents);
  }
}

TEST_F(PatternsTest, Leader) {
  ShimProcess& first = Agent("first");
  ShimProcess& second = Agent("second");
  const json::object claim{
      {"keys", {"leader/indexer"}}, {"ttl_ms", 3'600'000}, {"wait_ms", 50'000}};
  const ToolResult led = Call(first, "claim", claim);
  ASSERT_TRUE(led.Is("granted")) << led.text;
  const uint64_t waiting = second.StartCall("claim", claim);
  // A claim that waits holds up no other call.
  Call(second, "status", {});
  first.process().Kill9();
  const ToolResult next = Fine(second.FinishCall(waiting));
  ASSERT_TRUE(next.Is("granted")) << next.text;
  EXPECT_GT(next.Number("token"), led.Number("token"));
}

TEST_F(PatternsTest, ReservationOfFiles) {
  ShimProcess& alice = Agent("alice");
  ShimProcess& bob = Agent("bob");
  const ToolResult reserved =
      Call(alice, "claim", {{"keys", {"src/parser/**", "CHANGELOG.md"}}, {"note", "splitting it"}});
  ASSERT_TRUE(reserved.Is("granted")) << reserved.text;
  const ToolResult held = Call(bob, "claim", {{"keys", {"src/lexer.cc", "src/parser/tree.cc"}}});
  EXPECT_FALSE(held.Is("granted"));
  ASSERT_EQ(held.Array("held").size(), 1u) << held.text;
  EXPECT_EQ(held.Array("held")[0].at("by"), "alice");
  // All or none: the key that nobody holds was not taken either.
  EXPECT_TRUE(Call(alice, "claim", {{"keys", {"src/lexer.cc"}}}).Is("granted"));
  EXPECT_TRUE(Call(alice, "release", {{"token", reserved.Number("token")}}).Is("released"));
  EXPECT_TRUE(Call(bob, "claim", {{"keys", {"src/parser/tree.cc"}}}).Is("granted"));
}

TEST_F(PatternsTest, QueueOfWork) {
  ShimProcess& planner = Agent("planner");
  ShimProcess& worker = Agent("worker");
  ShimProcess& other = Agent("other");
  for (int i = 1; i <= 3; ++i) {
    Append(planner, {{"stream", "tasks"}, {"type", "task.created"}, {"data", i}});
  }
  const json::object take{{"stream", "tasks"}, {"group", "workers"}, {"max", 2}};
  const ToolResult taken = Call(worker, "take", take);
  ASSERT_EQ(taken.Array("events").size(), 2u) << taken.text;
  const ToolResult rest = Call(other, "take", take);
  ASSERT_EQ(rest.Array("events").size(), 1u) << rest.text;
  EXPECT_EQ(rest.Array("events")[0].at("data"), 3);
  EXPECT_TRUE(
      Call(worker, "settle", {{"token", taken.Array("events")[0].at("token")}, {"outcome", "done"}})
          .Is("settled"));
  // A worker that dies gives the rest back.
  worker.process().Kill9();
  const ToolResult again =
      Call(other, "take", {{"stream", "tasks"}, {"group", "workers"}, {"wait_ms", 50'000}});
  ASSERT_EQ(again.Array("events").size(), 1u) << again.text;
  EXPECT_EQ(again.Array("events")[0].at("data"), 2);
}

TEST_F(PatternsTest, LatestState) {
  ShimProcess& alice = Agent("alice");
  ShimProcess& bob = Agent("bob");
  Append(alice,
         {{"stream", "state/deployment"}, {"type", "deployed"}, {"data", "v1"}, {"expect", 0}});
  const json::object latest{{"stream", "state/deployment"}, {"order", "newest"}, {"limit", 1}};
  const json::object seen = Only(Call(bob, "read", latest));
  EXPECT_EQ(seen.at("data"), "v1");
  Append(alice,
         {{"stream", "state/deployment"}, {"type", "deployed"}, {"data", "v2"}, {"expect", 1}});
  const ToolResult stale = Call(bob, "append",
                                {{"stream", "state/deployment"},
                                 {"type", "deployed"},
                                 {"data", "v3"},
                                 {"expect", seen.at("revision")}});
  EXPECT_FALSE(stale.Is("appended"));
  EXPECT_EQ(stale.content.at("conflict").at("last").at("data"), "v2");
}

TEST_F(PatternsTest, DecidingOnce) {
  ShimProcess& first = Agent("first");
  ShimProcess& second = Agent("second");
  const json::object question{{"kind", "build.passes"}, {"input", {{"commit", "4be1"}}}};
  const ToolResult asked = Call(first, "validate", question);
  ASSERT_TRUE(asked.Is("you_decide")) << asked.text;
  const uint64_t waiting = second.StartCall("validate", question);
  EXPECT_TRUE(Call(first, "decide",
                   {{"key", asked.content.at("key")},
                    {"token", asked.content.at("token")},
                    {"verdict", "allow"},
                    {"reason", "all tests passed"}})
                  .Is("recorded"));
  const ToolResult told = Fine(second.FinishCall(waiting));
  EXPECT_EQ(told.content.at("verdict"), "allow") << told.text;
  EXPECT_EQ(told.content.at("by"), "first");
  const ToolResult known = Call(second, "validate", question);
  EXPECT_TRUE(known.Is("cached")) << known.text;
}

TEST_F(PatternsTest, AuditTrail) {
  ShimProcess& alice = Agent("alice");
  ShimProcess& bob = Agent("bob");
  const uint64_t wish =
      Append(alice, {{"stream", "task/1"}, {"type", "task.created"}, {"correlation_id", "job-9"}});
  const uint64_t work = Append(
      bob,
      {{"stream", "task/1"}, {"type", "task.started"}, {"causation_id", std::to_string(wish)}});
  Append(bob, {{"stream", "other"}, {"type", "unrelated"}});
  const Finished traced = RunProgram({.arguments = {ProgramPath("roost"), "--socket",
                                                    broker_.socket(), "trace", "job-9", "--json"}});
  EXPECT_EQ(traced.ending.exit_status, 0) << traced.errors;
  std::vector<uint64_t> found;
  std::istringstream lines(traced.output);
  for (std::string line; std::getline(lines, line);) {
    found.push_back(json::parse(line).at("event").at("sequence").to_number<uint64_t>());
  }
  EXPECT_EQ(found, (std::vector<uint64_t>{wish, work}));
}

}  // namespace
}  // namespace roost
