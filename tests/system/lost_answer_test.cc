// An answer that is lost is asked for again, and nothing is done twice: the connection is cut at each
// message of an append, before and behind it, and the broker dies between journal and answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

class LostAnswerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    proxy_ = std::make_unique<CuttingProxy>(broker_.scratch() / "proxy.sock", broker_.socket());
    client_ = std::make_unique<Client>(MakeClient(broker_.scratch() / "proxy.sock", "cut"));
  }

  static Batch OneEvent(const std::string& data, const std::string& id = "", size_t bytes = 0) {
    Batch batch;
    batch.events.push_back(
        {.stream = "s", .type = "t", .data = '"' + data + std::string(bytes, 'x') + '"'});
    batch.id = id;
    return batch;
  }

  // How often an event with this beginning of its data is in the log.
  size_t Times(const std::string& data) {
    Client direct = MakeClient(broker_.socket(), "direct");
    const std::vector<SeenEvent> log = ReadAll(&direct);
    ExpectDense(log);
    return static_cast<size_t>(std::count_if(log.begin(), log.end(), [&](const SeenEvent& event) {
      return event.data.starts_with('"' + data);
    }));
  }

  BrokerProcess broker_;
  std::unique_ptr<CuttingProxy> proxy_;
  std::unique_ptr<Client> client_;
};

// Direction, message, delivered before the cut, with an id, bytes of data.
using Point = std::tuple<Direction, int, bool, bool, size_t>;

class LostAnswerAtTest : public LostAnswerTest, public ::testing::WithParamInterface<Point> {};

TEST_P(LostAnswerAtTest, IsRepeatedAndNotDoneAgain) {
  const auto& [direction, message, deliver, with_id, bytes] = GetParam();
  proxy_->Cut(direction, static_cast<uint64_t>(message), deliver);
  const Result<AppendResult> first =
      client_->Append(OneEvent("first-", with_id ? "id-1" : "", bytes));
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_TRUE(first->appended);
  EXPECT_EQ(first->revision, 1u);
  // Message 3 is of this one, or the first of the attachment that the cut made necessary.
  Batch next = OneEvent("second-", with_id ? "id-2" : "", bytes);
  next.conditions.push_back({"s", 1});
  const Result<AppendResult> second = client_->Append(next);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_TRUE(second->appended);
  EXPECT_EQ(second->revision, 2u);
  const Result<AppendResult> third =
      client_->Append(OneEvent("third-", with_id ? "id-3" : "", bytes));
  ASSERT_TRUE(third.ok()) << third.status().message();
  EXPECT_EQ(third->revision, 3u);
  EXPECT_TRUE(proxy_->has_cut());
  EXPECT_EQ(Times("first-"), 1u);
  EXPECT_EQ(Times("second-"), 1u);
  EXPECT_EQ(Times("third-"), 1u);
}

std::string PointName(const ::testing::TestParamInfo<Point>& info) {
  const auto& [direction, message, deliver, with_id, bytes] = info.param;
  return std::string(direction == Direction::kToBroker ? "Request" : "Reply") +
         std::to_string(message) + (deliver ? "Delivered" : "Lost") + (with_id ? "WithId" : "") +
         (bytes > 0 ? "InMemory" : "");
}

