// Streams by the ten thousand (long form: a million): each is read as if it were alone, from the ring and
// from closed segments, without looking through what is between its events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/deadline.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kRevisions = 10;

// What this thread has read by system calls so far, and how many of them there were. Counted by the kernel,
// so nothing is left out.
struct ReadCount {
  uint64_t bytes = 0;
  uint64_t calls = 0;
};
ReadCount ReadSoFar() {
  std::ifstream counts("/proc/thread-self/io");
  ReadCount count;
  for (std::string key; counts >> key;) {
    uint64_t value = 0;
    counts >> value;
    if (key == "rchar:") count.bytes = value;
    if (key == "syscr:") count.calls = value;
  }
  return count;
}

std::string StreamName(uint64_t number) { return "many/" + std::to_string(number); }

// Says which event it is, so that a wrong one can't look right.
std::string DataOf(uint64_t stream, uint64_t revision) {
  return R"({"stream":)" + std::to_string(stream) + R"(,"revision":)" + std::to_string(revision) +
         "}";
}

// Appends an event to each of the streams in turn, again and again.
class ManyStreamsTest : public ::testing::Test {
 protected:
  ManyStreamsTest() : streams_(SoakWanted() ? 1'000'000 : Scaled(20'000)) {
    broker_.setup().arguments =
        SoakWanted() ? std::vector<std::string>{"--ring", "64MiB"}
                     : std::vector<std::string>{"--ring", "1MiB",          "--segment",
                                                "1MiB",   "--max-streams", "20100"};
  }

  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    client_ = std::make_unique<Client>(MakeClient(broker_.socket()));
    Batch batch;
    for (uint64_t revision = 1; revision <= kRevisions; ++revision) {
      for (uint64_t stream = 0; stream < streams_; ++stream) {
        const bool is_rare = (stream + revision) % 1000 == 0;
        batch.events.push_back({.stream = StreamName(stream),
                                .type = is_rare ? "rare" : "common",
                                .data = DataOf(stream, revision)});
        rare_ += is_rare ? 1 : 0;
        if (batch.events.size() == 1000) Submit(&batch);
      }
    }
    if (!batch.events.empty()) Submit(&batch);
    ASSERT_TRUE(client_->Flush().ok());
  }
  void Submit(Batch* batch) {
    const Status sent = client_->Submit(*batch, [](const Result<AppendResult>& result) {
      EXPECT_TRUE(result.ok()) << result.status().message();
    });
    ASSERT_TRUE(sent.ok()) << sent.message();
    batch->events.clear();
  }

  // The stream's events [first, first + count) as they were appended, in the order of the query.
  void ExpectRead(uint64_t stream, ReadQuery query, uint64_t first, uint64_t count) {
    query.filter.stream = StreamName(stream);
    const Status read = client_->Read(query, &page_);
    ASSERT_TRUE(read.ok()) << read.message();
    ASSERT_EQ(page_.size(), count) << "stream " << stream;
    for (uint64_t i = 0; i < count; ++i) {
      const bool forwards = query.order == Order::kOldestFirst;
      const uint64_t revision = forwards ? first + i : first + count - 1 - i;
      ASSERT_EQ(page_[i].stream, query.filter.stream);
      ASSERT_EQ(page_[i].revision, revision);
      ASSERT_EQ(page_[i].data, DataOf(stream, revision));
    }
  }
  void ExpectEveryWayOfReading(uint64_t stream) {
    ExpectRead(stream, {.limit = 10}, 1, kRevisions);
    ExpectRead(stream, {.limit = 10, .order = Order::kNewestFirst}, 1, kRevisions);
    ExpectRead(stream, {.limit = 3, .order = Order::kNewestFirst}, kRevisions - 2, 3);
    ExpectRead(stream, {.from_revision = 4, .limit = 3}, 4, 3);
    ExpectRead(stream, {.from_revision = 4, .limit = 10, .order = Order::kNewestFirst}, 1, 4);
  }

  const uint64_t streams_;
  uint64_t rare_ = 0;
  BrokerProcess broker_;
  std::unique_ptr<Client> client_;
  Page page_;
  std::mt19937_64 random_{17};
};

TEST_F(ManyStreamsTest, AreEachReadAsAppended) {
  for (int i = 0; i < 300; ++i)
    ASSERT_NO_FATAL_FAILURE(ExpectEveryWayOfReading(random_() % streams_));
  ASSERT_TRUE(broker_.Restart());
  client_ = std::make_unique<Client>(MakeClient(broker_.socket()));
  for (int i = 0; i < 300; ++i)
    ASSERT_NO_FATAL_FAILURE(ExpectEveryWayOfReading(random_() % streams_));
  // Each is where it was: the next event of one is its next revision.
  const uint64_t stream = random_() % streams_;
  const Result<AppendResult> next =
      client_->Append({.stream = StreamName(stream), .type = "common"}, kRevisions);
  ASSERT_TRUE(next.ok()) << next.status().message();
  EXPECT_TRUE(next->appended);
  EXPECT_EQ(next->revision, kRevisions + 1);
}

