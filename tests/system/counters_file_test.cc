// The counters file as an operator finds it: what agents do, theirs and the broker's own word, and what is left of it when the
// broker is dead.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/unix_socket.h"
#include "ipc/broker_health.h"
#include "ipc/counters_reader.h"
#include "ipc/socket_path.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

class CountersFileTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }

  CountersSnapshot Read() {
    auto read = ReadCounters(CountersPath(broker_.socket()));
    EXPECT_TRUE(read.ok()) << read.status().message();
    return read.ok() ? *std::move(read) : CountersSnapshot();
  }
  // Of the agent with this label; nullopt: it has no row.
  std::optional<SessionCounters> RowOf(const std::string& agent) {
    for (SessionCounters& session : Read().sessions) {
      if (session.agent == agent) return std::move(session);
    }
    return std::nullopt;
  }

  BrokerProcess broker_;
};

TEST_F(CountersFileTest, HaveWhatShimsDoByThemselves) {
  ShimProcess shim({.socket = broker_.socket(), .agent = "reader"});
  ASSERT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}, {"data", 1}}).ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(shim.Call("read", {{"stream", "s"}}).ok());
  const boost::json::object question = {{"kind", "k"}, {"input", 1}, {"wait_ms", 0}};
  const ToolResult asked = shim.Call("validate", question);
  ASSERT_TRUE(asked.Is("you_decide")) << asked.text;
  ASSERT_TRUE(shim.Call("decide", {{"key", asked.content.at("key")},
                                   {"token", asked.content.at("token")},
                                   {"verdict", "allow"}})
                  .ok());
  // The first of these may come before the verdict is in shared memory; then the broker answers it.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(shim.Call("validate", question).Is("cached"));
  // It asks for nothing more, and all of it comes.
  ASSERT_TRUE(Eventually([&] {
    const CountersSnapshot now = Read();
    return now[Latency::kClientRead].count() == 5 &&
           now[Counter::kClientCacheHits] + now[Counter::kClientCacheMisses] == 4;
  }));
  const CountersSnapshot counters = Read();
  const uint64_t hits = counters[Counter::kClientCacheHits];
  EXPECT_GE(hits, 2u);
  EXPECT_EQ(counters[Latency::kClientRead].count(), 5u);
  EXPECT_EQ(counters[Latency::kClientAppend].count(), 1u);
  EXPECT_EQ(counters[Latency::kClientValidate].count(), hits);
  EXPECT_EQ(counters[Counter::kClientReportsIgnored], 0u);
  const auto row = RowOf("reader");
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->pid, static_cast<uint32_t>(shim.pid()));
  EXPECT_EQ((*row)[SessionLatency::kReads].count(), 5u);
  EXPECT_EQ((*row)[SessionLatency::kAppends].count(), 1u);
  EXPECT_EQ((*row)[SessionCounter::kCacheHits], hits);
  EXPECT_EQ((*row)[SessionCounter::kEvents], 1u);
}

TEST_F(CountersFileTest, HaveWhatAProgramDidThatHasEnded) {
  {
    Client client = MakeClient(broker_.socket());
    ASSERT_TRUE(client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"}).ok());
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(client.Read({.filter = {.stream = "s"}}).ok());
  }
  EXPECT_TRUE(Eventually([&] { return Read()[Latency::kClientRead].count() == 7; }));
  EXPECT_EQ(Read()[Latency::kClientAppend].count(), 1u);
}

TEST_F(CountersFileTest, HaveWhoIsConnectedAndSaysNothing) {
  const auto silent = ConnectSeqpacket(broker_.socket());
  ASSERT_TRUE(silent.ok());
  Client client = MakeClient(broker_.socket());
  EXPECT_TRUE(Eventually([&] {
    EXPECT_TRUE(client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"}).ok());
    return broker_.Count(Counter::kNewcomers) == 1;
  }));
}

// What was counted stays as it was, and says whose it was; the next broker counts anew.
TEST_F(CountersFileTest, OutliveTheirBroker) {
  ShimProcess shim({.socket = broker_.socket(), .agent = "writer"});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}}).ok());
  }
  // Counted when they have been answered.
  ASSERT_TRUE(Eventually([&] { return Read()[Latency::kAppend].count() == 3; }));
  const auto pid = static_cast<uint32_t>(broker_.pid());
  broker_.Kill9();
  const CountersSnapshot dead = Read();
  EXPECT_EQ(dead.broker_pid, pid);
  EXPECT_EQ(dead[RequestKind::kAppend], 3u);
  EXPECT_EQ(dead[Latency::kAppend].count(), 3u);
  const auto row = RowOf("writer");
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ((*row)[SessionCounter::kEvents], 3u);
  EXPECT_EQ(CheckHealth(CountersPath(broker_.socket())).state, HealthState::kDead);

  ASSERT_TRUE(broker_.Start());
  const CountersSnapshot next = Read();
  EXPECT_FALSE(SameBroker(dead, next));
  EXPECT_EQ(next.log_id, dead.log_id);
  EXPECT_EQ(next[RequestKind::kAppend], 0u);
  // The session that came back has a row there, which counts from then on.
  ASSERT_TRUE(shim.Call("append", {{"stream", "s"}, {"type", "t"}}).ok());
  EXPECT_TRUE(Eventually([&] {
    const auto back = RowOf("writer");
    return back.has_value() && (*back)[SessionCounter::kEvents] == 1;
  }));
}

}  // namespace
}  // namespace roost
