// Claims and groups through libroost against a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "roost/client.h"
#include "tests/support/broker_process.h"

namespace roost {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::ElementsAre;

// Nothing here may depend on it; only a broken program runs into it.
constexpr milliseconds kCoordinationPatience{60'000};

class ClientCoordinationTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }
  Client NewClient(const std::string& agent = "tester") {
    return Client({.socket = broker_.socket(), .agent = agent, .timeout = kCoordinationPatience});
  }
  static void Append(Client& client, int count) {
    Batch batch;
    for (int i = 0; i < count; ++i) {
      batch.events.push_back({.stream = "tasks", .type = "t", .data = std::to_string(i + 1)});
    }
    ASSERT_TRUE(client.Append(batch).ok());
  }
  static std::vector<std::string> DataOf(const Page& page) {
    std::vector<std::string> data;
    for (size_t i = 0; i < page.size(); ++i) data.emplace_back(page[i].data);
    return data;
  }
  // What ended, once something did.
  static std::vector<EndedLease> WaitForEnded(Client& client) {
    const auto until = std::chrono::steady_clock::now() + kCoordinationPatience;
    std::vector<EndedLease> ended;
    while (ended.empty() && std::chrono::steady_clock::now() < until) {
      ended = client.TakeEndedLeases();
    }
    return ended;
  }

  BrokerProcess broker_;
};

TEST_F(ClientCoordinationTest, GrantsAKeyToOneAtATime) {
  Client first = NewClient("first");
  Client second = NewClient("second");
  const auto granted = first.Claim({.keys = {"a", "b"}, .note = "why"});
  ASSERT_TRUE(granted.ok()) << granted.status().message();
  ASSERT_TRUE(granted->granted);
  const auto held = second.Claim({.keys = {"b", "c"}});
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(held->granted);
  ASSERT_EQ(held->held.size(), 1u);
  EXPECT_EQ(held->held[0].key, "b");
  EXPECT_EQ(held->held[0].by, "first");
  const auto leases = second.ListLeases("");
  ASSERT_TRUE(leases.ok());
  ASSERT_EQ(leases->size(), 1u);
  EXPECT_THAT((*leases)[0].keys, ElementsAre("a", "b"));
  EXPECT_EQ((*leases)[0].note, "why");
  EXPECT_TRUE(first.Release(granted->token).value());
  EXPECT_FALSE(first.Release(granted->token).value());
  EXPECT_TRUE(second.Claim({.keys = {"b", "c"}}).value().granted);
}

