// A lane whose client goes on writing in it, every word, while the broker takes: what is used is what was checked, the broker
// looks nowhere else, and nobody else notices.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "base/crc32c.h"
#include "broker/logging.h"
#include "ipc/lane.h"
#include "tests/broker/polite_client.h"
#include "tests/broker/threadless_broker.h"

namespace roost {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr uint64_t kLaneTakes = 200'000;
#elif defined(ROOST_SANITIZED)
constexpr uint64_t kLaneTakes = 10'000'000;
#else
constexpr uint64_t kLaneTakes = 3'000'000;
#endif
constexpr uint64_t kHandled = 64;   // one of so many goes all the way
constexpr int kUses = 20;           // of what a careless broker has checked
constexpr uint64_t kPolite = 4096;  // takes between two requests of the polite client

// The hostile client's end: puts requests as it should, and has a thread that writes into the lane, mostly where the request is.
class FlippedLane {
 public:
  FlippedLane() {
    Result<MadeLane> made = MakeLane();
    ROOST_CHECK(made.ok(), "{}", made.status().message());
    Result<Mapping> opened = OpenLane(made->fd);
    ROOST_CHECK(opened.ok(), "{}", opened.status().message());
    broker_memory_ = std::move(made->memory);
    memory_ = *std::move(opened);
    Begin();
    writer_ = std::thread([this] { Write(); });
  }
  ~FlippedLane() {
    stop_.store(true, std::memory_order_relaxed);
    writer_.join();
  }

  void Put(Bytes request) {
    place_.store(put_ % kLaneRequestBytes, std::memory_order_relaxed);
    words_.store(request.size() / 8 + 1, std::memory_order_relaxed);
    if (producer_.Put(request) != LaneOutcome::kDone) return Begin();
    put_ += 8 + AlignUp(request.size(), 8);
    producer_.Publish();
  }
  LaneConsumer& broker_end() { return consumer_; }
  // What lies in the lane where the last request was put, as it must not be used: its length, and its words.
  uint64_t FetchLength() const { return LoadWordRelaxed(At(place_.load(std::memory_order_relaxed))); }
  void FetchMessage(std::vector<uint64_t>* words) const {
    uint64_t place = place_.load(std::memory_order_relaxed);
    for (uint64_t& word : *words) word = LoadWordRelaxed(At(place = (place + 8) % kLaneRequestBytes));
  }
  // As after a new connection.
  void Begin() {
    auto* indices = reinterpret_cast<LaneIndices*>(memory_.data() + kLaneIndicesOffset);
    for (auto* index : {&indices->requests.tail, &indices->requests.head, &indices->requests.asleep}) {
      index->store(0, std::memory_order_relaxed);
    }
    producer_ = RequestProducer(memory_);
    consumer_ = RequestConsumer(broker_memory_);
    put_ = 0;
  }

 private:
  const std::byte* At(uint64_t place) const {
    return broker_memory_.data() + kLaneQueuesOffset + place;
  }
  void Write() {
    std::mt19937_64 random(1);
    constexpr size_t kIndexWords = sizeof(LaneIndices) / 8;
    while (!stop_.load(std::memory_order_relaxed)) {
      const uint64_t draw = random();
      size_t offset;
      if (draw % 64 == 0) {
        offset = kLaneIndicesOffset + random() % kIndexWords * 8;
      } else if (draw % 64 == 1) {
        offset = random() % (kLaneBytes / 8) * 8;
      } else {
        const size_t word = random() % words_.load(std::memory_order_relaxed) * 8;
        offset = kLaneQueuesOffset + (place_.load(std::memory_order_relaxed) + word) % kLaneRequestBytes;
      }
      std::byte* const word = memory_.data() + offset;
      const uint64_t was = LoadWordRelaxed(word);
      const uint64_t flipped = draw % 5 == 0 ? random() : was ^ (uint64_t{1} << (draw >> 58));
      for (int i = 0; i < static_cast<int>(draw >> 32) % 32; ++i) StoreWordRelaxed(word, flipped);
      // What the two ends have written meanwhile may be lost, as it may be to any client's nonsense.
      StoreWordRelaxed(word, was);
    }
  }

