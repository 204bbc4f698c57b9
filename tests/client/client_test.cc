// libroost against a real broker.
#include "roost/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"

namespace roost {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Nothing here may depend on it; only a broken program runs into it.
constexpr milliseconds kPatience{60'000};

NewEvent Event(const std::string& stream, const std::string& data = "{}",
               const std::string& type = "tested") {
  return {.stream = stream, .type = type, .data = data};
}

std::vector<std::string> DataOf(const Page& page) {
  std::vector<std::string> data;
  for (size_t i = 0; i < page.size(); ++i) data.emplace_back(page[i].data);
  return data;
}

class ClientTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> arguments = {}) {
    broker_.setup().arguments = std::move(arguments);
    ASSERT_TRUE(broker_.Start());
  }
  Client NewClient(const std::string& agent = "tester") {
    return Client({.socket = broker_.socket(), .agent = agent, .timeout = kPatience});
  }
  // Without the broker's own events.
  static ReadQuery Of(const std::string& stream) { return {.filter = {.stream = stream}}; }

  BrokerProcess broker_;
};

TEST_F(ClientTest, AppendsAndReadsBack) {
  Start();
  Client client = NewClient();
  NewEvent event = Event("tasks/1", "{\"n\":1}", "task.created");
  event.correlation_id = "corr";
  event.causation_id = "cause";
  const auto appended = client.Append(event);
  ASSERT_TRUE(appended.ok()) << appended.status().message();
  EXPECT_TRUE(appended->appended);
  EXPECT_FALSE(appended->duplicate);
  EXPECT_EQ(appended->revision, 1u);
  EXPECT_EQ(appended->count, 1u);
  EXPECT_STREQ(DurabilityName(appended->durability), "process");
  const auto page = client.Read(Of("tasks/1"));
  ASSERT_TRUE(page.ok()) << page.status().message();
  ASSERT_EQ(page->size(), 1u);
  const EventView read = (*page)[0];
  EXPECT_EQ(read.sequence, appended->sequence);
  EXPECT_EQ(read.stream, "tasks/1");
  EXPECT_EQ(read.type, "task.created");
  EXPECT_EQ(read.agent, "tester");
  EXPECT_EQ(read.data, "{\"n\":1}");
  EXPECT_EQ(read.correlation_id, "corr");
  EXPECT_EQ(read.causation_id, "cause");
  EXPECT_EQ(read.content_type, "application/json");
  EXPECT_EQ(read.uid, ::getuid());
  EXPECT_EQ(read.session, client.Info()->session);
}

TEST_F(ClientTest, KeepsAnotherContentTypeAndNoData) {
  Start();
  Client client = NewClient();
  NewEvent event = Event("a", std::string("\0\xff", 2));
  event.content_type = "application/octet-stream";
  ASSERT_TRUE(client.Append(event).ok());
  ASSERT_TRUE(client.Append(Event("a", "")).ok());
  const Page page = client.Read(Of("a")).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].content_type, "application/octet-stream");
  EXPECT_EQ(page[0].data, std::string("\0\xff", 2));
  EXPECT_EQ(page[1].data, "");
}

TEST_F(ClientTest, AnswersAConflictWithTheStreamsLastEvent) {
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Append(Event("a", "1"), 0)->appended);
  const auto conflict = client.Append(Event("a", "2"), 0);
  ASSERT_TRUE(conflict.ok());
  EXPECT_FALSE(conflict->appended);
  ASSERT_TRUE(conflict->conflict.has_value());
  EXPECT_EQ(conflict->conflict->stream, "a");
  EXPECT_EQ(conflict->conflict->expect, 0u);
  EXPECT_EQ(conflict->conflict->revision, 1u);
  ASSERT_NE(conflict->conflict->last, nullptr);
  EXPECT_THAT(DataOf(*conflict->conflict->last), ElementsAre("1"));
  EXPECT_TRUE(client.Append(Event("a", "2"), 1)->appended);
}