INSTANTIATE_TEST_SUITE_P(
    EveryMessage, LostAnswerAtTest,
    ::testing::Combine(::testing::Values(Direction::kToBroker, Direction::kToClient),
                       ::testing::Range(1, 5), ::testing::Bool(), ::testing::Bool(),
                       ::testing::Values(size_t{0}, size_t{100'000})),
    PointName);

TEST_F(LostAnswerTest, IsRepeatedForEachOfManyInFlight) {
  for (uint64_t cut = 1; cut <= 40; ++cut) {
    const std::string round = "round" + std::to_string(cut) + "-";
    proxy_->Cut(cut % 2 == 0 ? Direction::kToClient : Direction::kToBroker, cut, cut % 3 == 0);
    std::vector<uint64_t> sequences;
    for (int i = 0; i < 50; ++i) {
      const Status status = client_->Submit(OneEvent(round + std::to_string(i) + "-"),
                                            [&](const Result<AppendResult>& result) {
                                              ASSERT_TRUE(result.ok()) << result.status().message();
                                              sequences.push_back(result->sequence);
                                            });
      ASSERT_TRUE(status.ok()) << status.message();
    }
    const Status flushed = client_->Flush();
    ASSERT_TRUE(flushed.ok()) << flushed.message();
    EXPECT_EQ(sequences.size(), 50u);
    std::sort(sequences.begin(), sequences.end());
    EXPECT_EQ(std::unique(sequences.begin(), sequences.end()), sequences.end());
  }
  // Of one session, in the order in which they were submitted, whatever was cut.
  Client direct = MakeClient(broker_.socket(), "direct");
  const std::vector<SeenEvent> log = ReadAll(&direct, {.filter = {.stream = "s"}});
  ASSERT_EQ(log.size(), 40u * 50u);
  for (size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(log[i].data,
              "\"round" + std::to_string(i / 50 + 1) + "-" + std::to_string(i % 50) + "-\"");
  }
}

TEST_F(LostAnswerTest, OfAConflictIsStillAConflict) {
  ASSERT_TRUE(client_->Append(OneEvent("there-")).ok());
  Batch batch = OneEvent("never-");
  batch.conditions.push_back({"s", 0});
  proxy_->Cut(Direction::kToClient, 1, false);
  const Result<AppendResult> result = client_->Append(batch);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_FALSE(result->appended);
  EXPECT_EQ(result->conflict->revision, 1u);
  EXPECT_EQ(Times("never-"), 0u);
}

TEST_F(LostAnswerTest, IsRepeatedWhenTheBrokerDiedBetweenJournalAndAnswer) {
  ASSERT_TRUE(client_->Append(OneEvent("zeroth-")).ok());
  for (const bool with_id : {false, true}) {
    for (const size_t bytes : {size_t{0}, size_t{100'000}}) {
      const std::string data =
          std::string(with_id ? "with" : "without") + std::to_string(bytes) + "-";
      Batch batch = OneEvent(data, with_id ? "id" + data : "", bytes);
      const uint64_t revision =
          client_->Read({.filter = {.stream = "s"}, .limit = 1, .order = Order::kNewestFirst})
              .value()[0]
              .revision;
      // Done again it would be a conflict with itself.
      batch.conditions.push_back({"s", revision});
      Result<AppendResult> result(StatusCode::kUnavailable, "not asked yet");
      proxy_->SwallowReplies();
      const uint64_t swallowed = proxy_->swallowed();
      std::thread asking([&] { result = client_->Append(batch); });
      EXPECT_TRUE(Eventually([&] { return proxy_->swallowed() > swallowed; }));
      broker_.Kill9();
      proxy_->PassReplies();
      ASSERT_TRUE(broker_.Start());
      asking.join();
      ASSERT_TRUE(result.ok()) << result.status().message();
      EXPECT_TRUE(result->appended);
      EXPECT_EQ(result->revision, revision + 1);
      EXPECT_EQ(Times(data), 1u);
    }
  }
}

TEST_F(LostAnswerTest, IsRepeatedForABatchOverSeveralStreamsAfterTheBrokersDeath) {
  ASSERT_TRUE(client_->Append(OneEvent("zeroth-")).ok());
  Batch batch;
  for (int i = 0; i < 10; ++i) {
    batch.events.push_back(
        {.stream = "b" + std::to_string(i % 3), .type = "t", .data = "\"batch-\""});
  }
  Result<AppendResult> result(StatusCode::kUnavailable, "not asked yet");
  proxy_->SwallowReplies();
  std::thread asking([&] { result = client_->Append(batch); });
  EXPECT_TRUE(Eventually([&] { return proxy_->swallowed() > 0; }));
  broker_.Kill9();
  proxy_->PassReplies();
  ASSERT_TRUE(broker_.Start());
  asking.join();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->appended);
  EXPECT_EQ(result->count, 10u);
  EXPECT_EQ(result->sequence - result->first, 9u);
  EXPECT_EQ(Times("batch-"), 10u);
}

TEST_F(LostAnswerTest, OfAClaimAndATakeThatWereGivenUpLeavesNothingHeld) {
  const std::string through = broker_.scratch() / "proxy.sock";
  const auto patience = std::chrono::milliseconds(700) * kSlowdown;
  Client claims({.socket = through, .agent = "claims", .timeout = patience});
  Client takes({.socket = through, .agent = "takes", .timeout = patience});
  ASSERT_TRUE(claims.Append(OneEvent("task-")).ok());
  ASSERT_TRUE(takes.Append(OneEvent("task-")).ok());
  // What is granted now is known to nobody: the broker dies, and who asked gives up before the next one is there.
  proxy_->SwallowReplies();
  std::thread claiming(
      [&] { EXPECT_FALSE(claims.Claim({.keys = {"key"}, .ttl = std::chrono::hours(1)}).ok()); });
  std::thread taking([&] {
    EXPECT_FALSE(
        takes.Take({.stream = "s", .group = "g", .max = 2, .lease = std::chrono::hours(1)}).ok());
  });
  EXPECT_TRUE(Eventually([&] { return proxy_->swallowed() >= 2; }));
  broker_.Kill9();
  claiming.join();
  taking.join();
  proxy_->PassReplies();
  ASSERT_TRUE(broker_.Start());
  ASSERT_TRUE(claims.Append(OneEvent("back-")).ok());
  ASSERT_TRUE(takes.Append(OneEvent("back-")).ok());
  const std::chrono::seconds wait(10);
  const auto claimed = client_->Claim({.keys = {"key"}, .wait = wait});
  ASSERT_TRUE(claimed.ok()) << claimed.status().message();
  EXPECT_TRUE(claimed->granted);
  const auto taken = client_->Take({.stream = "s", .group = "g", .max = 2, .wait = wait});
  ASSERT_TRUE(taken.ok()) << taken.status().message();
  ASSERT_EQ(taken->items.size(), 2u);
  EXPECT_EQ(taken->items[0].tries, 2u);
}

TEST_F(LostAnswerTest, IsGivenByItsIdToAnotherSessionAndAfterARestart) {
  const Batch batch = OneEvent("once-", "the-id");
  const Result<AppendResult> first = client_->Append(batch);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->duplicate);
  const auto expect_duplicate = [&] {
    Client other = MakeClient(broker_.socket(), "cut");
    const Result<AppendResult> again = other.Append(batch);
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_TRUE(again->appended);
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->sequence, first->sequence);
    EXPECT_EQ(again->revision, first->revision);
    const Result<AppendResult> reused = other.Append(OneEvent("other-", "the-id"));
    EXPECT_EQ(reused.status().code(), StatusCode::kAlreadyExists) << reused.status().message();
  };
  expect_duplicate();
  ASSERT_TRUE(broker_.Restart());
  expect_duplicate();
  broker_.Terminate();
  ASSERT_TRUE(broker_.Start());
  expect_duplicate();
  EXPECT_EQ(Times("once-"), 1u);
  EXPECT_EQ(Times("other-"), 0u);
}

}  // namespace
}  // namespace roost
