#include "log/segment_salvage.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "log/record_format.h"
#include "log/segment_bytes.h"

namespace roost {

SegmentSalvage::SegmentSalvage(const SalvageSpec& spec)
    : spec_(spec),
      due_(spec.header.base_sequence),
      end_position_(spec.header.base_position),
      last_whole_(spec.header.base_sequence - 1) {}

Result<SegmentSalvage> SegmentSalvage::Look(const SalvageSpec& spec) {
  SegmentSalvage salvage(spec);
  ROOST_RETURN_IF_ERROR(salvage.Run());
  return salvage;
}

Status SegmentSalvage::Run() {
  if (!spec_.header_what.empty()) {
    lost_.push_back(
        {.file = spec_.name, .what = spec_.header_what, .first = due_, .last = due_ - 1});
  }
  SegmentScanner scanner(spec_.fd, spec_.name, spec_.header, spec_.end_position);
  while (!scanner.AtEnd()) {
    switch (scanner.Next()) {
      case SegmentScanner::Outcome::kError:
        return scanner.status();
      case SegmentScanner::Outcome::kEnd:
        ROOST_RETURN_IF_ERROR(PassDamage(&scanner, "zeros where a record must be"));
        break;
      case SegmentScanner::Outcome::kBad:
        ROOST_RETURN_IF_ERROR(PassDamage(&scanner, scanner.what()));
        break;
      case SegmentScanner::Outcome::kRecord: {
        const RecordHeader& record = scanner.record_header();
        const bool fits = record.sequence == (record.kind == RecordKind::kEvent ? due_ : due_ - 1);
        if (fits) {
          Take(record, scanner.position());
        } else {
          ROOST_RETURN_IF_ERROR(PassDamage(&scanner, "a record that does not belong here"));
        }
        break;
      }
    }
  }
  SettleEnd(end_position_, "the records end too soon");
  return {};
}

void SegmentSalvage::Take(const RecordHeader& record, uint64_t position) {
  end_position_ = position + record.size;
  if (record.kind != RecordKind::kEvent) return;
  if (is_new_run_ || (due_ - spec_.header.base_sequence) % kIndexStride == 0) {
    anchors_.push_back({due_, position});
  }
  is_new_run_ = false;
  if (record.batch_index + 1 == record.batch_count) last_whole_ = due_;
  ++due_;
}

void SegmentSalvage::Lose(uint64_t position, const std::string& what, uint64_t last) {
  lost_.push_back({.file = spec_.name,
                   .offset = OffsetOnDisk(spec_.name, spec_.header, position),
                   .what = what,
                   .first = due_,
                   .last = last});
  due_ = last + 1;
  is_new_run_ = true;
}

// The scanner is at something that is not the next record: goes on where there is one again, or to the end.
Status SegmentSalvage::PassDamage(SegmentScanner* scanner, const char* what) {
  const uint64_t position = scanner->position();
  const std::string why = what;
  uint64_t from = position + kRecordAlignment;
  if (scanner->record_header().sequence == due_) {
    // Behind the place that the record claims: its body may hold what looks like one.
    from = position + std::max(scanner->bad_size(), kRecordAlignment);
  }
  if (spec_.last_sequence == 0) {
    // Whoever writes it may have been in the midst of this record when it was read.
    SegmentScanner again(spec_.fd, spec_.name, spec_.header, spec_.end_position);
    again.SeekTo(position);
    if (again.Next() == SegmentScanner::Outcome::kRecord &&
        again.record_header().sequence == due_) {
      scanner->Forget();
      scanner->SeekTo(position);
      return {};
    }
  }
  auto found = FindNext(scanner, from);
  if (!found.ok()) return found.status();
  if (!*found) {
    scanner->SeekToEnd();
    SettleEnd(position, why.c_str());
    return {};
  }
  Lose(position, why, scanner->record_header().sequence - 1);
  scanner->SeekTo(scanner->position());
  return {};
}

// True: the scanner is at the next event.
Result<bool> SegmentSalvage::FindNext(SegmentScanner* scanner, uint64_t from) {
  auto length = scanner->LengthBehind(from);
  if (!length.ok()) return length.status();
  while (*length > 0) {
    auto found = scanner->FindRecord(from, due_ - 1);
    if (!found.ok()) return found.status();
    if (!*found) break;
    scanner->SeekTo(**found);
    if (scanner->Next() != SegmentScanner::Outcome::kRecord) break;
    const RecordHeader& record = scanner->record_header();
    const bool fits = spec_.last_sequence == 0 || record.sequence <= spec_.last_sequence;
    if (record.kind == RecordKind::kEvent && fits) return true;
    from = **found + kRecordAlignment;
  }
  if (!scanner->status().ok()) return scanner->status();
  return false;
}

// No event comes any more.
void SegmentSalvage::SettleEnd(uint64_t position, const char* what) {
  if (spec_.last_sequence == 0) {
    const bool is_interrupted_write = position >= spec_.mark;
    const bool is_known = !lost_.empty() && lost_.back().has_no_end;
    if (is_interrupted_write || is_known) return;
    Lose(position, what, due_ - 1);
    lost_.back().has_no_end = true;
  } else if (due_ <= spec_.last_sequence) {
    Lose(position, what, spec_.last_sequence);
    lost_.back().was_accepted = spec_.accepted_last == spec_.last_sequence;
  }
}

const LostStretch* SegmentSalvage::LossOf(uint64_t sequence) const {
  const auto stretch =
      std::find_if(lost_.begin(), lost_.end(), [sequence](const LostStretch& candidate) {
        return candidate.first <= sequence && sequence <= candidate.last;
      });
  return stretch == lost_.end() ? nullptr : &*stretch;
}

IndexEntry SegmentSalvage::AnchorOf(uint64_t sequence) const {
  const auto after = std::upper_bound(
      anchors_.begin(), anchors_.end(), sequence,
      [](uint64_t wanted, const IndexEntry& anchor) { return wanted < anchor.sequence; });
  return after == anchors_.begin() ? IndexEntry{0, 0} : *(after - 1);
}

}  // namespace roost
