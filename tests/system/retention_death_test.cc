// Old events are deleted under load, and the broker is killed again and again: what they came to stays. Readers are
// told of each gap, and of nothing else.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kRetainBytes = 512 << 10;

class RetentionDeathTest : public ::testing::Test {
 protected:
  RetentionDeathTest()
      : broker_({.arguments = {"--segment", "64KiB", "--ring", "64KiB", "--retain-bytes",
                               std::to_string(kRetainBytes)}}) {}

  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    client_ = std::make_unique<Client>(MakeClient(broker_.socket(), "holder"));
  }
  Client Another(const std::string& agent) { return MakeClient(broker_.socket(), agent); }

  // Appends until event `sequence`, which is there now, is gone.
  void AppendUntilGone(uint64_t sequence) {
    const uint64_t deadline = MonotonicNs() + 60 * kNsPerSecond;
    while (client_->Info()->oldest <= sequence) {
      ASSERT_LT(MonotonicNs(), deadline) << "nothing is deleted";
      Batch batch;
      for (int i = 0; i < 20; ++i) {
        batch.events.push_back({.stream = "load/" + std::to_string(number_++ % 7),
                                .type = "t",
                                .data = '"' + std::string(300, 'x') + '"'});
      }
      const auto appended = client_->Append(batch);
      ASSERT_TRUE(appended.ok()) << appended.status().message();
      // No faster than segments are closed on a slow disk: each that waits for it is an open file.
      while (JournalBytes() > 2 * kRetainBytes && MonotonicNs() < deadline) {
        std::this_thread::yield();
      }
    }
  }
  uint64_t JournalBytes() const {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(broker_.data())) {
      const auto extension = entry.path().extension();
      std::error_code gone;
      const uint64_t size = entry.file_size(gone);
      if (!gone && (extension == ".segment" || extension == ".checkpoint")) bytes += size;
    }
    return bytes;
  }
  static Finished RunRoost(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ProgramPath("roost"));
    return RunProgram({.arguments = std::move(arguments)});
  }
  void ExpectVerified() {
    const Finished verified = RunRoost({"verify", "--data", broker_.data()});
    EXPECT_EQ(verified.ending.exit_status, 0) << verified.output << verified.errors;
  }

  BrokerProcess broker_;
  std::unique_ptr<Client> client_;
  uint64_t number_ = 0;
};

