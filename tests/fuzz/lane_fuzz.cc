// What the other side writes into a lane: any words as indices, lengths and messages, between what it puts there as it should, as the
// broker takes requests from it and as a client takes answers. Neither looks outside of its queue, takes more than its buffer
// has, or goes on after nonsense; and what was put in as it should be, with nothing else written, comes out the same.
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "base/check.h"
#include "broker/append_request.h"
#include "ipc/lane.h"
#include "ipc/messages.h"
#include "tests/fuzz/fuzz_input.h"

namespace roost {
namespace {

constexpr size_t kStepsMax = 256;

// The memory with nothing around it that could be read unnoticed.
struct Lane {
  Lane() {
    Result<MadeLane> made = MakeLane();
    ROOST_CHECK(made.ok(), "{}", made.status().message());
    fd = std::move(made->fd);
    memory = std::move(made->memory);
    ROOST_CHECK(OpenLane(fd).ok());
  }
  void Clear() {
    std::memset(memory.data() + kLaneIndicesOffset, 0, sizeof(LaneIndices));
    std::memset(memory.data() + kLaneQueuesOffset, 0, kCleared);
    std::memset(memory.data() + kLaneQueuesOffset + kLaneRequestBytes, 0, kCleared);
  }
  static constexpr size_t kCleared = 16 << 10;  // as far as an input comes, mostly

  UniqueFd fd;
  Mapping memory;
};

// One queue, its honest producer, and its consumer.
class Queue {
 public:
  Queue(const Mapping& memory, bool is_requests)
      : indices_(reinterpret_cast<LaneIndices*>(memory.data() + kLaneIndicesOffset)),
        own_(is_requests ? &indices_->requests : &indices_->answers),
        bytes_(memory.data() + kLaneQueuesOffset + (is_requests ? 0 : kLaneRequestBytes)),
        size_(is_requests ? kLaneRequestBytes : kLaneAnswerBytes),
        is_requests_(is_requests),
        producer_(is_requests ? RequestProducer(memory) : AnswerProducer(memory)),
        consumer_(is_requests ? RequestConsumer(memory) : AnswerConsumer(memory)),
        buffer_(is_requests ? kInlineRequestBytesMax / 8 : kLaneAnswerMax / 8) {}

  // Begins near the end of the queue, so that messages go over it.
  void StartAt(uint64_t index) {
    const std::string filler(4096, 'f');
    for (uint64_t at = 0; at + 4104 <= index; at += 4104) {
      Put(filler);
      Take();
    }
  }
  void Step(FuzzInput* input) {
    switch (input->Below(6)) {
      case 0:
        Put(input->Text());
        break;
      case 1:
        honest_ = false;
        (input->Flag() ? own_->tail : own_->head).store(Index(input), std::memory_order_relaxed);
        break;
      case 2:
        honest_ = false;
        StoreWordRelaxed(bytes_ + (at_ + input->Byte() * 8u) % size_, Index(input));
        break;
      case 3:
        if (consumer_.FallAsleep()) consumer_.WakeUp();
        break;
      default:
        Take();
    }
  }

 private:
  // Small, near what is true, or anything.
  uint64_t Index(FuzzInput* input) {
    const uint8_t choice = input->Byte();
    if (choice < 100) return choice;
    return choice < 200 ? at_ + choice * 8 - 1200 : input->Take<uint64_t>();
  }
  void Put(std::string_view text) {
    padded_.assign(AlignUp(text.size(), 8) / 8 + 1, 0);
    std::memcpy(padded_.data(), text.data(), text.size());
    if (producer_.Put(AsBytes({reinterpret_cast<const char*>(padded_.data()), text.size()})) !=
        LaneOutcome::kDone) {
      return;
    }
    producer_.Publish();
    if (honest_) put_.emplace_back(text);
  }
  void Take() {
    if (is_broken_) return;
    size_t size = 0;
    auto* const to = reinterpret_cast<std::byte*>(buffer_.data());
    const LaneOutcome outcome = consumer_.Take(to, buffer_.size() * 8, &size);
    if (honest_) {
      ROOST_CHECK((outcome == LaneOutcome::kDone) == !put_.empty());
    }
    is_broken_ = outcome == LaneOutcome::kBroken;
    if (outcome != LaneOutcome::kDone) return;
    ROOST_CHECK(size <= buffer_.size() * 8);
    at_ += 8 + AlignUp(size, 8);
    const Bytes message(to, size);
    if (honest_) {
      ROOST_CHECK(AsText(message) == put_.front());
      put_.pop_front();
    }
    if (is_requests_) {
      DecodeRequest(message, 1000);
    } else {
      DecodeReply(message);
    }
  }

  LaneIndices* const indices_;
  LaneQueueIndices* const own_;
  std::byte* const bytes_;
  const size_t size_;
  const bool is_requests_;
  LaneProducer producer_;
  LaneConsumer consumer_;
  std::vector<uint64_t> buffer_, padded_;
  std::deque<std::string> put_;
  uint64_t at_ = 0;
  bool honest_ = true;  // nothing was written but by the producer
  bool is_broken_ = false;
};

void Try(FuzzInput input) {
  static Lane lane;
  lane.Clear();
  const bool is_requests = input.Flag();
  Queue queue(lane.memory, is_requests);
  if (input.Below(8) == 0) queue.StartAt((is_requests ? kLaneRequestBytes : kLaneAnswerBytes) - 4096);
  for (size_t i = 0; i < kStepsMax && !input.empty(); ++i) queue.Step(&input);
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try(roost::FuzzInput(data, size));
  return 0;
}
