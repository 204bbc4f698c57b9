#include "ipc/lane.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace roost {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

LaneIndices* IndicesOf(const Mapping& lane) {
  return reinterpret_cast<LaneIndices*>(lane.data() + kLaneIndicesOffset);
}
std::byte* RequestsOf(const Mapping& lane) { return lane.data() + kLaneQueuesOffset; }
std::byte* AnswersOf(const Mapping& lane) { return RequestsOf(lane) + kLaneRequestBytes; }

}  // namespace

// ---- producer ----

LaneOutcome LaneProducer::FindRoom(size_t need) {
  if (need <= size_ - (tail_ - head_)) return LaneOutcome::kDone;
  const uint64_t head = indices_->head.load(std::memory_order_acquire);  // P1
  // Between the one seen last and what was put.
  if (tail_ - head > tail_ - head_ || !IsAligned(head, 8)) return LaneOutcome::kBroken;
  head_ = head;
  return need <= size_ - (tail_ - head_) ? LaneOutcome::kDone : LaneOutcome::kNothing;
}

LaneOutcome LaneProducer::Put(Bytes message) {
  const size_t need = kLengthBytes + AlignUp(message.size(), 8);
  ROOST_CHECK(need <= size_, "a message of {} bytes", message.size());
  if (const LaneOutcome room = FindRoom(need); room != LaneOutcome::kDone) return room;
  // P2
  uint64_t place = tail_ % size_;
  StoreWordRelaxed(bytes_ + place, message.size());
  place = (place + kLengthBytes) % size_;
  const size_t whole = message.size() & ~size_t{7};
  const size_t before_end = std::min<size_t>(whole, size_ - place);
  CopyWordsToShared(bytes_ + place, message.data(), before_end);
  CopyWordsToShared(bytes_, message.data() + before_end, whole - before_end);
  if (whole < message.size()) {
    uint64_t last = 0;
    std::memcpy(&last, message.data() + whole, message.size() - whole);
    StoreWordRelaxed(bytes_ + (place + whole) % size_, last);
  }
  tail_ += need;
  return LaneOutcome::kDone;
}

bool LaneProducer::Publish() {
  if (published_ == tail_) return false;
  published_ = tail_;
  indices_->tail.store(tail_, std::memory_order_release);  // P3
  std::atomic_thread_fence(std::memory_order_seq_cst);     // P4
  if (indices_->asleep.load(std::memory_order_relaxed) == 0) return false;
  indices_->asleep.store(0, std::memory_order_relaxed);
  return true;
}

bool LaneProducer::IsTaken() const {
  return indices_->head.load(std::memory_order_acquire) == published_;
}

// ---- consumer ----

LaneOutcome LaneConsumer::Take(std::byte* buffer, size_t buffer_size, size_t* taken) {
  if (tail_ == head_) tail_ = indices_->tail.load(std::memory_order_acquire);  // C1
  const uint64_t there = tail_ - head_;
  if (there == 0) return LaneOutcome::kNothing;
  if (there > size_ || !IsAligned(there, 8)) return LaneOutcome::kBroken;
  // C2. What is there is kLengthBytes at least, since it is a multiple of 8.
  uint64_t place = head_ % size_;
  const uint64_t length = LoadWordRelaxed(bytes_ + place);
  if (length > buffer_size || AlignUp(length, 8) > there - kLengthBytes) return LaneOutcome::kBroken;
  place = (place + kLengthBytes) % size_;
  const size_t whole = length & ~uint64_t{7};
  const size_t before_end = std::min<size_t>(whole, size_ - place);
  CopyWordsFromShared(buffer, bytes_ + place, before_end);
  CopyWordsFromShared(buffer + before_end, bytes_, whole - before_end);
  if (whole < length) {
    const uint64_t last = LoadWordRelaxed(bytes_ + (place + whole) % size_);
    std::memcpy(buffer + whole, &last, length - whole);
  }
  head_ += kLengthBytes + AlignUp(length, 8);
  indices_->head.store(head_, std::memory_order_release);  // C3
  *taken = length;
  return LaneOutcome::kDone;
}

bool LaneConsumer::HasMore() {
  if (tail_ != head_) return true;
  tail_ = indices_->tail.load(std::memory_order_acquire);  // C1
  return tail_ != head_;
}

bool LaneConsumer::FallAsleep() {
  indices_->asleep.store(1, std::memory_order_relaxed);  // S1
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!HasMore()) return true;  // S2
  WakeUp();
  return false;
}

void LaneConsumer::WakeUp() { indices_->asleep.store(0, std::memory_order_relaxed); }

// ---- the memory ----

Result<MadeLane> MakeLane() {
  MadeLane lane;
  lane.fd.Reset(::memfd_create("roost-lane", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!lane.fd.valid()) return Status::FromErrno(errno, "make a memfd for a lane");
  if (::ftruncate(lane.fd.get(), kLaneBytes) != 0) {
    return Status::FromErrno(errno, "size the memfd of a lane");
  }
  if (::fcntl(lane.fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return Status::FromErrno(errno, "seal the memfd of a lane");
  }
  Result<Mapping> memory =
      Mapping::Map(lane.fd.get(), kLaneBytes, Mapping::Access::kReadWrite, "a lane");
  if (!memory.ok()) return memory.status();
  lane.memory = *std::move(memory);
  const LaneHeader header{kLaneMagic, kLaneVersion, kLaneRequestBytes, kLaneAnswerBytes};
  std::memcpy(lane.memory.data(), &header, sizeof(header));
  // The broker sleeps until it is told of the first request.
  IndicesOf(lane.memory)->requests.asleep.store(1, std::memory_order_relaxed);
  return lane;
}

Result<Mapping> OpenLane(const UniqueFd& fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "stat a lane");
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (info.st_size != kLaneBytes || seals < 0 || (seals & kSeals) != kSeals) {
    return {StatusCode::kCorruption, "what the broker sent is no lane: its size or its seals are wrong"};
  }
  Result<Mapping> memory = Mapping::Map(fd.get(), kLaneBytes, Mapping::Access::kReadWrite, "a lane");
  if (!memory.ok()) return memory.status();
  LaneHeader header;
  std::memcpy(&header, memory->data(), sizeof(header));
  if (header.magic != kLaneMagic || header.version != kLaneVersion ||
      header.request_bytes != kLaneRequestBytes || header.answer_bytes != kLaneAnswerBytes) {
    return {StatusCode::kCorruption, "what the broker sent is no lane of a version that is known here"};
  }
  return memory;
}

LaneProducer RequestProducer(const Mapping& lane) {
  return {&IndicesOf(lane)->requests, RequestsOf(lane), kLaneRequestBytes};
}
LaneConsumer RequestConsumer(const Mapping& lane) {
  return {&IndicesOf(lane)->requests, RequestsOf(lane), kLaneRequestBytes};
}
LaneProducer AnswerProducer(const Mapping& lane) {
  return {&IndicesOf(lane)->answers, AnswersOf(lane), kLaneAnswerBytes};
}
LaneConsumer AnswerConsumer(const Mapping& lane) {
  return {&IndicesOf(lane)->answers, AnswersOf(lane), kLaneAnswerBytes};
}

}  // namespace roost
