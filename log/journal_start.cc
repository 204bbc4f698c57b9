#include "log/journal_start.h"

#include <algorithm>

#include <fmt/core.h>

namespace roost {
namespace {

constexpr int kListsMax = 10;

// Whether the segment that begins with this event is there, and was not cut to be deleted.
bool HasSegment(std::span<const SurveyedSegment> segments, uint64_t sequence) {
  return std::any_of(segments.begin(), segments.end(), [&](const SurveyedSegment& segment) {
    return segment.name_sequence == sequence && segment.file_bytes > 0;
  });
}

Status NoStart(const std::string& directory, std::span<const SurveyedSegment> segments,
               const std::vector<DamagedCheckpoint>& damaged) {
  if (!damaged.empty()) return damaged.front().why;
  const SurveyedSegment& first = segments.front();
  return {StatusCode::kCorruption,
          fmt::format("{} at offset 0: events before {} are missing, and there is no checkpoint of "
                      "them in {}",
                      first.path, first.name_sequence, directory)};
}

}  // namespace

Result<JournalStart> FindJournalStart(const std::string& directory,
                                      std::span<const SurveyedSegment> segments,
                                      const uint8_t* log_id) {
  auto checkpoints = ListCheckpoints(directory);
  if (!checkpoints.ok()) return checkpoints.status();
  JournalStart start;
  int lists = 0;
  while (!checkpoints->empty() && !start.checkpoint) {
    const uint64_t sequence = checkpoints->back();
    checkpoints->pop_back();
    auto read = ReadCheckpoint(directory, sequence, log_id);
    if (read.status().code() == StatusCode::kNotFound && ++lists <= kListsMax) {
      // A broker that runs has deleted it, and has a newer one.
      checkpoints = ListCheckpoints(directory);
      if (!checkpoints.ok()) return checkpoints.status();
      start = JournalStart();
      continue;
    }
    if (read.status().code() == StatusCode::kCorruption) {
      start.damaged.push_back({sequence, read.status()});
    } else if (!read.ok()) {
      return read.status();
    } else if (start.damaged.empty() || HasSegment(segments, sequence)) {
      start.checkpoint = std::move(*read);
    } else {
      break;
    }
  }
  start.obsolete = std::move(*checkpoints);
  if (start.checkpoint) {
    start.segments_before = static_cast<size_t>(
        std::count_if(segments.begin(), segments.end(), [&](const SurveyedSegment& segment) {
          return segment.name_sequence < start.checkpoint->first_sequence();
        }));
    return start;
  }
  // Where there never was a checkpoint nothing was cut to be deleted: what is empty is a power cut's.
  const bool is_whole = start.damaged.empty()
                            ? segments.empty() || segments.front().name_sequence == 1
                            : HasSegment(segments, 1);
  if (!is_whole) {
    start.trouble = NoStart(directory, segments, start.damaged);
  }
  return start;
}

}  // namespace roost
