// The queues of a lane: what is put in comes out once, whole and in order; nobody sleeps over a message; nonsense is noticed.
#include "ipc/lane.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace roost {
namespace {

class LaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<MadeLane> made = MakeLane();
    ASSERT_TRUE(made.ok()) << made.status().message();
    fd_ = std::move(made->fd);
    broker_ = std::move(made->memory);
    Result<Mapping> opened = OpenLane(fd_);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    client_ = *std::move(opened);
    producer_ = RequestProducer(client_);
    consumer_ = RequestConsumer(broker_);
  }

  LaneOutcome Put(const std::string& text) {
    padded_.assign(text.begin(), text.end());
    return producer_.Put(AsBytes({padded_.data(), text.size()}));
  }
  // "?": nothing. "!": broken.
  std::string Take() {
    size_t size = 0;
    switch (consumer_.Take(reinterpret_cast<std::byte*>(buffer_), sizeof(buffer_), &size)) {
      case LaneOutcome::kDone:
        return std::string(reinterpret_cast<const char*>(buffer_), size);
      case LaneOutcome::kNothing:
        return "?";
      case LaneOutcome::kBroken:
        break;
    }
    return "!";
  }
  LaneIndices& indices() {
    return *reinterpret_cast<LaneIndices*>(client_.data() + kLaneIndicesOffset);
  }
  void WriteWord(size_t place, uint64_t word) {
    std::memcpy(client_.data() + kLaneQueuesOffset + place, &word, sizeof(word));
  }

  UniqueFd fd_;
  Mapping broker_, client_;
  LaneProducer producer_;
  LaneConsumer consumer_;
  std::vector<char> padded_;
  alignas(8) uint64_t buffer_[kInlineRequestBytesMax / 8];
};

TEST_F(LaneTest, GivesMessagesOfAnyLengthBackAsTheyWere) {
  std::mt19937_64 random(1);
  for (size_t round = 0; round < 20'000; ++round) {
    std::string text(random() % 700, '\0');
    for (char& c : text) c = static_cast<char>(random());
    ASSERT_EQ(Put(text), LaneOutcome::kDone);
    EXPECT_EQ(Take(), "?") << "not published";
    producer_.Publish();
    ASSERT_EQ(Take(), text) << "round " << round;
  }
  EXPECT_TRUE(producer_.IsTaken());
}

TEST_F(LaneTest, TakesTheLargestOverItsEnd) {
  const std::string large(kInlineRequestBytesMax, 'x');
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Put(large), LaneOutcome::kDone);
    ASSERT_EQ(Put("y" + std::to_string(i)), LaneOutcome::kDone);
    producer_.Publish();
    ASSERT_EQ(Take(), large);
    ASSERT_EQ(Take(), "y" + std::to_string(i));
  }
}

TEST_F(LaneTest, HasNoRoomUntilSomethingWasTaken) {
  const std::string text(1000, 'x');
  size_t put = 0;
  while (Put(text) == LaneOutcome::kDone) ++put;
  EXPECT_EQ(put, kLaneRequestBytes / 1008);
  producer_.Publish();
  EXPECT_FALSE(producer_.IsTaken());
  EXPECT_EQ(Put(text), LaneOutcome::kNothing);
  EXPECT_EQ(Take(), text);
  EXPECT_EQ(Put(text), LaneOutcome::kDone);
}

TEST_F(LaneTest, RingsTheBellOnlyForWhoSleeps) {
  EXPECT_FALSE(producer_.Publish()) << "there is nothing";
  Put("first");
  EXPECT_TRUE(producer_.Publish()) << "a broker sleeps until it has heard of a lane";
  Put("second");
  EXPECT_FALSE(producer_.Publish()) << "it was told";
  EXPECT_FALSE(consumer_.FallAsleep()) << "there is something";
  EXPECT_EQ(Take(), "first");
  EXPECT_EQ(Take(), "second");
  EXPECT_TRUE(consumer_.FallAsleep());
  consumer_.WakeUp();
  Put("third");
  EXPECT_FALSE(producer_.Publish());
  EXPECT_EQ(Take(), "third");
  EXPECT_TRUE(consumer_.FallAsleep());
  Put("fourth");
  EXPECT_TRUE(producer_.Publish());
}

