#include "client/page_builder.h"

#include <fmt/core.h>

#include <cstring>

#include "ipc/event_frame.h"
#include "log/record.h"

namespace roost {

void PageBuilder::Begin(Page* page, const ReadQuery& query, uint64_t head) {
  page_ = page;
  limit_ = query.limit;
  bytes_max_ = query.bytes_max;
  full_ = false;
  count_at_gap_ = 0;
  model_ = Model();
  patience_ = kPatience;
  Clear(page);
  page->head_ = head;
}

void PageBuilder::Clear(Page* page) {
  page->bytes_.clear();
  page->offsets_.clear();
  page->next_ = 0;
  page->head_ = 0;
  page->more_ = false;
  page->gap_.reset();
}

void PageBuilder::AppendEvent(const Page& from, size_t index, Page* to) {
  const std::span<const std::byte> record = from.record(index);
  to->offsets_.push_back(to->bytes_.size());
  to->bytes_.insert(to->bytes_.end(), record.begin(), record.end());
}

void PageBuilder::TakeMarks(const Page& from, Page* to) {
  to->next_ = from.next();
  to->head_ = from.head();
  to->more_ = from.more();
  if (!from.gap().has_value()) return;
  if (to->gap_.has_value()) {
    to->gap_->last = from.gap()->last;
    to->gap_->oldest = from.gap()->oldest;
  } else {
    to->gap_ = from.gap();
  }
}

ReadStep PageBuilder::Take(RecordSource* source, const EventFilter& filter, uint64_t sequence,
                           uint64_t position, bool of_stream, uint64_t* bytes) {
  std::vector<std::byte>& all = page_->bytes_;
  const size_t offset = all.size();
  const ReadStep step = source->RecordAt(position, &all);
  if (step != ReadStep::kOk) return step;
  *bytes = all.size() - offset;

  RecordHeader header;
  std::memcpy(&header, all.data() + offset, sizeof(header));
  const size_t body_offset = offset + kRecordHeaderBytes;
  const Bytes body = Bytes(all).subspan(body_offset, header.body_length);
  const bool is_event =
      header.kind == RecordKind::kEvent && header.sequence == sequence && sequence != 0;
  if (is_event && IsLikeTheModel(header, body)) {
    Accept(offset);
    return ReadStep::kOk;
  }
  const wire::Event* event = is_event ? DecodeEventBody(body) : nullptr;
  if (event == nullptr) {
    all.resize(offset);
    return source->Fail(StatusCode::kCorruption,
                        fmt::format("event {} at position {} is damaged", sequence, position));
  }
  if (of_stream && !filter.MatchesStream(event->stream()->string_view())) {
    all.resize(offset);
    return source->Fail(StatusCode::kCorruption,
                        fmt::format("a link of stream '{}' leads to event {}, which is of another",
                                    filter.stream(), sequence));
  }
  if (!filter.MatchesBody(*event)) {
    all.resize(offset);
    return ReadStep::kOk;
  }
  model_ = {body_offset, body.size(), 0, header.stream, header.type, header.agent};
  Accept(offset);
  return ReadStep::kOk;
}

void PageBuilder::Accept(size_t offset) {
  page_->offsets_.push_back(offset);
  full_ = count() >= limit_ || page_->bytes_.size() >= bytes_max_;
}

bool PageBuilder::IsLikeTheModel(const RecordHeader& header, Bytes body) {
  if (model_.body == 0 || patience_ == 0 || header.stream != model_.stream ||
      header.type != model_.type || header.agent != model_.agent) {
    return false;
  }
  const Bytes model = Bytes(page_->bytes_).subspan(model_.body, model_.body_bytes);
  if (model_.frame_bytes == 0) {
    model_.frame_bytes =
        EventFrameBytes(*wire::GetEvent(reinterpret_cast<const uint8_t*>(model.data())), model);
  }
  const bool is_like =
      model_.frame_bytes != 0 && HasEventFrame(body, model.first(model_.frame_bytes));
  patience_ = is_like ? kPatience : patience_ - 1;
  return is_like;
}

bool PageBuilder::NoteGap(uint64_t first, uint64_t last, uint64_t oldest) {
  if (!page_->gap_.has_value()) {
    page_->gap_ = Gap{first, last, oldest};
    count_at_gap_ = count();
    return true;
  }
  if (count_at_gap_ != count()) return false;
  page_->gap_->last = last;
  page_->gap_->oldest = oldest;
  return true;
}

void PageBuilder::Finish(uint64_t next, bool more) {
  page_->next_ = next;
  page_->more_ = more;
}

}  // namespace roost
