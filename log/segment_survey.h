// What the segments of a data directory say of themselves, before anybody looks at their records: for
// recovery and verification. Holds no descriptor: there may be more segments than a process may open.
//
// Functions of any thread.
#ifndef ROOST_LOG_SEGMENT_SURVEY_H_
#define ROOST_LOG_SEGMENT_SURVEY_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "log/segment_format.h"
#include "log/segment_reader.h"

namespace roost {

struct SurveyedSegment {
  std::string name;  // of the file
  std::string path;
  uint64_t name_sequence = 0;  // the one that it is named by
  uint64_t file_bytes = 0;
  bool has_lost_end = false;  // the trouble is a compressed one's footer alone
  Status trouble;         // why the header is not valid; then nothing below is known
  bool is_blank = false;  // the header page has no byte but zeros
  SegmentHeader header{};
  std::optional<SegmentFooter> footer;
  uint64_t mark = 0;  // base_position: nothing is known to be on the disk
  uint32_t running_s = 0;  // how long the log's brokers had run, as far as it knows

  bool has_mark() const { return mark != header.base_position; }
  // How far records may reach, by the file's size. REQUIRES: it is not compressed.
  // No segment is longer than kSegmentBytesMax, whatever the file is.
  uint64_t file_end() const {
    return header.base_position + std::min(file_bytes - kSegmentHeaderBytes, kSegmentBytesMax);
  }
};

Result<SurveyedSegment> SurveySegment(const SegmentFile& file);
// Oldest first, by name. A file that goes meanwhile is left out. kIoError, kPermissionDenied, kNotFound.
Result<std::vector<SurveyedSegment>> SurveySegments(const std::string& directory);

// Whether the segment is this log's and named by its base sequence.
Status CheckBelongs(const SurveyedSegment& segment, const uint8_t (&log_id)[16]);

// Whether a power cut may have taken something before these segments: none of them has a footer or a mark.
bool MayFollowAHole(std::span<const SurveyedSegment> later);

// Where the segments begin that a power cut has left of no use: the first blank one behind which none is
// known to have been on the disk. Their number if there is none.
size_t FirstOfBlankTail(std::span<const SurveyedSegment> segments);

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_SURVEY_H_
