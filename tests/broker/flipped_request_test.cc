// Requests in memory that their client goes on writing while the broker takes them: what is used is what was checked,
// whoever writes what when, and nobody else notices.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/crc32c.h"
#include "broker/logging.h"
#include "tests/broker/polite_client.h"
#include "tests/broker/threadless_broker.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

constexpr uint64_t kNumber = 7;
constexpr uint64_t kTakes = 1'000'000;
constexpr uint64_t kTurn = 16;  // takes

std::vector<std::byte> AppendBytes(std::string_view agent, std::string_view data, uint64_t number) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({.stream = "flipped", .type = "t", .agent = agent, .data = data});
  encoder.AddCondition("flipped", 0);
  const Bytes bytes = encoder.FinishAppend(number);
  return {bytes.begin(), bytes.end()};
}

// A request in a memfd, and a thread that writes into it: lengths, offsets and numbers come and go, and so does the
// whole request.
class FlippedMemory {
 public:
  explicit FlippedMemory(std::vector<std::byte> request)
      : request_(std::move(request)), fd_(::memfd_create("request", MFD_CLOEXEC)) {
    ROOST_CHECK(::ftruncate(fd_.get(), static_cast<off_t>(words() * 8)) == 0);
    void* memory = ::mmap(nullptr, words() * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    ROOST_CHECK(memory != MAP_FAILED);
    words_ = static_cast<uint64_t*>(memory);
    for (size_t i = 0; i < words(); ++i) Store(i, Word(i));
    writer_ = std::thread([this] { Write(); });
  }
  ~FlippedMemory() {
    stop_.store(true, std::memory_order_relaxed);
    writer_.join();
    ::munmap(words_, words() * 8);
  }

  const UniqueFd& fd() const { return fd_; }
  uint64_t length() const { return request_.size(); }
  bool IsAsItWas(Bytes bytes) const {
    return bytes.size() == length() && std::memcmp(bytes.data(), request_.data(), length()) == 0;
  }

 private:
  size_t words() const { return AlignUp(request_.size(), 8) / 8; }
  uint64_t Word(size_t index) const {
    uint64_t word = 0;
    std::memcpy(&word, request_.data() + index * 8,
                std::min<size_t>(8, request_.size() - index * 8));
    return word;
  }
  void Store(size_t index, uint64_t word) {
    std::atomic_ref<uint64_t>(words_[index]).store(word, std::memory_order_relaxed);
  }
  void Write() {
    std::mt19937_64 random(1);
    while (!stop_.load(std::memory_order_relaxed)) {
      const size_t index = random() % words();
      uint64_t word = Word(index);
      auto* const bytes = reinterpret_cast<unsigned char*>(&word);
      bytes[random() % 8] = static_cast<unsigned char>(random());
      Store(index, word);
      // Long enough for a take to fall into it, short enough for one to begin before and end after.
      for (int i = 0; i < static_cast<int>(random() % 64); ++i) Store(index, word);
      Store(index, Word(index));
    }
  }

  const std::vector<std::byte> request_;
  UniqueFd fd_;
  uint64_t* words_ = nullptr;
  std::atomic<bool> stop_{false};
  std::thread writer_;
};

// What can come of taking requests from such memory.
struct Takes {
  uint64_t sound = 0;     // checked, and found to be requests
  uint64_t flipped = 0;   // of them, those that are not as the client made them first
  uint64_t refused = 0;   // checked, and found to be none
  uint64_t betrayed = 0;  // used bytes that are not those that were checked
};

// Takes requests through `Taker`, which has Read(fd, length) for the bytes that are checked and Use() for those that
// are used then.
template <typename Taker>
Takes TakeMany(const FlippedMemory& memory, uint64_t count, uint64_t betrayed_max) {
  Taker taker;
  Takes takes;
  for (uint64_t i = 0; i < count && takes.betrayed < betrayed_max; ++i) {
    const Bytes checked = taker.Read(memory.fd().get(), memory.length());
    const bool is_request = DecodeRequest(checked, 100) != nullptr;
    const uint32_t checksum = Crc32c(0, checked);
    const Bytes used = taker.Use();
    if (Crc32c(0, used) != checksum) ++takes.betrayed;
    ++(is_request ? takes.sound : takes.refused);
    if (is_request && !memory.IsAsItWas(used)) ++takes.flipped;
  }
  return takes;
}

// As the broker does it.
class TakesOnce {
 public:
  Bytes Read(int fd, uint64_t length) { return bytes_ = request_.Read(fd, length).value(); }
  Bytes Use() { return bytes_; }