TEST_F(ClientTest, AppendsABatchWholeOrNotAtAll) {
  Start();
  Client client = NewClient();
  Batch batch{.events = {Event("a", "1"), Event("b", "2"), Event("a", "3")},
              .conditions = {{"c", 0}}};
  const auto appended = client.Append(batch);
  ASSERT_TRUE(appended.ok()) << appended.status().message();
  EXPECT_EQ(appended->count, 3u);
  EXPECT_EQ(appended->sequence, appended->first + 2);
  EXPECT_EQ(appended->revision, 2u);
  batch.conditions = {{"a", 2}, {"b", 7}};
  const auto refused = client.Append(batch);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->conflict->stream, "b");
  EXPECT_THAT(DataOf(client.Read(Of("a")).value()), ElementsAre("1", "3"));
}

TEST_F(ClientTest, DoesNotDoTheSameIdTwice) {
  Start();
  Client client = NewClient();
  Batch batch{.events = {Event("a", "1"), Event("b", "2")}, .id = "once"};
  const auto first = client.Append(batch);
  ASSERT_TRUE(first.ok());
  Client other = NewClient("other");
  const auto again = other.Append(batch);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first, first->first);
  EXPECT_EQ(again->sequence, first->sequence);
  batch.events[0].data = "other";
  EXPECT_EQ(client.Append(batch).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(client.Read(Of("a"))->size(), 1u);
}

TEST_F(ClientTest, CarriesEventsAndBatchesUpToTheLimits) {
  Start();
  Client client = NewClient();
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE(client.Append(Event("a", large)).ok());
  Batch batch;
  for (int i = 0; i < 3; ++i) batch.events.push_back(Event("b", large));
  const auto appended = client.Append(batch);
  ASSERT_TRUE(appended.ok()) << appended.status().message();
  ReadQuery query = Of("b");
  query.bytes_max = 16 << 20;
  const Page page = client.Read(query).value();
  ASSERT_EQ(page.size(), 3u);
  EXPECT_TRUE(page[2].data == large);
  batch.events.push_back(Event("b", large));
  EXPECT_EQ(client.Append(batch).status().code(), StatusCode::kTooLarge);
  EXPECT_EQ(client.Append(Event("a", large + "x")).status().code(), StatusCode::kTooLarge);
}

