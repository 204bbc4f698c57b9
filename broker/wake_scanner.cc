#include "broker/wake_scanner.h"

#include <algorithm>

namespace roost {

bool WakeScanner::Register(WaitRequest wait, std::vector<WaitRequest>* woken) {
  const WaitRequest compared = wait;
  const bool was_empty = registry_.empty();
  const bool replaced = registry_.Add(std::move(wait));
  // With nobody waiting no event was looked at.
  if (was_empty) scanned_ = std::max(scanned_, log_->head());
  Compare(compared, woken);
  return replaced;
}

void WakeScanner::Compare(const WaitRequest& wait, std::vector<WaitRequest>* woken) {
  // What comes after scanned_ is Scan()'s.
  if (wait.after >= scanned_) return;
  bool wake;
  if (wait.is_plain()) {
    wake = log_->LastSequenceOf(wait.stream) > wait.after;
  } else if (scanned_ - wait.after > kCompareMax) {
    wake = true;
  } else {
    wake = false;
    for (uint64_t sequence = wait.after + 1; sequence <= scanned_ && !wake; ++sequence) {
      RecordHeader header;
      if (log_->ReadHeader(sequence, &header) != RingReader::Outcome::kEvent) {
        wake = true;
        break;
      }
      const std::string_view name = log_->StreamName(header.stream);
      wake = wait.MatchesHeader(header) &&
             (wait.is_exact() ? name == wait.stream : name.starts_with(wait.stream_prefix));
    }
  }
  if (wake && registry_.Cancel(wait.socket.get(), wait.registration)) woken->push_back(wait);
}

void WakeScanner::Scan(std::vector<WaitRequest>* woken) {
  const uint64_t head = log_->head();
  if (head > scanned_ && !ScanUpTo(scanned_ + 1, head, woken)) {
    ++overtaken_;
    registry_.TakeAll(woken);
  }
  scanned_ = std::max(scanned_, head);
}

bool WakeScanner::ScanUpTo(uint64_t from, uint64_t to, std::vector<WaitRequest>* woken) {
  for (uint64_t sequence = from; sequence <= to && !registry_.empty(); ++sequence) {
    RecordHeader header;
    if (log_->ReadHeader(sequence, &header) != RingReader::Outcome::kEvent) return false;
    registry_.TakeMatching(header, log_->StreamName(header.stream), woken);
  }
  return true;
}

}  // namespace roost
