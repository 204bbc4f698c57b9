#include "tools/batch_appender.h"

#include <fmt/core.h>

#include <utility>

namespace roost {

bool BatchAppender::Add(BatchLine line, uint64_t line_number) {
  // An id is a batch's: an event with one of its own goes alone.
  const bool alone = !line.id.empty();
  const uint64_t bytes = line.event.data.size();
  if (!batch_.events.empty() && (alone || batch_.events.size() >= options_.batch_events ||
                                 batch_bytes_ + bytes > kBatchBytes)) {
    if (!Send()) return false;
  }
  if (batch_.events.empty()) line_first_ = line_number;
  line_last_ = line_number;
  batch_bytes_ += bytes;
  batch_.events.push_back(std::move(line.event));
  if (alone) {
    batch_.id = std::move(line.id);
    return Send();
  }
  return fine();
}

bool BatchAppender::Send() {
  const bool first = batches_sent_++ == 0;
  if (first && options_.condition) batch_.conditions.push_back(*options_.condition);
  if (batch_.id.empty() && !options_.id.empty())
    batch_.id = fmt::format("{}.{}", options_.id, batches_sent_);
  const Status submitted = client_->Submit(
      batch_, [this, line_first = line_first_, line_last = line_last_](
                  const Result<AppendResult>& answer) { OnAnswer(answer, line_first, line_last); });
  if (!submitted.ok()) OnAnswer(submitted, line_first_, line_last_);
  batch_ = {};
  batch_bytes_ = 0;
  if (first && options_.condition && fine()) {
    if (const Status flushed = client_->Flush(); !flushed.ok())
      OnAnswer(flushed, line_first_, line_last_);
  }
  return fine();
}

uint64_t BatchAppender::DropUnsent(uint64_t otherwise) {
  const uint64_t line = batch_.events.empty() ? otherwise : line_first_;
  batch_ = {};
  batch_bytes_ = 0;
  return line;
}

const BatchAppender::Totals& BatchAppender::Finish() {
  if (fine() && !batch_.events.empty()) Send();
  if (const Status flushed = client_->Flush(); !flushed.ok())
    OnAnswer(flushed, line_first_, line_last_);
  return totals_;
}

void BatchAppender::OnAnswer(const Result<AppendResult>& answer, uint64_t line_first,
                             uint64_t line_last) {
  if (answer.ok() && answer->appended) {
    totals_.events += answer->count;
    totals_.batches += 1;
    totals_.duplicates += answer->duplicate ? 1 : 0;
    if (totals_.first == 0 || answer->first < totals_.first) totals_.first = answer->first;
    if (answer->sequence > totals_.last) totals_.last = answer->sequence;
    return;
  }
  if (!fine()) return;  // the first failure is the one to tell
  totals_.failed_line_first = line_first;
  totals_.failed_line_last = line_last;
  if (answer.ok()) {
    totals_.conflict = answer->conflict;
  } else {
    totals_.failure = answer.status();
  }
}

}  // namespace roost
