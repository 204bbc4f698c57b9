// A BrokerWatch on a real broker: what it sees of work, of its death and of the one after it.
#include "tools/monitor/broker_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <string>

#include "ipc/socket_path.h"
#include "roost/client.h"
#include "tests/support/broker_process.h"
#include "tests/tools/cli_fixture.h"
#include "tools/monitor/monitor_json.h"

namespace roost {
namespace {

class BrokerWatchTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }

  std::string Counters() { return CountersPath(broker_.socket()); }
  // The broker answers first and counts then. What a request counts last is its duration, in its session's row.
  void WaitUntilCounted(uint64_t appends) {
    const auto counted = [&] {
      const auto counters = ReadCounters(Counters());
      return counters.ok() && counters->sessions.size() == 1 &&
             counters->sessions[0][SessionLatency::kRequests].count() == appends;
    };
    ASSERT_TRUE(Eventually(counted)) << appends;
  }

  BrokerProcess broker_;
};

void Append(Client* client, int count) {
  for (int i = 0; i < count; ++i) {
    const auto appended = client->Append({.stream = "tasks", .type = "t", .data = "{}"});
    ASSERT_TRUE(appended.ok()) << appended.status().message();
  }
}

TEST_F(BrokerWatchTest, SeesWhatASessionDoes) {
  BrokerWatch watch(Counters());
  Client client({.socket = broker_.socket(), .agent = "wor\"ker\u202e"});
  Append(&client, 5);
  WaitUntilCounted(5);
  EXPECT_EQ(watch.Look().overview.beginning, Beginning::kFirst);
  Append(&client, 20);
  WaitUntilCounted(25);
  const Interval& interval = watch.Look();
  EXPECT_EQ(interval.overview.beginning, Beginning::kContinues);
  EXPECT_EQ(interval.health.state, HealthState::kWell);
  EXPECT_NEAR(interval.overview.Rate(Counter::kEventsAppended) * interval.overview.seconds, 20,
              0.01);
  EXPECT_EQ(interval.overview[Latency::kAppend].count, 20u);
  EXPECT_GT(interval.overview[Latency::kAppend].p50, 0u);
  EXPECT_GT(interval.overview.cpu, 0);
  EXPECT_GT(interval.overview.resident_bytes, 1u << 20);
  ASSERT_EQ(interval.sessions.size(), 1u);
  const SessionInterval& session = interval.sessions[0];
  EXPECT_EQ(session.pid, static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(session[SessionCounter::kEvents], 25u);
  EXPECT_EQ(session[SessionLatency::kRequests].count, 20u);
  EXPECT_DOUBLE_EQ(session.cpu, interval.overview.cpu);
  ASSERT_TRUE(session.memory.has_value());
  EXPECT_GT(session.memory->resident, 1u << 20);
  EXPECT_LE(session.memory->own.value(), session.memory->proportional.value());
  EXPECT_EQ(watch.history().size(), 2u);

  std::string text;
  AppendIntervalJson(interval, &text);
  const boost::json::object json = Parse(text);
  EXPECT_EQ(json.at("beginning"), "continues");
  EXPECT_EQ(json.at("health").at("state"), "well");
  EXPECT_EQ(json.at("latencies").at("append").at("count"), 20);
  EXPECT_GT(json.at("rates").at("events_appended").as_double(), 1.0);
  EXPECT_FALSE(json.at("rates").as_object().contains("sessions"));
  EXPECT_EQ(json.at("counters").at("sessions"), 1);
  EXPECT_EQ(json.at("sessions").at(0).at("agent"), "wor\"ker\u202e");
  EXPECT_EQ(json.at("sessions").at(0).at("counters").at("events"), 25);
  EXPECT_EQ(json.at("sessions").at(0).at("requests").at("count"), 20);

  text.clear();
  AppendHistoryJson(watch.history(), 0, &text);
  const boost::json::object columns = Parse(text);
  EXPECT_EQ(columns.at("beginning").as_array(), (boost::json::array{"first", "continues"}));
  EXPECT_EQ(columns.at("latencies").at("append").at("count").as_array(),
            (boost::json::array{0, 20}));
  EXPECT_FALSE(columns.at("latencies").as_object().contains("claim"));
  text.clear();
  AppendHistoryJson(watch.history(), watch.history()[0].at_ns, &text);
  EXPECT_EQ(Parse(text).at("seconds").as_array().size(), 1u);
}

TEST_F(BrokerWatchTest, GoesOnOverTheDeathOfTheBroker) {
  BrokerWatch watch(Counters());
  watch.Look();
  broker_.Kill9();
  EXPECT_EQ(watch.Look().health.state, HealthState::kDead);
  EXPECT_EQ(watch.last().overview.beginning, Beginning::kContinues);
  EXPECT_FALSE(watch.last().pids_are_ours);
  ASSERT_TRUE(broker_.Start());
  EXPECT_EQ(watch.Look().overview.beginning, Beginning::kNewBroker);
  EXPECT_EQ(watch.last().health.state, HealthState::kWell);
  broker_.Terminate();
  EXPECT_EQ(watch.Look().overview.beginning, Beginning::kNoBroker);
  EXPECT_EQ(watch.last().health.state, HealthState::kNoBroker);
  std::string text;
  AppendIntervalJson(watch.last(), &text);
  EXPECT_FALSE(Parse(text).contains("broker"));
  ASSERT_TRUE(broker_.Start());
  EXPECT_EQ(watch.Look().overview.beginning, Beginning::kFirst);
}

TEST_F(BrokerWatchTest, LooksAtMemoryOfAFewAtATime) {
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(Client({.socket = broker_.socket()}));
    ASSERT_TRUE(clients.back().Info().ok());
  }
  BrokerWatchOptions options;
  options.memory_looks_max = 2;
  BrokerWatch watch(Counters(), options);
  for (const size_t expected : {2u, 4u, 5u, 5u}) {
    watch.Look();
    size_t known = 0;
    for (const SessionInterval& session : watch.last().sessions) known += session.memory ? 1 : 0;
    EXPECT_EQ(known, expected);
  }
}

}  // namespace
}  // namespace roost