TEST_F(RetentionDeathTest, KeepsWhatIsNeededOfDeletedEvents) {
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(client_->Append({.stream = "tasks", .type = "t", .data = std::to_string(i)}).ok());
  }
  const auto claimed = client_->Claim({.keys = {"file/a", "dir/*"}, .ttl = milliseconds(600'000)});
  ASSERT_TRUE(claimed.ok() && claimed->granted);
  const auto taken =
      client_->Take({.stream = "tasks", .group = "g", .max = 4, .lease = milliseconds(600'000)});
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(taken->items.size(), 4u);
  const std::vector<ItemToken> first = {taken->items[0].token};
  const std::vector<ItemToken> second = {taken->items[1].token};
  ASSERT_TRUE(client_->Settle(first, Outcome::kDone).ok());
  ASSERT_TRUE(client_->Settle(second, Outcome::kPark).ok());
  const std::vector<Question> question = {{.kind = "review", .input = R"({"n":1})"}};
  const auto asked = client_->Validate(question, milliseconds(0));
  ASSERT_TRUE(asked.ok() && asked->at(0).you_decide);
  ASSERT_TRUE(client_
                  ->Decide({.key = asked->at(0).key,
                            .token = {asked->at(0).token, 0},
                            .verdict = Verdict::kAllow,
                            .reason = "looked at it"})
                  ->recorded);
  Batch once;
  once.events.push_back({.stream = "once", .type = "t", .data = "1"});
  once.id = "only-once";
  const auto appended = client_->Append(once);
  ASSERT_TRUE(appended.ok());
  const uint64_t last = appended->first;

  for (int round = 0; round < 2; ++round) {
    AppendUntilGone(round == 0 ? last : client_->Info()->head);
    ASSERT_TRUE(broker_.Restart());
  }
  EXPECT_EQ(broker_.Errors().find("no old events are deleted"), std::string::npos)
      << broker_.Errors();

  // The claim: the holder still has it, nobody else gets it, and it can be released.
  Client other = Another("other");
  EXPECT_FALSE(other.Claim({.keys = {"dir/b"}})->granted);
  EXPECT_TRUE(*client_->Release(claimed->token));
  EXPECT_TRUE(other.Claim({.keys = {"file/a"}})->granted);
  // The group: held, settled and parked events as they were; what is gone and was nobody's is skipped.
  auto groups = client_->ListGroups("tasks");
  ASSERT_TRUE(groups.ok());
  ASSERT_EQ(groups->size(), 1u);
  EXPECT_EQ(groups->at(0).taken, 2u);
  EXPECT_EQ(groups->at(0).parked, 1u);
  EXPECT_EQ(groups->at(0).next, 5u);
  ASSERT_TRUE(client_->Append({.stream = "tasks", .type = "t", .data = "7"}).ok());
  const auto more = other.Take({.stream = "tasks", .group = "g", .max = 9});
  ASSERT_TRUE(more.ok());
  ASSERT_EQ(more->items.size(), 1u);
  EXPECT_EQ(more->items[0].revision, 7u) << "the stream's revision went on";
  const std::vector<ItemToken> third = {taken->items[2].token};
  EXPECT_TRUE(client_->Settle(third, Outcome::kDone)->at(0));
  const auto fresh = other.Take({.stream = "tasks", .group = "new", .max = 9});
  ASSERT_TRUE(fresh.ok() && fresh->items.size() == 1u);
  EXPECT_EQ(fresh->items[0].revision, 7u) << "the first that is there";
  const Finished parked = RunRoost({"parked", "tasks", "g", "--socket", broker_.socket()});
  EXPECT_NE(parked.output.find("not there any more"), std::string::npos) << parked.output;
  // The decision and the id.
  const auto again = other.Validate(question, milliseconds(0));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->at(0).verdict, Verdict::kAllow);
  EXPECT_EQ(again->at(0).reason, "looked at it");
  const auto repeated = client_->Append(once);
  ASSERT_TRUE(repeated.ok());
  EXPECT_TRUE(repeated->duplicate);
  EXPECT_EQ(repeated->first, last);
  client_.reset();
  broker_.Terminate();
  ExpectVerified();
}

TEST_F(RetentionDeathTest, TellsReadersWhichEventsAreGoneAndNothingElse) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> gaps{0};
  const auto follow = [&](const std::string& stream) {
    Client reader = Another("reader-" + stream);
    ReadQuery query;
    query.filter.stream = stream;
    query.limit = 20;
    Page page;
    // Again and again from the beginning, so that it is mostly among what is about to go.
    while (!stop.load()) {
      query.after = 0;
      uint64_t revision = 0;
      for (bool more = true; more && !stop.load(); more = page.more()) {
        const Status status = reader.Read(query, &page);
        if (!status.ok()) {
          ADD_FAILURE() << status.message();
          return;
        }
        if (page.gap().has_value()) {
          ++gaps;
          EXPECT_LT(page.gap()->last, page.gap()->oldest);
          EXPECT_LE(page.gap()->oldest, reader.Info()->head + 1);
        }
        for (size_t i = 0; i < page.size(); ++i) {
          EXPECT_GT(page[i].sequence, query.after);
          if (!stream.empty()) {
            EXPECT_EQ(page[i].stream, stream);
            EXPECT_TRUE(page[i].revision == revision + 1 || page.gap().has_value())
                << page[i].revision << " after " << revision;
            revision = page[i].revision;
          } else if (!page.gap().has_value()) {
            EXPECT_EQ(page[i].sequence, query.after + 1 + i);
          }
        }
        query.after = page.next();
      }
    }
  };
  AppendUntilGone(1);
  std::vector<std::thread> readers;
  for (const char* stream : {"", "load/3", "load/5"}) readers.emplace_back(follow, stream);
  for (int round = 0; round < 3; ++round) AppendUntilGone(client_->Info()->oldest + 1500);
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(gaps.load(), 0u);
  // The sweeper goes on until it is small enough.
  const uint64_t deadline = MonotonicNs() + 60 * kNsPerSecond;
  while (JournalBytes() > kRetainBytes + 2 * (64 << 10) && MonotonicNs() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_LE(JournalBytes(), kRetainBytes + 2 * (64 << 10)) << "next.segment is besides";
}

}  // namespace
}  // namespace roost