  Mapping broker_memory_, memory_;
  LaneProducer producer_;
  LaneConsumer consumer_;
  uint64_t put_ = 0;
  std::atomic<uint64_t> place_{0};
  std::atomic<uint64_t> words_{1};
  std::atomic<bool> stop_{false};
  std::thread writer_;
};

Bytes HostileAppend(RequestEncoder* encoder) {
  encoder->BeginAppend();
  encoder->AddEvent({.stream = "flipped", .type = "t", .agent = "hostile", .data = "{}"});
  return encoder->FinishAppend(7);
}

TEST(FlippedLaneTest, HarmsNobodyElse) {
  SetLogLevel(LogLevel::kError);
  constexpr uint8_t kLogId[16] = {};
  const std::string path = ::testing::TempDir() + "/flipped_lane." + std::to_string(::getpid());
  Result<CountersWriter> counters = CountersWriter::Create(path, {kLogId, Durability::kMemory, ""});
  ASSERT_TRUE(counters.ok()) << counters.status().message();
  ThreadlessBroker broker(&*counters, 1 << 20);
  auto hostile = broker.Join("hostile", 1000);
  PoliteClient polite(&broker);
  FlippedLane lane;
  RequestEncoder encoder;
  const Bytes request = HostileAppend(&encoder);
  std::vector<uint64_t> buffer(kInlineRequestBytesMax / 8);
  auto* const bytes = reinterpret_cast<std::byte*>(buffer.data());
  uint64_t taken = 0, requests = 0, flipped = 0, broken = 0;
  while (taken + broken < kLaneTakes) {
    lane.Put(request);
    size_t size = 0;
    const LaneOutcome outcome = lane.broker_end().Take(bytes, buffer.size() * 8, &size);
    if (outcome == LaneOutcome::kNothing) continue;
    if (outcome == LaneOutcome::kBroken) {
      ++broken;
      lane.Begin();
      continue;
    }
    ASSERT_LE(size, buffer.size() * 8);
    if (++taken % kPolite == 0) {
      ASSERT_NO_FATAL_FAILURE(polite.AppendAndReadBack());
    }
    const Bytes copy(bytes, size);
    const uint32_t checksum = Crc32c(0, copy);
    const bool is_request = DecodeRequest(copy, 100) != nullptr;
    requests += is_request ? 1 : 0;
    if (is_request && (size != request.size() || std::memcmp(bytes, request.data(), size) != 0)) ++flipped;
    if (taken % kHandled == 0 && !broker.Handle(*hostile, copy)) {
      broker.Leave(*hostile);
      hostile = broker.Join("hostile", 1000);
    }
    ASSERT_EQ(Crc32c(0, copy), checksum) << "what was checked has changed";
    while (taken % kHandled == 0 && hostile->Receive() != nullptr) {
    }
  }
  // The thread was there.
  EXPECT_GT(broken, 0u);
  EXPECT_GT(flipped, 0u);
  EXPECT_LT(requests, taken);
  EXPECT_TRUE(polite.HasNothing());
  ::unlink(path.c_str());
}

// A length or a message that is checked and then fetched again is another one, sooner or later.
TEST(FlippedLaneTest, IsSeenToChangeByWhoeverFetchesItTwice) {
  FlippedLane lane;
  RequestEncoder encoder;
  const Bytes request = HostileAppend(&encoder);
  std::vector<uint64_t> copy(kInlineRequestBytesMax / 8), again(request.size() / 8);
  auto* const bytes = reinterpret_cast<std::byte*>(copy.data());
  bool length_changed = false, message_changed = false;
  for (uint64_t i = 0; i < 4 * kLaneTakes && !(length_changed && message_changed); ++i) {
    lane.Put(request);
    const uint64_t length = lane.FetchLength();
    size_t size = 0;
    const LaneOutcome outcome = lane.broker_end().Take(bytes, copy.size() * 8, &size);
    if (outcome == LaneOutcome::kBroken) lane.Begin();
    if (outcome != LaneOutcome::kDone || size != request.size()) continue;
    for (int use = 0; use < kUses && !(length_changed && message_changed); ++use) {
      length_changed = length_changed || lane.FetchLength() != length;
      lane.FetchMessage(&again);
      message_changed = message_changed || std::memcmp(again.data(), bytes, again.size() * 8) != 0;
    }
  }
  EXPECT_TRUE(length_changed);
  EXPECT_TRUE(message_changed);
}

}  // namespace
}  // namespace roost