TEST_F(ClientTest, KeepsManyBatchesInFlight) {
  Start();
  Client client = NewClient();
  int done = 0;
  for (int i = 0; i < 500; ++i) {
    const Status submitted = client.Submit(
        {.events = {Event("a", std::to_string(i))}}, [&](const Result<AppendResult>& result) {
          EXPECT_TRUE(result.ok());
          EXPECT_EQ(result->revision, static_cast<uint64_t>(++done));
        });
    ASSERT_TRUE(submitted.ok()) << submitted.message();
  }
  ASSERT_TRUE(client.Flush().ok());
  EXPECT_EQ(done, 500);
  ASSERT_TRUE(client.WaitForAnswer().ok());  // none is unanswered
  EXPECT_EQ(client.Submit({}, nullptr).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(client.Read({.filter = {.stream = "a"}, .limit = 1000})->size(), 500u);
}

TEST_F(ClientTest, LetsItsUserKeepAFewBatchesInFlight) {
  Start();
  Client client = NewClient();
  int in_flight = 0;
  for (int i = 0; i < 100; ++i) {
    while (in_flight >= 4) {
      ASSERT_TRUE(client.WaitForAnswer().ok());
    }
    ++in_flight;
    ASSERT_TRUE(client.Submit({.events = {Event("a")}}, [&](const auto&) { --in_flight; }).ok());
  }
  ASSERT_TRUE(client.Flush().ok());
  EXPECT_EQ(in_flight, 0);
}

TEST_F(ClientTest, ReadsWhatOnlyTheJournalHas) {
  Start({"--ring", "64KiB", "--segment", "64KiB"});
  Client client = NewClient();
  std::vector<std::string> all;
  for (int i = 0; i < 2000; ++i) {
    all.push_back(std::to_string(i) + std::string(100, 'x'));
    ASSERT_TRUE(client
                    .Submit({.events = {Event("a", all.back())}},
                            [](const auto& result) { EXPECT_TRUE(result.ok()); })
                    .ok());
  }
  ASSERT_TRUE(client.Flush().ok());
  Client reader = NewClient("reader");
  for (const Filter& filter : {Filter{.stream = "a"}, Filter{.stream_prefix = "a"}}) {
    ReadQuery query{.filter = filter, .limit = 300};
    std::vector<std::string> found;
    Page page;
    do {
      ASSERT_TRUE(reader.Read(query, &page).ok());
      EXPECT_FALSE(page.gap().has_value());
      for (const std::string& data : DataOf(page)) found.push_back(data);
      query.after = page.next();
    } while (page.more());
    EXPECT_TRUE(found == all);
  }
}

TEST_F(ClientTest, WaitsForTheFirstEventThatMatches) {
  Start();
  Client client = NewClient();
  const uint64_t head = client.Info()->head;
  std::thread other([this] {
    Client appender = NewClient("other");
    EXPECT_TRUE(appender.Append(Event("noise")).ok());
    EXPECT_TRUE(appender.Append(Event("inbox/me", "1", "other.type")).ok());
    EXPECT_TRUE(appender.Append(Event("inbox/me", "2", "wanted")).ok());
  });
  const auto page = client.Wait(
      {.filter = {.stream = "inbox/me", .types = {"wanted"}}, .after = head}, kPatience);
  other.join();
  ASSERT_TRUE(page.ok()) << page.status().message();
  EXPECT_THAT(DataOf(*page), ElementsAre("2"));
}

TEST_F(ClientTest, WaitsByPrefixAndAgentToo) {
  Start();
  Client client = NewClient();
  const uint64_t head = client.Info()->head;
  std::thread other([this] {
    Client appender = NewClient("other");
    EXPECT_TRUE(appender.Append(Event("topic/x", "1")).ok());
  });
  const auto by_prefix = client.Wait(
      {.filter = {.stream_prefix = "topic/", .agent = "other"}, .after = head}, kPatience);
  other.join();
  ASSERT_TRUE(by_prefix.ok());
  EXPECT_THAT(DataOf(*by_prefix), ElementsAre("1"));
  const auto newest_first =
      client.Wait({.filter = {.stream = "topic/x"}, .order = Order::kNewestFirst}, kPatience);
  EXPECT_THAT(DataOf(*newest_first), ElementsAre("1"));
}

TEST_F(ClientTest, ReturnsEmptyHandedWhenTheTimeIsOver) {
  Start();
  Client client = NewClient();
  const auto page = client.Wait(Of("none"), milliseconds(30));
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->empty());
  EXPECT_EQ(page->next(), client.Info()->head);
  // The wait was withdrawn; another thread of the broker does that.
  while (client.ListSessions().value().at(0).waiting != 0) std::this_thread::yield();
}

TEST_F(ClientTest, GoesOnAfterItsBrokerWasKilled) {
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Append(Event("a", "1")).ok());
  const uint64_t session = client.Info()->session;
  broker_.Kill9();
  // What is mapped can be read while nobody is there.
  EXPECT_THAT(DataOf(client.Read(Of("a")).value()), ElementsAre("1"));
  ASSERT_TRUE(broker_.Start());
  const auto appended = client.Append(Event("a", "2"));
  ASSERT_TRUE(appended.ok()) << appended.status().message();
  EXPECT_EQ(appended->revision, 2u);
  EXPECT_EQ(client.Info()->session, session);
  EXPECT_THAT(DataOf(client.Read(Of("a")).value()), ElementsAre("1", "2"));
}

TEST_F(ClientTest, NoticesANewBrokerByReadingAlone) {
  Start();
  Client reader = NewClient("reader");
  ASSERT_TRUE(reader.Read({}).ok());
  broker_.Restart();
  Client appender = NewClient("appender");
  ASSERT_TRUE(appender.Append(Event("a", "1")).ok());
  Page page;
  while (page.empty()) {
    ASSERT_TRUE(reader.Read(Of("a"), &page).ok());
  }
  EXPECT_THAT(DataOf(page), ElementsAre("1"));
}