TEST_F(LaneTest, NoticesNonsenseOfTheProducer) {
  const struct {
    uint64_t tail, length;
  } kNonsense[] = {{kLaneRequestBytes + 8, 0}, {7, 0},   {UINT64_MAX, 0},  {UINT64_MAX - 7, 0}, {8, 1},
                   {16, 9},                    {16, 17}, {16, UINT64_MAX}, {16, UINT64_MAX - 7},
                   {kLaneRequestBytes, kInlineRequestBytesMax + 1}};
  for (const auto& nonsense : kNonsense) {
    WriteWord(0, nonsense.length);
    indices().requests.tail.store(nonsense.tail, std::memory_order_release);
    consumer_ = RequestConsumer(broker_);
    EXPECT_EQ(Take(), "!") << nonsense.tail << ' ' << nonsense.length;
  }
}

TEST_F(LaneTest, NoticesNonsenseOfTheConsumer) {
  for (const uint64_t head : {uint64_t{8}, uint64_t{3}, UINT64_MAX - 15, uint64_t{kLaneRequestBytes}}) {
    producer_ = RequestProducer(client_);
    while (Put(std::string(8000, 'x')) == LaneOutcome::kDone) {
    }
    indices().requests.head.store(head == kLaneRequestBytes ? 2 * head : head,
                                  std::memory_order_release);
    const LaneOutcome outcome = Put(std::string(60'000, 'x'));
    // A head that it could have is no nonsense, and gives no room that there is not.
    EXPECT_EQ(outcome, head == 8 ? LaneOutcome::kNothing : LaneOutcome::kBroken) << head;
    indices().requests.head.store(0, std::memory_order_release);
  }
}

TEST_F(LaneTest, IsNoneWithoutItsSealsItsSizeOrItsHeader) {
  const UniqueFd unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), kLaneBytes), 0);
  EXPECT_EQ(OpenLane(unsealed).status().code(), StatusCode::kCorruption);
  const UniqueFd small(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(small.get(), 4096), 0);
  EXPECT_EQ(OpenLane(small).status().code(), StatusCode::kCorruption);
  ASSERT_EQ(::fcntl(unsealed.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  EXPECT_EQ(OpenLane(unsealed).status().code(), StatusCode::kCorruption) << "no header";
}

TEST_F(LaneTest, CantBeCutOrSealedByWhoHasIt) {
  EXPECT_NE(::ftruncate(fd_.get(), 0), 0);
  EXPECT_NE(::ftruncate(fd_.get(), 2 * kLaneBytes), 0);
  EXPECT_NE(::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

// Both ends sleep whenever they can; a lost wake-up would be for ever.
TEST_F(LaneTest, LosesNothingBetweenTwoThreadsThatSleep) {
#ifdef ROOST_SANITIZED
  constexpr uint64_t kMessages = 50'000;
#else
  constexpr uint64_t kMessages = 300'000;
#endif
  const UniqueFd bell(::eventfd(0, EFD_CLOEXEC));
  LaneProducer requests = RequestProducer(client_);
  std::thread thread([&] {
    std::mt19937_64 random(2);
    uint64_t words[64] = {};
    for (uint64_t i = 0; i < kMessages; ++i) {
      words[0] = i;
      const size_t size = 8 + random() % (sizeof(words) - 8);
      const Bytes message = std::as_bytes(std::span(words)).first(size);
      while (requests.Put(message) == LaneOutcome::kNothing) std::this_thread::yield();
      if (random() % 3 != 0 && i + 1 < kMessages) continue;
      const uint64_t one = 1;
      if (requests.Publish()) {
        ASSERT_EQ(::write(bell.get(), &one, sizeof(one)), 8);
      }
    }
  });
  uint64_t next = 0;
  size_t naps = 0;
  while (next < kMessages) {
    size_t size = 0;
    const LaneOutcome outcome =
        consumer_.Take(reinterpret_cast<std::byte*>(buffer_), sizeof(buffer_), &size);
    ASSERT_NE(outcome, LaneOutcome::kBroken);
    if (outcome == LaneOutcome::kDone) {
      ASSERT_EQ(buffer_[0], next);
      ++next;
    } else if (consumer_.FallAsleep()) {
      ++naps;
      pollfd polled{bell.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&polled, 1, 20'000), 1) << "asleep before message " << next;
      uint64_t rung;
      ASSERT_EQ(::read(bell.get(), &rung, sizeof(rung)), 8);
      consumer_.WakeUp();
    }
  }
  thread.join();
  EXPECT_GT(naps, 0U);
  EXPECT_EQ(Take(), "?");
}

}  // namespace
}  // namespace roost
