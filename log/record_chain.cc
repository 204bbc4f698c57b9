#include "log/record_chain.h"

#include <string_view>

#include "base/check.h"
#include "log/record.h"
#include "log/ring_format.h"

namespace roost {

void RecordChain::SkipTo(uint64_t sequence) {
  ROOST_CHECK(batch_is_complete());
  ROOST_CHECK(sequence >= state_.sequence, "{} after {}", sequence, state_.sequence);
  state_.sequence = sequence;
  state_.closed = false;
  ++gaps_;
}

void RecordChain::DropBatch() {
  if (batch_is_complete()) return;
  streams_->RollBackTo(0);
  state_ = before_batch_;
}

RecordChain::Knowledge RecordChain::Describe() const {
  ROOST_CHECK(batch_is_complete());
  Knowledge knowledge{state_.sequence, state_.closed, gaps_ > 0};
  if (gaps_ == 0) return knowledge;
  for (uint32_t id = 0; id < streams_->count(); ++id) knowledge.seen_since.push_back(!MaySkip(id));
  return knowledge;
}

void RecordChain::Resume(const Knowledge& knowledge) {
  ROOST_CHECK(batch_is_complete());
  state_ = State();
  state_.sequence = knowledge.sequence;
  state_.closed = knowledge.closed;
  gaps_ = knowledge.has_gaps ? 1 : 0;
  seen_.assign(knowledge.seen_since.begin(), knowledge.seen_since.end());
}

const char* RecordChain::CheckOrder(const RecordHeader& record) const {
  if (record.kind == RecordKind::kClose) {
    if (!batch_is_complete()) return "a closing mark within a batch";
    return record.sequence == state_.sequence ? nullptr : "a closing mark of another sequence";
  }
  if (record.sequence != state_.sequence + 1) return "the sequence does not follow the one before";
  if (record.batch_index >= record.batch_count)
    return "the batch has fewer events than this one's index";
  if (batch_is_complete()) {
    return record.batch_index == 0 ? nullptr : "the batch's first events are missing";
  }
  const bool continues = record.batch_count == state_.batch_count &&
                         record.batch_index == state_.batch_count - state_.batch_left;
  return continues ? nullptr : "the batch before is incomplete";
}

const char* RecordChain::Add(const RecordHeader& record, Bytes body, uint64_t position) {
  if (const char* wrong = CheckOrder(record)) return wrong;
  if (record.kind == RecordKind::kClose) {
    state_.closed = true;
    return nullptr;
  }
  const bool first = batch_is_complete();
  const size_t savepoint = streams_->Savepoint();
  ROOST_CHECK(!first || savepoint == 0, "{} changes before a batch", savepoint);
  if (const char* wrong = AddToStream(record, body, position)) {
    streams_->RollBackTo(savepoint);
    return wrong;
  }
  if (first) before_batch_ = state_;
  state_.closed = false;
  state_.sequence = record.sequence;
  state_.batch_count = record.batch_count;
  state_.batch_left = static_cast<uint16_t>(record.batch_count - record.batch_index - 1);
  if (batch_is_complete()) streams_->Accept();
  return nullptr;
}

// Whether events of the stream may be missing before the one at hand.
bool RecordChain::MaySkip(uint32_t stream) const {
  return gaps_ > 0 && (stream >= seen_.size() || seen_[stream] < gaps_);
}

void RecordChain::NoteSeen(uint32_t stream) {
  if (gaps_ == 0) return;
  if (seen_.size() <= stream) seen_.resize(stream + 1);
  seen_[stream] = gaps_;
}

const char* RecordChain::AddStream(const RecordHeader& record, Bytes body) {
  const wire::Event* event = DecodeEventBody(body);
  if (event == nullptr) return "the body is no event";
  const std::string_view name = event->stream()->string_view();
  if (name.empty() || name.size() > kStreamNameBytesMax)
    return "the stream's name is too short or long";
  if (streams_->Find(name) != kNoStream) return "the stream's name is that of another one";
  if (record.stream > streams_->count() && gaps_ == 0) return "the stream's id was never given";
  streams_->AddWithId(record.stream, name);
  return nullptr;
}

const char* RecordChain::AddToStream(const RecordHeader& record, Bytes body, uint64_t position) {
  if (record.stream >= streams_->streams_max()) return "there are more streams than --max-streams";
  const bool is_new = record.stream >= streams_->count() || streams_->Name(record.stream).empty();
  if (is_new) {
    if (const char* wrong = AddStream(record, body)) return wrong;
  }
  const StreamLinks links = streams_->NextLinks(record.stream);
  if (record.revision == links.revision && record.previous == links.previous) {
    // Behind a gap the jump's target may not be known.
    const bool unknown = gaps_ > 0 && links.jump == 0 && JumpRevision(record.revision) != 0;
    if (record.jump != links.jump && !(unknown && record.jump < position)) {
      return "the jump link is wrong";
    }
    streams_->Append(record.stream, position);
  } else if (MaySkip(record.stream) && record.revision >= links.revision &&
             record.previous < position && record.jump < position) {
    streams_->Restart(record.stream, record.revision, position, record.jump);
  } else {
    return record.revision == links.revision ? "the link to the stream's event before is wrong"
                                             : "the revision does not follow the stream's last one";
  }
  NoteSeen(record.stream);
  return nullptr;
}

}  // namespace roost
