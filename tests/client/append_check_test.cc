#include "client/append_check.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/client/read_fixture.h"

namespace roost {
namespace {

using CheckVerdict = AppendCheck::Verdict;

class AppendCheckTest : public ReadFixture {
 protected:
  AppendCheckTest() {
    batch_.events = {{.stream = "a", .type = "t", .data = "1"},
                     {.stream = "b", .type = "t", .data = "2"}};
    batch_.conditions = {{"a", 1}};
    batch_.id = "id-1";
  }
  // As the broker would.
  void AppendBatch(const Batch& batch) {
    std::vector<TestEvent> bodies;
    std::vector<EventToStage> staged;
    for (const NewEvent& event : batch.events) {
      bodies.emplace_back(event.stream, event.data, event.type, "tester",
                          bodies.empty() ? batch.id : std::string());
    }
    for (const TestEvent& body : bodies) staged.push_back(body.Staged());
    BatchPlace place;
    ASSERT_EQ(log_->Stage(staged, {}, &place), StageOutcome::kStaged);
    ASSERT_TRUE(log_->Commit().ok());
  }
  CheckVerdict Check(const Batch& batch) {
    AppendCheck check(batch);
    Page page;
    while (true) {
      EXPECT_EQ(Run(check.query(), &page), LogReader::Step::kDone) << last_failure_.message();
      const CheckVerdict verdict = check.Take(page);
      if (verdict == CheckVerdict::kReadOn) continue;
      if (verdict == CheckVerdict::kBefore) result_ = check.result(77, Durability::kProcess);
      return verdict;
    }
  }

  Batch batch_;
  AppendResult result_;
};

TEST_F(AppendCheckTest, AppliesToWhatHasAnIdAndAConditionOnItsFirstStream) {
  EXPECT_TRUE(AppendCheck::Applies(batch_));
  batch_.conditions = {{"b", 1}};
  EXPECT_FALSE(AppendCheck::Applies(batch_));
  batch_.conditions = {{"a", 1}};
  batch_.id.clear();
  EXPECT_FALSE(AppendCheck::Applies(batch_));
}

TEST_F(AppendCheckTest, FindsTheSameBatchHoweverLongAgo) {
  Open();
  Append("a");
  AppendBatch(batch_);
  for (const int later : {0, 2000}) {
    Append("noise", later, 100);
    ASSERT_EQ(Check(batch_), CheckVerdict::kBefore) << later;
    EXPECT_TRUE(result_.appended);
    EXPECT_TRUE(result_.duplicate);
    EXPECT_EQ(result_.first, 2u);
    EXPECT_EQ(result_.sequence, 3u);
    EXPECT_EQ(result_.revision, 1u);
    EXPECT_EQ(result_.count, 2u);
    EXPECT_EQ(result_.head, 77u);
  }
}

TEST_F(AppendCheckTest, LetsAConflictWithAnotherEventStand) {
  Open();
  Append("a", 2);
  EXPECT_EQ(Check(batch_), CheckVerdict::kNotBefore);
}

TEST_F(AppendCheckTest, LetsAConflictWithAnEarlierRevisionStand) {
  Open();
  Append("a", 1);
  batch_.conditions[0].expect = 5;
  EXPECT_EQ(Check(batch_), CheckVerdict::kNotBefore);
}

TEST_F(AppendCheckTest, TellsThatTheIdWasUsedWithOtherContent) {
  Open();
  Append("a");
  AppendBatch(batch_);
  for (std::string NewEvent::*member :
       {&NewEvent::data, &NewEvent::type, &NewEvent::content_type}) {
    for (const size_t index : {0u, 1u}) {
      Batch other = batch_;
      other.events[index].*member += "x";
      EXPECT_EQ(Check(other), CheckVerdict::kIdReused);
    }
  }
  Batch shorter = batch_;
  shorter.events.pop_back();
  EXPECT_EQ(Check(shorter), CheckVerdict::kIdReused);
  Batch longer = batch_;
  longer.events.push_back(longer.events[1]);
  EXPECT_EQ(Check(longer), CheckVerdict::kIdReused);
}

}  // namespace
}  // namespace roost