TEST_F(ClientCoordinationTest, WaitsForAKeyUntilItsHolderLetsGo) {
  Client first = NewClient("first");
  const uint64_t token = first.Claim({.keys = {"a"}}).value().token;
  ClaimResult result;
  std::thread waiter([&] {
    Client second = NewClient("second");
    result = second.Claim({.keys = {"a", "b"}, .wait = milliseconds(50'000)}).value();
  });
  // What is free stands in nobody's way until somebody waits for it.
  const auto until = std::chrono::steady_clock::now() + kCoordinationPatience;
  bool waits = false;
  Client third = NewClient("third");
  while (!waits && std::chrono::steady_clock::now() < until) {
    const ClaimResult seen = third.Claim({.keys = {"b"}}).value();
    if (seen.granted) {
      EXPECT_TRUE(third.Release(seen.token).value());
    }
    for (const Holder& holder : seen.held) waits |= holder.waiting;
  }
  EXPECT_TRUE(waits);
  EXPECT_TRUE(first.Release(token).value());
  waiter.join();
  EXPECT_TRUE(result.granted);
  EXPECT_GT(result.token, token);
}

TEST_F(ClientCoordinationTest, TellsAHolderThatItsTimeIsOver) {
  Client client = NewClient();
  const uint64_t token = client.Claim({.keys = {"a"}, .ttl = milliseconds(100)}).value().token;
  const std::vector<EndedLease> ended = WaitForEnded(client);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].token, token);
  EXPECT_EQ(ended[0].reason, "expired");
  EXPECT_FALSE(client.Release(token).value());
}

TEST_F(ClientCoordinationTest, KeepsItsClaimsOverARestartOfTheBroker) {
  Client client = NewClient();
  const uint64_t token = client.Claim({.keys = {"a"}}).value().token;
  ASSERT_TRUE(broker_.Restart());
  const auto released = client.Release(token);
  ASSERT_TRUE(released.ok()) << released.status().message();
  EXPECT_TRUE(*released);
  EXPECT_TRUE(client.TakeEndedLeases().empty());
}

TEST_F(ClientCoordinationTest, GivesEachEventToOneConsumerInOrder) {
  Client first = NewClient("first");
  Client second = NewClient("second");
  Append(first, 5);
  const auto three = first.Take({.stream = "tasks", .group = "g", .max = 3});
  ASSERT_TRUE(three.ok()) << three.status().message();
  ASSERT_EQ(three->items.size(), 3u);
  const auto two = second.Take({.stream = "tasks", .group = "g", .max = 3});
  ASSERT_EQ(two->items.size(), 2u);
  Page page;
  ASSERT_TRUE(first.ReadTaken("tasks", *three, &page).ok());
  EXPECT_THAT(DataOf(page), ElementsAre("1", "2", "3"));

  std::vector<ItemToken> tokens;
  for (const TakenItem& item : three->items) tokens.push_back(item.token);
  EXPECT_THAT(first.Settle(tokens, Outcome::kDone).value(), Each(true));
  EXPECT_THAT(second.Settle(tokens, Outcome::kDone).value(), Each(false));
  const auto groups = first.ListGroups("ta");
  ASSERT_EQ(groups->size(), 1u);
  EXPECT_EQ((*groups)[0].checkpoint, 3u);
  EXPECT_EQ((*groups)[0].taken, 2u);
  EXPECT_TRUE(first.ListGroups("x")->empty());
}

TEST_F(ClientCoordinationTest, ReadsWhatWasGivenBackBeforeWhatIsNew) {
  Client client = NewClient();
  Append(client, 6);
  const auto taken = client.Take({.stream = "tasks", .group = "g", .max = 4});
  ASSERT_EQ(taken->items.size(), 4u);
  const std::vector<ItemToken> back = {taken->items[0].token, taken->items[2].token};
  EXPECT_THAT(client.Settle(back, Outcome::kRetry).value(), Each(true));
  const auto again = client.Take({.stream = "tasks", .group = "g", .max = 10});
  ASSERT_EQ(again->items.size(), 4u);
  Page page;
  ASSERT_TRUE(client.ReadTaken("tasks", *again, &page).ok());
  EXPECT_THAT(DataOf(page), ElementsAre("1", "3", "5", "6"));
  EXPECT_EQ(again->items[0].tries, 2u);
  EXPECT_EQ(again->items[3].tries, 1u);
}

TEST_F(ClientCoordinationTest, WaitsForAnEventToTake) {
  Client client = NewClient();
  Append(client, 1);
  EXPECT_EQ(client.Take({.stream = "tasks", .group = "g"}).value().items.size(), 1u);
  std::thread appender([&] {
    Client other = NewClient("other");
    Append(other, 1);
  });
  const auto taken = client.Take({.stream = "tasks", .group = "g", .wait = milliseconds(50'000)});
  appender.join();
  ASSERT_TRUE(taken.ok()) << taken.status().message();
  ASSERT_EQ(taken->items.size(), 1u);
  EXPECT_EQ(taken->items[0].revision, 2u);
}

TEST_F(ClientCoordinationTest, ListsAndReturnsWhatIsParked) {
  Client client = NewClient();
  Append(client, 3);
  const auto taken = client.Take({.stream = "tasks", .group = "g", .max = 3});
  std::vector<ItemToken> tokens;
  for (const TakenItem& item : taken->items) tokens.push_back(item.token);
  EXPECT_THAT(client.Settle(tokens, Outcome::kPark, "broken").value(), Each(true));
  const auto first = client.ListParked("tasks", "g", 0, 2);
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(first->items.size(), 2u);
  EXPECT_TRUE(first->more);
  const auto rest = client.ListParked("tasks", "g", 2, 2);
  ASSERT_EQ(rest->items.size(), 1u);
  EXPECT_EQ(rest->items[0].revision, 3u);
  const std::vector<uint64_t> revisions = {2, 99};
  EXPECT_EQ(client.Unpark("tasks", "g", revisions, /*drop=*/false).value(), 1u);
  EXPECT_EQ(client.Unpark("tasks", "g", {}, /*drop=*/true).value(), 2u);
  EXPECT_EQ(client.Take({.stream = "tasks", .group = "g"})->items[0].revision, 2u);
}

TEST_F(ClientCoordinationTest, AnswersFromSharedMemoryWhatWasDecided) {
  Client first = NewClient("first");
  const std::vector<Question> questions = {{"review.patch", "{\"n\":1}"}};
  const auto asked = first.Validate(questions, {});
  ASSERT_TRUE(asked.ok()) << asked.status().message();
  ASSERT_TRUE((*asked)[0].you_decide);
  const auto decided = first.Decide({.key = (*asked)[0].key,
                                     .token = {(*asked)[0].token, 0},
                                     .verdict = Verdict::kAllow,
                                     .reason = "fine"});
  ASSERT_TRUE(decided.ok()) << decided.status().message();
  EXPECT_TRUE(decided->recorded);

  // Also in another spelling, and while nobody answers.
  Client second = NewClient("second");
  ASSERT_TRUE(second.Info().ok());
  broker_.process().Signal(SIGSTOP);
  const std::vector<Question> again = {{"review.patch", " { \"n\" : 1e0 } "}};
  const auto known = second.Validate(again, {});
  broker_.process().Signal(SIGCONT);
  ASSERT_TRUE(known.ok()) << known.status().message();
  EXPECT_EQ((*known)[0].verdict, Verdict::kAllow);
  EXPECT_EQ((*known)[0].by, "first");
  EXPECT_TRUE((*known)[0].cached);
}

TEST_F(ClientCoordinationTest, DoesNotTrustVerdictsOfABrokerThatHasGone) {
  Client client({.socket = broker_.socket(), .agent = "tester", .timeout = milliseconds(5'000)});
  const std::vector<Question> questions = {{"k", "1"}};
  const auto asked = client.Validate(questions, {});
  ASSERT_TRUE(asked.ok()) << asked.status().message();
  const Answer& mine = asked->front();
  ASSERT_TRUE(client.Decide({mine.key, {mine.token, 0}, Verdict::kAllow}).ok());
  ASSERT_TRUE(client.Validate(questions, {}).ok());
  broker_.Kill9();
  // The connection is looked at now and then, not at each call.
  const auto until = std::chrono::steady_clock::now() + kCoordinationPatience;
  while (client.Validate(questions, {}).ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
  }
}

TEST_F(ClientCoordinationTest, MixesWhatIsKnownWithWhatIsNotInTheOrderOfTheQuestions) {
  Client client = NewClient();
  const std::vector<Question> one = {{"k", "2"}};
  const auto asked = client.Validate(one, {});
  ASSERT_TRUE(asked.ok()) << asked.status().message();
  ASSERT_TRUE(
      client
          .Decide(
              {.key = (*asked)[0].key, .token = {(*asked)[0].token, 0}, .verdict = Verdict::kDeny})
          .ok());
  const std::vector<Question> three = {{"k", "1"}, {"k", "2"}, {"k", "{oops"}};
  const auto answers = client.Validate(three, {}, Asking::kOnlyKnown);
  ASSERT_TRUE(answers.ok()) << answers.status().message();
  EXPECT_EQ((*answers)[0].verdict, Verdict::kUndecided);
  EXPECT_FALSE((*answers)[0].you_decide);
  EXPECT_EQ((*answers)[1].verdict, Verdict::kDeny);
  EXPECT_FALSE((*answers)[2].error.empty());
}

}  // namespace
}  // namespace roost
