#include "client/batch_check.h"

#include <gtest/gtest.h>

#include <string>

namespace roost {
namespace {

class BatchCheckTest : public ::testing::Test {
 protected:
  BatchCheckTest() { batch_.events.push_back({.stream = "a", .type = "t", .data = "{}"}); }
  NewEvent& event() { return batch_.events[0]; }
  StatusCode Check() const { return CheckBatch(batch_, limits_).code(); }

  Batch batch_;
  BatchLimits limits_{
      .event_data_bytes_max = 1000, .batch_events_max = 10, .batch_bytes_max = 5000};
};

TEST_F(BatchCheckTest, AcceptsWhatIsAtTheLimits) {
  event().stream = std::string(255, 's');
  event().type = std::string(128, 't');
  event().correlation_id = event().causation_id = batch_.id = std::string(255, 'i');
  event().content_type = std::string(128, 'c');
  event().data = std::string(1000, 'd');
  batch_.conditions.push_back({"$agents", 3});
  EXPECT_EQ(Check(), StatusCode::kOk);
}

TEST_F(BatchCheckTest, RefusesWhatIsOverALimit) {
  for (std::string NewEvent::*member : {&NewEvent::stream, &NewEvent::type, &NewEvent::content_type,
                                        &NewEvent::correlation_id, &NewEvent::causation_id}) {
    const std::string before = event().*member;
    event().*member = std::string(256, 'x');
    EXPECT_EQ(Check(), StatusCode::kTooLarge);
    event().*member = before;
  }
  event().data = std::string(1001, 'd');
  EXPECT_EQ(Check(), StatusCode::kTooLarge);
  event().data.clear();
  batch_.events.resize(11, event());
  EXPECT_EQ(Check(), StatusCode::kTooLarge);
  event().data = std::string(900, 'd');
  batch_.events.resize(6, event());
  for (NewEvent& each : batch_.events) each.data = event().data;
  EXPECT_EQ(Check(), StatusCode::kTooLarge);
}

TEST_F(BatchCheckTest, RefusesNamesThatAreNone) {
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("\xff"),
                                 std::string("a\0b", 3), std::string("\u0085")}) {
    event().stream = bad;
    EXPECT_EQ(Check(), StatusCode::kInvalidArgument);
    event().stream = "a";
    event().type = bad;
    EXPECT_EQ(Check(), StatusCode::kInvalidArgument);
    event().type = "t";
  }
  batch_.id = "a\tb";
  EXPECT_EQ(Check(), StatusCode::kInvalidArgument);
}

TEST_F(BatchCheckTest, LooksAtEveryEventOfABatch) {
  batch_.events.push_back(event());
  batch_.events.push_back(event());
  batch_.events[1].stream = "b\n";
  EXPECT_EQ(Check(), StatusCode::kInvalidArgument);
  batch_.events[1].stream = "b";
  batch_.events[2].stream = "$x";
  EXPECT_EQ(Check(), StatusCode::kPermissionDenied);
}

TEST_F(BatchCheckTest, RefusesAnEmptyBatch) {
  batch_.events.clear();
  EXPECT_EQ(Check(), StatusCode::kInvalidArgument);
}

TEST_F(BatchCheckTest, RefusesAConditionWithoutStream) {
  batch_.conditions.push_back({"", 0});
  EXPECT_EQ(Check(), StatusCode::kInvalidArgument);
}

TEST(AgentLabelTest, IsPlainTextAndNotTheBrokers) {
  EXPECT_TRUE(CheckAgentLabel("planner").ok());
  EXPECT_FALSE(CheckAgentLabel("").ok());
  EXPECT_FALSE(CheckAgentLabel("$broker").ok());
  EXPECT_FALSE(CheckAgentLabel(std::string(129, 'x')).ok());
}

}  // namespace
}  // namespace roost
