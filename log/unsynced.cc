#include "log/unsynced.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "log/file_io.h"
#include "log/segment_file.h"

namespace roost {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

Status WriteAgain(int fd, uint64_t from, uint64_t to, const std::string& path) {
  std::vector<std::byte> buffer(std::min<uint64_t>(kChunkBytes, to - from));
  while (from < to) {
    const std::span part = std::span(buffer).first(std::min<uint64_t>(buffer.size(), to - from));
    auto got = ReadAt(fd, part, from, path);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    ROOST_RETURN_IF_ERROR(WriteAt(fd, part.first(*got), from, path));
    from += *got;
  }
  return {};
}

}  // namespace

Status WriteUnsyncedAgain(const DataDirectory& directory,
                          std::span<const JournalSegment> segments) {
  for (size_t left = segments.size(); left > 0; --left) {
    const JournalSegment& segment = segments[left - 1];
    const std::string path = directory.PathOf(segment.name);
    UniqueFd closed;
    if (segment.open == nullptr) {
      auto file = directory.OpenFile(segment.name, O_RDWR);
      if (!file.ok()) return file.status();
      closed = std::move(*file);
    }
    const int fd = segment.open != nullptr ? segment.open->fd() : closed.get();
    auto mark = ReadSyncMark(fd, segment.header, path);
    if (!mark.ok()) return mark.status();
    const bool has_mark = *mark != segment.header.base_position;
    const uint64_t from = has_mark ? OffsetInSegment(segment.header, *mark) : 0;
    const uint64_t to = segment.open != nullptr
                            ? OffsetInSegment(segment.header, segment.open->end_position())
                            : segment.bytes;
    if (from < to) {
      ROOST_RETURN_IF_ERROR(WriteAgain(fd, from, to, path));
      if (closed.valid()) ROOST_RETURN_IF_ERROR(SyncFile(fd, path));
    }
    if (has_mark) return {};
  }
  return {};
}

}  // namespace roost
