// Reads the records of one segment from front to back, in large chunks: for recovery and verification,
// which look at every byte once. Reads the file as it is and takes nothing on trust.
//
// One thread. Keeps one buffer of kChunkBytes, or as large as the largest record.
#ifndef ROOST_LOG_SEGMENT_SCANNER_H_
#define ROOST_LOG_SEGMENT_SCANNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "log/record_format.h"
#include "log/segment_bytes.h"
#include "log/segment_format.h"

namespace roost {

class SegmentScanner {
 public:
  static constexpr size_t kChunkBytes = 1 << 20;

  // Scans [base_position, end_position); where the file ends sooner, up to there. `fd` is the caller's.
  SegmentScanner(int fd, std::string name, const SegmentHeader& header, uint64_t end_position);

  enum class Outcome {
    kRecord,
    kEnd,    // end_position, or only zeros where a header would be
    kBad,    // what is at position() is no sound record (rules 1 and 2); what() says why
    kError,  // the read failed; status()
  };
  // Goes on behind the last record.
  Outcome Next();

  // Of the last kRecord, until the next call; aligned to 8. Otherwise position() is where it stopped.
  const RecordHeader& record_header() const { return record_header_; }
  Bytes record() const { return record_; }
  Bytes body() const { return record_.subspan(kRecordHeaderBytes, record_header_.body_length); }
  uint64_t position() const { return position_; }
  const char* what() const { return what_; }
  // Of a kBad one: what its header claims if that satisfies rule 1, else kRecordAlignment.
  uint64_t bad_size() const { return bad_size_; }
  const Status& status() const { return status_; }
  // Where in the file the byte at `position` is.
  uint64_t OffsetOf(uint64_t position) const { return bytes_.OffsetOf(position); }

  // Next() looks at `position` next.
  void SeekTo(uint64_t position) { next_ = position; }
  void SeekToEnd() { next_ = end_position_; }
  // What is looked at next is read anew: whoever writes the file may have changed it.
  void Forget() { buffer_length_ = 0; }
  bool AtEnd() const { return next_ >= end_position_; }

  // The first place from `position` on where a sound record of an event above `sequence` begins.
  Result<std::optional<uint64_t>> FindRecord(uint64_t position, uint64_t sequence);
  // How many bytes from `position` on are up to the last one that is not zero.
  Result<uint64_t> LengthBehind(uint64_t position);

 private:
  // Has [position, position + size) in the buffer and returns it, or as much as there is.
  Bytes Load(uint64_t position, uint64_t size);
  Outcome Bad(const char* what, uint64_t size);

  SegmentBytes bytes_;
  uint64_t end_position_;
  uint64_t next_;

  std::vector<std::byte> buffer_;
  uint64_t buffer_position_ = 0;
  uint64_t buffer_length_ = 0;

  uint64_t position_ = 0;
  RecordHeader record_header_{};
  Bytes record_;
  const char* what_ = "";
  uint64_t bad_size_ = kRecordAlignment;
  Status status_;
};

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_SCANNER_H_