 private:
  MemfdRequest request_;
  Bytes bytes_;
};

// As it must not be done: what was checked is fetched again to be used.
class TakesTwice {
 public:
  Bytes Read(int fd, uint64_t length) {
    fd_ = fd;
    return request_.Read(fd, length_ = length).value();
  }
  Bytes Use() { return request_.Read(fd_, length_).value(); }

 private:
  MemfdRequest request_;
  int fd_ = -1;
  uint64_t length_ = 0;
};

// Uses the client's memory itself.
class TakesNothing {
 public:
  Bytes Read(int fd, uint64_t length) {
    if (memory_ == nullptr) {
      memory_ = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
      ROOST_CHECK(memory_ != MAP_FAILED);
      copy_.resize(AlignUp(length, 8) / 8);
      length_ = length;
    }
    return Fetch();
  }
  Bytes Use() { return Fetch(); }

 private:
  // Through a copy, since reading it as a request at once may end anywhere.
  Bytes Fetch() {
    auto* const to = reinterpret_cast<std::byte*>(copy_.data());
    CopyWordsFromShared(to, static_cast<const std::byte*>(memory_), copy_.size() * 8);
    return {to, length_};
  }
  void* memory_ = nullptr;
  size_t length_ = 0;
  std::vector<uint64_t> copy_;
};

TEST(FlippedRequestTest, IsUsedAsItWasChecked) {
  FlippedMemory memory(AppendBytes("hostile", "{}", kNumber));
  const uint64_t count = Scaled({kTakes, kTakes / 2, kTakes / 10});
  const Takes takes = TakeMany<TakesOnce>(memory, count, UINT64_MAX);
  EXPECT_EQ(takes.betrayed, 0u);
  EXPECT_EQ(takes.sound + takes.refused, count);
  // The thread was there.
  EXPECT_GT(takes.flipped, 0u);
  EXPECT_GT(takes.refused, 0u);
}

TEST(FlippedRequestTest, IsSeenToChangeByWhoeverFetchesItTwice) {
  FlippedMemory memory(AppendBytes("hostile", "{}", kNumber));
  EXPECT_GT(TakeMany<TakesTwice>(memory, kTakes, 1).betrayed, 0u);
  EXPECT_GT(TakeMany<TakesNothing>(memory, kTakes, 1).betrayed, 0u);
}

// The whole way: from the message with the descriptor to the event in the log, beside a client that is polite.
TEST(FlippedRequestTest, HarmsNobodyElse) {
  SetLogLevel(LogLevel::kError);
  constexpr uint8_t kLogId[16] = {};
  const std::string path = ::testing::TempDir() + "/flipped_request." + std::to_string(::getpid());
  Result<CountersWriter> counters = CountersWriter::Create(path, {kLogId, Durability::kMemory, ""});
  ASSERT_TRUE(counters.ok()) << counters.status().message();
  ThreadlessBroker broker(&*counters, 1 << 20);
  auto hostile = broker.Join("hostile", 1000);
  PoliteClient polite(&broker);
  FlippedMemory memory(AppendBytes("hostile", "{}", kNumber));
  RequestEncoder encoder;
  const uint64_t takes = Scaled({kTakes, kTakes, kTakes / 10});
  uint64_t answers = 0;
  for (uint64_t i = 0; i < takes; ++i) {
    ASSERT_TRUE(broker.Handle(*hostile, encoder.InMemory(kNumber, memory.length()), memory.fd()));
    if (i % kTurn != 0) continue;
    ASSERT_NO_FATAL_FAILURE(polite.AppendAndReadBack());
    while (hostile->Receive() != nullptr) ++answers;
  }
  EXPECT_GT(answers, 0u);
  EXPECT_TRUE(polite.HasNothing());
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace roost