TEST_F(ClientTest, WaitsAcrossARestart) {
  Start();
  Result<Page> page = Status(StatusCode::kBusy, "not yet");
  std::thread waiter([&] { page = NewClient("waiter").Wait(Of("a"), kPatience); });
  Client appender = NewClient("appender");
  const auto waits = [&] {
    const std::vector<SessionInfo> sessions = appender.ListSessions().value();
    for (const SessionInfo& session : sessions) {
      if (session.waiting > 0) return true;
    }
    return false;
  };
  while (!waits()) std::this_thread::yield();
  broker_.Restart();
  EXPECT_TRUE(appender.Append(Event("a", "1")).ok());
  waiter.join();
  ASSERT_TRUE(page.ok()) << page.status().message();
  EXPECT_THAT(DataOf(*page), ElementsAre("1"));
}

TEST_F(ClientTest, AnswersWhatWasInFlightWhenTheBrokerWasKilled) {
  Start();
  Client client = NewClient();
  int done = 0;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(client
                    .Submit({.events = {Event("a", std::to_string(i))}},
                            [&](const Result<AppendResult>& result) {
                              EXPECT_TRUE(result.ok()) << result.status().message();
                              ++done;
                            })
                    .ok());
    if (i % 500 == 250) {
      ASSERT_TRUE(broker_.Restart());
    }
  }
  ASSERT_TRUE(client.Flush().ok());
  EXPECT_EQ(done, 2000);
  ReadQuery query{.filter = {.stream = "a"}, .limit = 500};
  std::vector<std::string> found;
  Page page;
  do {
    ASSERT_TRUE(client.Read(query, &page).ok());
    for (const std::string& data : DataOf(page)) found.push_back(data);
    query.after = page.next();
  } while (page.more());
  ASSERT_EQ(found.size(), 2000u);
  for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], std::to_string(i));
}

TEST_F(ClientTest, SaysThatALogWithoutJournalBeganAnew) {
  Start({"--durability", "memory"});
  Client client = NewClient();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.Append(Event("a")).ok());
  const uint64_t after = client.Info()->head;
  const std::string log_id = client.Info()->log_id;
  broker_.Restart();
  Status status;
  while (status.ok()) status = client.Read({.after = after}).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("epoch"));
}

TEST_F(ClientTest, ListsStreamsAndSessions) {
  Start();
  Client client = NewClient();
  Client other = NewClient("other");
  ASSERT_TRUE(other.Append(Event("tasks/1")).ok());
  ASSERT_TRUE(client.Append(Event("tasks/2")).ok());
  ASSERT_TRUE(client.Append(Event("tasks/2")).ok());
  const auto streams = client.ListStreams("tasks/");
  ASSERT_TRUE(streams.ok());
  ASSERT_EQ(streams->size(), 2u);
  EXPECT_EQ((*streams)[1].name, "tasks/2");
  EXPECT_EQ((*streams)[1].revision, 2u);
  EXPECT_EQ((*streams)[1].last_sequence, client.Info()->head);
  EXPECT_EQ(client.ListStreams("tasks/", 1)->size(), 1u);
  EXPECT_THAT(client.ListStreams("none").value(), IsEmpty());
  const auto sessions = client.ListSessions();
  ASSERT_TRUE(sessions.ok()) << sessions.status().message();
  EXPECT_EQ(sessions->size(), 2u);
  EXPECT_THAT(*sessions, Contains(Field(&SessionInfo::agent, "other")));
  EXPECT_THAT((*sessions)[0].client, HasSubstr("libroost"));
}

TEST_F(ClientTest, SaysHowToStartABrokerWhenThereIsNone) {
  Client client({.socket = broker_.socket(), .agent = "tester"});
  for (const Status& status :
       {client.Append(Event("a")).status(), client.Read({}).status(), client.Info().status(),
        client.ListSessions().status(), client.Submit({.events = {Event("a")}}, nullptr)}) {
    EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("roostd --socket " + broker_.socket()));
  }
  Start();
  EXPECT_TRUE(client.Append(Event("a")).ok());
}

TEST_F(ClientTest, MayBeMoved) {
  Start();
  Client client = NewClient();
  int done = 0;
  ASSERT_TRUE(client.Submit({.events = {Event("a")}}, [&](const auto&) { ++done; }).ok());
  Client moved = std::move(client);
  ASSERT_TRUE(moved.Flush().ok());
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace roost
