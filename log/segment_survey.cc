#include "log/segment_survey.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/own_file.h"
#include "base/unique_fd.h"
#include "log/file_io.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"

namespace roost {
namespace {

Result<bool> HeaderPageIsBlank(int fd, const std::string& path) {
  std::byte page[kSegmentHeaderBytes] = {};
  auto got = ReadAt(fd, page, 0, path);
  if (!got.ok()) return got.status();
  return std::all_of(std::begin(page), std::end(page),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

Result<SurveyedSegment> SurveySegment(const SegmentFile& file) {
  SurveyedSegment segment;
  segment.name = SegmentName(file.base_sequence);
  segment.path = file.path;
  segment.name_sequence = file.base_sequence;
  const auto opened = OpenPlainFile(file.path, O_RDONLY);
  if (!opened.ok()) return opened.status();
  const UniqueFd& fd = *opened;
  auto size = FileSize(fd.get(), file.path);
  if (!size.ok()) return size.status();
  segment.file_bytes = *size;

  auto header = ReadSegmentHeader(fd.get(), file.path);
  const StatusCode code = header.status().code();
  if (code == StatusCode::kCorruption || code == StatusCode::kIncompatible ||
      code == StatusCode::kGone) {
    segment.trouble = header.status();
    auto blank = HeaderPageIsBlank(fd.get(), file.path);
    if (!blank.ok()) return blank.status();
    segment.is_blank = *blank;
    return segment;
  }
  if (!header.ok()) return header.status();
  segment.header = *header;
  auto footer = ReadFooter(fd.get(), *header, file.path);
  if (!footer.ok()) return footer.status();
  segment.footer = *footer;
  if (IsCompressed(*header) && !*footer) {
    segment.has_lost_end = true;
    segment.trouble = {StatusCode::kCorruption,
                       fmt::format("{} at offset {}: the footer of a compressed segment is damaged",
                                   file.path, segment.file_bytes)};
    return segment;
  }
  auto mark = ReadSyncMark(fd.get(), *header, file.path, nullptr, &segment.running_s);
  if (!mark.ok()) return mark.status();
  segment.mark = *mark;
  return segment;
}

Result<std::vector<SurveyedSegment>> SurveySegments(const std::string& directory) {
  auto files = ListSegments(directory);
  if (!files.ok()) return files.status();
  std::vector<SurveyedSegment> segments;
  for (const SegmentFile& file : *files) {
    auto segment = SurveySegment(file);
    if (segment.status().code() == StatusCode::kNotFound) continue;
    if (!segment.ok()) return segment.status();
    segments.push_back(std::move(*segment));
  }
  return segments;
}

Status CheckBelongs(const SurveyedSegment& segment, const uint8_t (&log_id)[16]) {
  const auto corrupt = [&](size_t offset, const std::string& what) {
    return Status(StatusCode::kCorruption,
                  fmt::format("{} at offset {}: {}", segment.path, offset, what));
  };
  if (std::memcmp(segment.header.log_id, log_id, sizeof(log_id)) != 0) {
    return corrupt(offsetof(SegmentHeader, log_id), "it is another log's");
  }
  if (segment.header.base_sequence != segment.name_sequence) {
    return corrupt(offsetof(SegmentHeader, base_sequence),
                   fmt::format("it begins with event {}, not with that of its name",
                               segment.header.base_sequence));
  }
  return {};
}

bool MayFollowAHole(std::span<const SurveyedSegment> later) {
  return std::all_of(later.begin(), later.end(), [](const SurveyedSegment& segment) {
    return !segment.footer && !segment.has_mark();
  });
}

size_t FirstOfBlankTail(std::span<const SurveyedSegment> segments) {
  size_t first = segments.size();
  for (size_t index = segments.size(); index > 0; --index) {
    const SurveyedSegment& segment = segments[index - 1];
    if (segment.is_blank) {
      first = index - 1;
    } else if (!segment.trouble.ok() || segment.footer || segment.has_mark()) {
      break;
    }
  }
  return first;
}

}  // namespace roost
