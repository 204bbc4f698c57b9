// Who waits for whom when many large questions are asked, and how much is taken. Nothing is examined before Start, so
// the order is the same each time.
#include "broker/verdicts/examiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace roost {
namespace {

using ::testing::ElementsAre;
using Posted = Examiner::Posted;

constexpr size_t kLarge = 1 << 20;

std::unique_ptr<ExaminationJob> MakeJob(uint64_t id, uint32_t uid, uint64_t session, size_t bytes) {
  auto job = std::make_unique<ExaminationJob>();
  job->id = id;
  job->uid = uid;
  job->session = session;
  job->policy = Policy::None();
  for (size_t left = bytes; left > 0;) {
    const size_t piece = std::min<size_t>(left, 60'000);  // an input may have 64 KiB
    job->questions.push_back({"k", '"' + std::string(piece, 'x') + '"'});
    left -= piece;
  }
  return job;
}

std::vector<uint64_t> Order(ExaminationQueue& queue) {
  std::vector<uint64_t> ids;
  while (const auto job = queue.Next()) ids.push_back(job->id);
  return ids;
}

TEST(ExaminationQueueTest, TakesUsersInTurnAndTheirSessionsInTurn) {
  ExaminationQueue queue;
  // Of user 1 sessions 10 and 11, which asks three times; of user 2 the session 20.
  queue.Add(MakeJob(1, 1, 11, kLarge));
  queue.Add(MakeJob(2, 1, 11, kLarge));
  queue.Add(MakeJob(3, 1, 11, kLarge));
  queue.Add(MakeJob(4, 1, 10, kLarge));
  queue.Add(MakeJob(5, 2, 20, kLarge));
  queue.Add(MakeJob(6, 2, 20, kLarge));
  EXPECT_THAT(Order(queue), ElementsAre(4, 5, 1, 6, 2, 3));
}

TEST(ExaminationQueueTest, TakesSmallOnesFirstButNotForEver) {
  ExaminationQueue queue;
  queue.Add(MakeJob(1000, 1, 1, kLarge));
  queue.Add(MakeJob(1001, 1, 1, kLarge));
  for (uint64_t id = 0; id <= ExaminationQueue::kSmallInARowMax; ++id) {
    queue.Add(MakeJob(id, 2, 2, 100));
  }
  for (uint64_t id = 0; id < ExaminationQueue::kSmallInARowMax; ++id) {
    ASSERT_EQ(queue.Next()->id, id);
  }
  EXPECT_THAT(Order(queue), ElementsAre(1000, ExaminationQueue::kSmallInARowMax, 1001));
}

class ExaminerTest : public ::testing::Test {
 protected:
  // What of all that was posted is done, in its order.
  std::vector<uint64_t> Done(size_t count) {
    std::vector<uint64_t> ids;
    while (ids.size() < count) {
      pollfd polled{examiner_.fd(), POLLIN, 0};
      if (::poll(&polled, 1, 60'000) != 1) break;
      for (const auto& job : examiner_.TakeDone()) {
        EXPECT_TRUE(job->done.at(0).error.empty()) << job->done.at(0).error;
        ids.push_back(job->id);
      }
    }
    return ids;
  }

  Examiner examiner_;
};

TEST_F(ExaminerTest, LetsNobodyWaitForTheFloodOfAnotherUser) {
  const size_t flood = 14;
  for (uint64_t id = 1; id <= flood; ++id) {
    ASSERT_EQ(examiner_.Post(MakeJob(100 + id, 1, id, kLarge)), Posted::kTaken);
  }
  for (uint64_t id = 1; id <= 3; ++id) {
    ASSERT_EQ(examiner_.Post(MakeJob(id, 2, 50, 1000)), Posted::kTaken);
  }
  ASSERT_EQ(examiner_.Post(MakeJob(4, 3, 60, 10'000)), Posted::kTaken);
  examiner_.Start();
  const std::vector<uint64_t> done = Done(flood + 4);
  ASSERT_EQ(done.size(), flood + 4);
  EXPECT_THAT(std::vector(done.begin(), done.begin() + 5), ElementsAre(1, 2, 3, 101, 4));
}

TEST_F(ExaminerTest, TakesSoMuchOfOneUserAndStillMoreOfOthers) {
  uint64_t session = 0;
  const auto post = [&](uint32_t uid, size_t bytes) {
    ++session;
    return examiner_.Post(MakeJob(session, uid, session, bytes));
  };
  uint64_t bytes = 0;
  while (post(1, kLarge) == Posted::kTaken) bytes += kLarge;
  EXPECT_LE(bytes, Examiner::kBytesPerUserMax);
  EXPECT_GT(bytes, Examiner::kBytesPerUserMax / 2);
  EXPECT_EQ(post(1, kLarge), Posted::kTooMuchOfUser);
  EXPECT_EQ(post(1, 100), Posted::kTaken);
  EXPECT_EQ(post(2, kLarge), Posted::kTaken);
  // All that is done is free again.
  examiner_.Start();
  ASSERT_EQ(Done(bytes / kLarge + 2).size(), bytes / kLarge + 2);
  EXPECT_EQ(post(1, kLarge), Posted::kTaken);
}

TEST_F(ExaminerTest, TakesSoManyRequestsOfASessionAndOfAUser) {
  for (size_t i = 0; i < Examiner::kJobsPerSessionMax; ++i) {
    ASSERT_EQ(examiner_.Post(MakeJob(1, 1, 1, 10)), Posted::kTaken);
  }
  EXPECT_EQ(examiner_.Post(MakeJob(1, 1, 1, 10)), Posted::kTooMuchOfSession);
  for (size_t i = Examiner::kJobsPerSessionMax; i < Examiner::kJobsPerUserMax; ++i) {
    ASSERT_EQ(examiner_.Post(MakeJob(1, 1, i, 10)), Posted::kTaken);
  }
  EXPECT_EQ(examiner_.Post(MakeJob(1, 1, 0, 10)), Posted::kTooMuchOfUser);
  for (uint32_t uid = 2; uid < 2 + Examiner::kJobsMax / Examiner::kJobsPerUserMax - 1; ++uid) {
    for (size_t i = 0; i < Examiner::kJobsPerUserMax; ++i) {
      ASSERT_EQ(examiner_.Post(MakeJob(1, uid, uid * 1000 + i, 10)), Posted::kTaken);
    }
  }
  EXPECT_EQ(examiner_.Post(MakeJob(1, 99, 99, 10)), Posted::kTooMuch);
}

}  // namespace
}  // namespace roost