TEST_F(ManyStreamsTest, AreReadFromClosedSegmentsWithoutLookingThroughThem) {
  if (ReadSoFar().calls == 0) GTEST_SKIP() << "this kernel does not count what a thread reads";
  // The segments are opened once.
  for (uint64_t i = 0; i < 40; ++i) ExpectRead(i * streams_ / 40, {.limit = 10}, 1, kRevisions);
  constexpr uint64_t kReads = 200;
  for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
    const ReadCount before = ReadSoFar();
    for (uint64_t i = 0; i < kReads; ++i) {
      ASSERT_NO_FATAL_FAILURE(
          ExpectRead(random_() % streams_, {.limit = 10, .order = order}, 1, kRevisions));
    }
    const ReadCount after = ReadSoFar();
    // A KiB and a call an event; a segment may have been closed since, and is opened anew.
    EXPECT_LE((after.bytes - before.bytes) / kReads, 16u << 10);
    EXPECT_LE((after.calls - before.calls) / kReads, 15u);
  }
}

TEST_F(ManyStreamsTest, AreFilteredByTypeAndAgentOverTheWholeLog) {
  const uint64_t agents_own = streams_ * kRevisions;
  for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
    const std::vector<SeenEvent> rare =
        ReadAll(client_.get(), {.filter = {.types = {"rare"}}, .order = order});
    EXPECT_EQ(rare.size(), rare_);
    for (const SeenEvent& event : rare) ASSERT_EQ(event.type, "rare");
  }
  EXPECT_TRUE(ReadAll(client_.get(), {.filter = {.agent = "nobody"}}).empty());
  Result<Page> page = client_->Read({.filter = {.agent = "test"}, .limit = 1});
  ASSERT_TRUE(page.ok()) << page.status().message();
  EXPECT_EQ(page->size(), 1u);
  EXPECT_GE(page->head(), agents_own);
}

// ---- what a filter reads ----

TEST(FilteredScanTest, ReadsNoBodiesThatCannotMatch) {
  if (ReadSoFar().calls == 0) GTEST_SKIP() << "this kernel does not count what a thread reads";
  constexpr uint64_t kEvents = 400, kBodyBytes = 64 << 10;
  BrokerProcess broker({.arguments = {"--ring", "1MiB", "--segment", "4MiB"}});
  ASSERT_TRUE(broker.Start());
  Client client = MakeClient(broker.socket());
  for (uint64_t i = 0; i < kEvents; ++i) {
    const Result<AppendResult> appended =
        client.Append({.stream = "large",
                       .type = i == kEvents / 4 ? "wanted" : "unwanted",
                       .data = '"' + std::string(kBodyBytes, 'x') + '"'});
    ASSERT_TRUE(appended.ok()) << appended.status().message();
  }
  for (const Filter& filter : {Filter{.types = {"wanted"}}, Filter{.agent = "nobody"},
                               Filter{.stream = "large", .types = {"wanted"}}}) {
    for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
      const ReadQuery query{.filter = filter, .order = order};
      ReadAll(&client, query);  // the segments are opened once
      const ReadCount before = ReadSoFar();
      const std::vector<SeenEvent> found = ReadAll(&client, query);
      const ReadCount after = ReadSoFar();
      EXPECT_EQ(found.size(), filter.types.size());
      EXPECT_LT(after.bytes - before.bytes, kEvents * kBodyBytes / 8);
    }
  }
}

// ---- the limit ----

TEST(StreamsLimitTest, RefusesOneMoreAndSaysWhatToDo) {
  BrokerProcess broker({.arguments = {"--max-streams", "50"}});
  ASSERT_TRUE(broker.Start());
  Client client = MakeClient(broker.socket());
  Status refused;
  uint64_t made = 0;
  while (made < 100 && refused.ok()) {
    refused = client.Append({.stream = StreamName(made), .type = "t"}).status();
    if (refused.ok()) ++made;
  }
  EXPECT_EQ(refused.code(), StatusCode::kExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("50 streams"));
  EXPECT_THAT(refused.message(), HasSubstr("--max-streams"));
  EXPECT_GT(made, 40u);  // the broker has a few of its own

  // A batch is refused whole, and what exists goes on.
  Batch batch;
  batch.events.push_back({.stream = StreamName(0), .type = "t"});
  batch.events.push_back({.stream = "one more", .type = "t"});
  EXPECT_EQ(client.Append(batch).status().code(), StatusCode::kExhausted);
  const Result<AppendResult> known = client.Append({.stream = StreamName(0), .type = "t"}, 1);
  ASSERT_TRUE(known.ok()) << known.status().message();
  EXPECT_EQ(known->revision, 2u);

  // With more room it goes on where it was.
  broker.Terminate();
  broker.setup().arguments = {"--max-streams", "60"};
  ASSERT_TRUE(broker.Start());
  const Result<AppendResult> added = client.Append({.stream = "one more", .type = "t"});
  EXPECT_TRUE(added.ok()) << added.status().message();

  // With less it says so, and loses nothing.
  broker.Terminate();
  const Finished smaller = broker.RunAnother(
      {"--socket", broker.socket(), "--data", broker.data(), "--max-streams", "20"});
  EXPECT_EQ(smaller.ending.exit_status, 1);
  EXPECT_THAT(smaller.errors, HasSubstr("--max-streams"));
  ASSERT_TRUE(broker.Start());
  ASSERT_TRUE(client.Append({.stream = "one more", .type = "t"}, 1).ok());
}

}  // namespace
}  // namespace roost
