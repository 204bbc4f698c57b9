#include "tests/log/disk_script.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

namespace roost {

std::string DiskScript::NextData(size_t size) {
  std::string data = fmt::format("event {} ", ++number_);
  for (size_t i = 0; data.size() < size; ++i) data += static_cast<char>('a' + (number_ + i) % 26);
  return data;
}

bool DiskScript::Open() {
  SeenEvents seen;
  auto log = LogWriter::Open(options_, "/tmp/test.sock", &seen, nullptr);
  status_ = log.status();
  if (!log.ok()) return false;
  log_ = std::move(*log);
  was_degraded_ = false;
  promise_.ExpectNothingLost(seen.events);
  // Whoever looks now sees these.
  promise_.acknowledged = std::move(seen.events);
  promise_.doubtful.clear();
  std::erase_if(promise_.batch_ends,
                [&](size_t end) { return end > promise_.acknowledged.size(); });
  if (options_.durability == Durability::kPower) promise_.lasting = promise_.acknowledged.size();
  return true;
}

bool DiskScript::Stage(const Batch& batch, std::vector<SeenEvent>* said) {
  std::vector<EventToStage> staged;
  std::map<std::string, uint64_t> left;
  for (const TestEvent& event : batch) {
    staged.push_back(event.Staged());
    ++left[event.stream];
  }
  BatchPlace place;
  const StageOutcome outcome =
      log_->Stage(staged, {.session = 7, .request = 8, .uid = 9, .time_ns = number_}, &place);
  EXPECT_EQ(outcome, StageOutcome::kStaged);
  for (const TestEvent& event : batch) {
    const auto* data = DecodeEventBody(event.body)->data();
    said->push_back({place.first++, log_->RevisionOf(event.stream) - --left[event.stream],
                     event.stream,
                     std::string(reinterpret_cast<const char*>(data->data()), data->size())});
  }
  promise_.batch_ends.insert(promise_.acknowledged.size() + said->size());
  return outcome == StageOutcome::kStaged;
}

void DiskScript::AppendTurn(const std::vector<Batch>& batches) {
  if (log_ == nullptr) return;
  if (was_degraded_) {
    BatchPlace place;
    const EventToStage staged = batches[0][0].Staged();
    EXPECT_EQ(log_->Stage(std::span(&staged, 1), {}, &place), StageOutcome::kStaged);
    EXPECT_FALSE(log_->Commit().ok()) << "a degraded log took something";
    return;
  }
  std::vector<SeenEvent> said;
  for (const Batch& batch : batches) {
    if (!Stage(batch, &said)) return;
  }
  promise_.doubtful = said;
  const Status status = log_->Commit();
  was_degraded_ = log_->degraded();
  if (status.ok()) {
    promise_.acknowledged.insert(promise_.acknowledged.end(), said.begin(), said.end());
    if (options_.durability == Durability::kPower) promise_.lasting = promise_.acknowledged.size();
  } else {
    EXPECT_EQ(was_degraded_, status.code() != StatusCode::kExhausted) << status.message();
  }
  // What is refused for want of room has never been.
  if (!was_degraded_) {
    promise_.doubtful.clear();
    std::erase_if(promise_.batch_ends,
                  [&](size_t end) { return end > promise_.acknowledged.size(); });
  }
}

void DiskScript::Sync() {
  if (log_ == nullptr) return;
  const Status status = log_->SyncJournal();
  if (status.ok()) promise_.lasting = promise_.acknowledged.size();
  was_degraded_ |= log_->degraded();
}

void DiskScript::Close() {
  if (log_ == nullptr) return;
  if (log_->Close().ok()) promise_.lasting = promise_.acknowledged.size();
  log_.reset();
}

// Goes over the end of a segment.
void DiskScript::Fill(size_t large) {
  for (size_t bytes = 0; bytes < options_.segment_bytes; bytes += large) {
    Append({TestEvent("large", NextData(large))});
    if (log_ == nullptr) return;
    if (const Status ignored = log_->MaintainJournal(); log_->degraded()) was_degraded_ = true;
  }
}

void DiskScript::Run(size_t large) {
  Open();
  Close();  // with nothing in it
  Open();
  AppendSmall("a");
  AppendSmall("b");
  Append(
      {TestEvent("a", NextData(700)), TestEvent("c", NextData(20)), TestEvent("a", NextData(1))});
  Sync();
  AppendSmall("c");
  AppendTurn({{TestEvent("c", NextData(30))},
              {TestEvent("d", NextData(300)), TestEvent("c", NextData(900))}});
  Append({TestEvent("b", NextData(9000)), TestEvent("b", NextData(100))});
  Kill();
  Open();
  AppendSmall("a");
  Fill(large);
  Sync();
  AppendSmall("b");
  AppendSmall("d");
  Close();
  Open();
  AppendSmall("a");
  Fill(large);
  AppendSmall("e");
  Kill();
  Open();
  AppendSmall("e");
  Sync();
  AppendSmall("a");
  Kill();
}

namespace {

uint64_t AddTo(uint64_t hash, const SeenEvent& event) {
  const std::hash<std::string> hash_of;
  for (const uint64_t part :
       {event.sequence, event.revision, uint64_t{hash_of(event.stream)}, uint64_t{hash_of(event.data)}}) {
    hash = (hash ^ part) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

uint64_t Promise::HashOf(const std::vector<SeenEvent>& events) {
  uint64_t hash = 0;
  for (const SeenEvent& event : events) hash = AddTo(hash, event);
  return hash;
}

std::vector<uint64_t> Promise::FrontHashes() const {
  std::vector<uint64_t> hashes = {0};
  for (const auto* events : {&acknowledged, &doubtful}) {
    for (const SeenEvent& event : *events) hashes.push_back(AddTo(hashes.back(), event));
  }
  return hashes;
}

void DiskScript::RunGrowing() {
  Open();
  Close();
  options_.segment_bytes *= 4;
  Open();
  Append({TestEvent("a", NextData(options_.segment_bytes / 4 - 4000))});
  AppendSmall("a");
  Kill();
  Open();
  AppendSmall("b");
  Kill();
}

std::string Promise::FirstDifference(const std::vector<SeenEvent>& found) const {
  for (size_t i = 0; i < found.size(); ++i) {
    const size_t behind = i - std::min(i, acknowledged.size());
    const bool is_known = i < acknowledged.size()
                              ? found[i] == acknowledged[i]
                              : behind < doubtful.size() && found[i] == doubtful[behind];
    if (!is_known) {
      return fmt::format("event {} is not the one that was appended: sequence {} of {}, {}", i + 1,
                         found[i].sequence, found[i].stream, found[i].data.substr(0, 20));
    }
  }
  return {};
}

void Promise::ExpectNothingLost(const std::vector<SeenEvent>& found) const {
  EXPECT_EQ(FirstDifference(found), "");
  EXPECT_GE(found.size(), acknowledged.size());
  EXPECT_TRUE(batch_ends.contains(found.size())) << found.size() << ": a part of a batch";
}

void Promise::ExpectNothingLastingLost(const std::vector<SeenEvent>& found) const {
  EXPECT_EQ(FirstDifference(found), "");
  EXPECT_GE(found.size(), lasting) << "of " << acknowledged.size();
  EXPECT_TRUE(batch_ends.contains(found.size())) << found.size() << ": a part of a batch";
}

}  // namespace roost
