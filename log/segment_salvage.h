// What can still be read of a segment that has damage: which events are lost, and from where on the others
// follow each other. Made by looking at every byte of the file, for tools that read a data directory.
//
// An event counts as there when its record is sound (rules 1 and 2 of log/record_format.h) and its number
// fits between its neighbours'. Immutable after Look(); any thread.
// Memory: 16 bytes for each 64 events, and 100 for each place that is damaged.
#ifndef ROOST_LOG_SEGMENT_SALVAGE_H_
#define ROOST_LOG_SEGMENT_SALVAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "log/segment_format.h"
#include "log/segment_scanner.h"

namespace roost {

// Events that damage has taken.
struct LostStretch {
  std::string file;
  uint64_t offset = 0;  // where the damage begins
  std::string what;
  uint64_t first = 0;         // event
  uint64_t last = 0;          // first - 1: no event was there
  bool has_no_end = false;    // how many events were behind `first` is not known
  bool was_accepted = false;  // an operator has accepted it before, with --accept-damage
};

struct SalvageSpec {
  int fd = -1;  // open for reading, as long as Look() runs
  std::string name;
  SegmentHeader header{};   // where that of the file is damaged, one that fits its name
  std::string header_what;  // why it is damaged; empty: it is not
  uint64_t end_position = 0;
  uint64_t last_sequence =
      0;              // of the last event that must be there; 0: the newest segment, which is open
  uint64_t mark = 0;  // what is before it was on the disk
  uint64_t accepted_last = 0;  // lost_last of the footer
};

class SegmentSalvage {
 public:
  // The newest segment may be written meanwhile. kIoError.
  static Result<SegmentSalvage> Look(const SalvageSpec& spec);

  // By first event.
  const std::vector<LostStretch>& lost() const { return lost_; }
  // The stretch with this event, or nullptr.
  const LostStretch* LossOf(uint64_t sequence) const;
  // A known place of an event at or before this one, with no damage between them. REQUIRES: it is not lost.
  IndexEntry AnchorOf(uint64_t sequence) const;

  const SegmentHeader& header() const { return spec_.header; }
  uint64_t end_position() const { return end_position_; }  // of what is readable
  // The last event of a batch that is complete; base_sequence - 1: there is none.
  uint64_t last_whole() const { return last_whole_; }

 private:
  explicit SegmentSalvage(const SalvageSpec& spec);

  Status Run();
  Status PassDamage(SegmentScanner* scanner, const char* what);
  Result<bool> FindNext(SegmentScanner* scanner, uint64_t from);
  void Take(const RecordHeader& record, uint64_t position);
  void Lose(uint64_t position, const std::string& what, uint64_t last);
  void SettleEnd(uint64_t position, const char* what);

  const SalvageSpec spec_;
  std::vector<LostStretch> lost_;
  std::vector<IndexEntry> anchors_;
  uint64_t due_;  // the event that comes next
  bool is_new_run_ = true;
  uint64_t end_position_;
  uint64_t last_whole_;
};

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_SALVAGE_H_
