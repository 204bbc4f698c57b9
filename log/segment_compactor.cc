#include "log/segment_compactor.h"

#include <fcntl.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "base/own_file.h"
#include "log/file_io.h"
#include "log/segment_bytes.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/segment_scanner.h"

namespace roost {
namespace {

Bytes FrameBytes(const FrameHeader& frame) {
  return std::as_bytes(std::span<const FrameHeader, 1>(&frame, 1));
}

// A new file that takes the place of a segment, or goes again if it never does.
class Replacement {
 public:
  static Result<Replacement> Begin(const DataDirectory& directory) {
    // Of one that was killed.
    ROOST_RETURN_IF_ERROR(directory.RemoveLeftover(kCompactName));
    auto file = directory.OpenFile(kCompactName, O_RDWR | O_CREAT | O_EXCL);
    if (!file.ok()) return file.status();
    return Replacement(&directory, std::move(*file));
  }
  Replacement(Replacement&& other) noexcept
      : directory_(std::exchange(other.directory_, nullptr)), fd_(std::move(other.fd_)) {}
  ~Replacement() {
    if (directory_ == nullptr) return;
    // The next one removes it where this fails.
    [[maybe_unused]] const Status removed = directory_->Remove(kCompactName);
  }

  int fd() const { return fd_.get(); }
  std::string path() const { return directory_->PathOf(kCompactName); }

  Result<UniqueFd> Finish(const std::string& name) {
    ROOST_RETURN_IF_ERROR(SyncFile(fd_.get(), path()));
    ROOST_RETURN_IF_ERROR(directory_->Rename(kCompactName, name));
    const DataDirectory& directory = *std::exchange(directory_, nullptr);
    ROOST_RETURN_IF_ERROR(directory.Sync());
    return std::move(fd_);
  }

 private:
  Replacement(const DataDirectory* directory, UniqueFd fd)
      : directory_(directory), fd_(std::move(fd)) {}

  const DataDirectory* directory_;
  UniqueFd fd_;
};

// What is to be compressed, all of it checked.
struct Source {
  UniqueFd fd;
  std::string path;
  SegmentHeader header{};
  SegmentFooter footer{};
  std::vector<IndexEntry> index;
  uint64_t bytes = 0;
  uint64_t mark = 0;
};

// Damage must not be wrapped into frames whose checksums are right.
Status CheckRecords(const Source& source) {
  SegmentScanner scanner(source.fd.get(), source.path, source.header, source.footer.end_position);
  SegmentScanner::Outcome outcome = SegmentScanner::Outcome::kRecord;
  while (outcome == SegmentScanner::Outcome::kRecord) outcome = scanner.Next();
  if (outcome == SegmentScanner::Outcome::kError) return scanner.status();
  if (outcome == SegmentScanner::Outcome::kEnd && scanner.AtEnd()) return {};
  return {StatusCode::kCorruption,
          fmt::format("{} at offset {}: {}", source.path, scanner.OffsetOf(scanner.position()),
                      outcome == SegmentScanner::Outcome::kBad ? scanner.what()
                                                               : "zeros where a record must be")};
}

Result<Source> OpenSource(const DataDirectory& directory, const std::string& name) {
  Source source;
  source.path = directory.PathOf(name);
  auto file = directory.OpenFile(name, O_RDONLY);
  if (!file.ok()) return file.status();
  source.fd = std::move(*file);
  auto header = ReadSegmentHeader(source.fd.get(), source.path);
  if (!header.ok()) return header.status();
  source.header = *header;
  auto footer = ReadFooter(source.fd.get(), *header, source.path, &source.index);
  if (!footer.ok()) return footer.status();
  if (!*footer || IsCompressed(*header)) {
    return Status(StatusCode::kInvalidArgument,
                  source.path + " is no closed segment that could be compressed");
  }
  source.footer = **footer;
  auto size = FileSize(source.fd.get(), source.path);
  if (!size.ok()) return size.status();
  source.bytes = *size;
  auto mark = ReadSyncMark(source.fd.get(), *header, source.path);
  if (!mark.ok()) return mark.status();
  source.mark = *mark;
  ROOST_RETURN_IF_ERROR(CheckRecords(source));
  return source;
}

Status WriteHeaderPage(int fd, SegmentHeader header, uint32_t version, uint64_t mark,
                       const std::string& path) {
  const std::vector<std::byte> page(kSegmentHeaderBytes);
  ROOST_RETURN_IF_ERROR(WriteAt(fd, page, 0, path));
  header.version = version;
  ROOST_RETURN_IF_ERROR(WriteSegmentHeader(fd, header, path));
  return mark == header.base_position ? Status() : WriteSyncMark(fd, mark, header.running_s, path);
}

// Writes the frames, one after the other, from kSegmentHeaderBytes on.
class FrameWriter {
 public:
  FrameWriter(const Source* source, int fd, std::string path, int level)
      : source_(source),
        fd_(fd),
        path_(std::move(path)),
        context_(::ZSTD_createCCtx(), &::ZSTD_freeCCtx),
        plain_(kFrameBytes),
        packed_(::ZSTD_compressBound(kFrameBytes)),
        level_(level) {}

  Status Write() {
    if (context_ == nullptr) return Status::FromErrno(ENOMEM, "compress " + source_->path);
    auto bytes = SegmentBytes::Open(source_->fd.get(), source_->path, source_->header);
    if (!bytes.ok()) return bytes.status();
    const uint64_t end = source_->footer.end_position;
    for (uint64_t position = source_->header.base_position; position < end;
         position += kFrameBytes) {
      const auto plain = std::span(plain_).first(std::min(kFrameBytes, end - position));
      auto got = bytes->Read(plain, position);
      if (!got.ok()) return got.status();
      if (*got != plain.size()) return {StatusCode::kGone, source_->path + ": cut meanwhile"};
      ROOST_RETURN_IF_ERROR(WriteFrame(position, plain));
    }
    return {};
  }

  std::span<const uint64_t> offsets() const { return offsets_; }
  uint64_t end() const { return end_; }

 private:
  Status WriteFrame(uint64_t position, Bytes plain) {
    const size_t size = ::ZSTD_compressCCtx(context_.get(), packed_.data(), packed_.size(),
                                            plain.data(), plain.size(), level_);
    const bool smaller = ::ZSTD_isError(size) == 0 && size < plain.size();
    const Bytes stored = smaller ? Bytes(packed_).first(size) : plain;
    FrameHeader frame{};
    frame.position = position;
    frame.bytes = static_cast<uint32_t>(plain.size());
    frame.stored = static_cast<uint32_t>(stored.size());
    frame.crc32c = FrameChecksum(frame, stored);
    offsets_.push_back(end_);
    ROOST_RETURN_IF_ERROR(WriteAt(fd_, FrameBytes(frame), end_, path_));
    ROOST_RETURN_IF_ERROR(WriteAt(fd_, stored, end_ + sizeof(frame), path_));
    end_ += sizeof(frame) + stored.size();
    return {};
  }

  const Source* const source_;
  const int fd_;
  const std::string path_;
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
  std::vector<std::byte> plain_;
  std::vector<std::byte> packed_;
  const int level_;
  std::vector<uint64_t> offsets_;
  uint64_t end_ = kSegmentHeaderBytes;
};

// What was written must read as what it is to replace.
Status CompareWith(const Source& source, int fd, const std::string& path) {
  auto header = ReadSegmentHeader(fd, path);
  if (!header.ok()) return header.status();
  auto before = SegmentBytes::Open(source.fd.get(), source.path, source.header);
  if (!before.ok()) return before.status();
  auto after = SegmentBytes::Open(fd, path, *header);
  if (!after.ok()) return after.status();
  std::vector<std::byte> old_bytes(kFrameBytes);
  std::vector<std::byte> new_bytes(kFrameBytes);
  const uint64_t end = source.footer.end_position;
  bool same = after->end_position() == end;
  for (uint64_t position = source.header.base_position; same && position < end;
       position += kFrameBytes) {
    const uint64_t size = std::min(kFrameBytes, end - position);
    auto got = before->Read(std::span(old_bytes).first(size), position);
    if (!got.ok()) return got.status();
    auto unpacked = after->Read(std::span(new_bytes).first(size), position);
    if (!unpacked.ok()) return unpacked.status();
    same = *got == size && *unpacked == size &&
           std::equal(old_bytes.begin(), old_bytes.begin() + static_cast<ptrdiff_t>(size),
                      new_bytes.begin());
  }
  if (same) return {};
  return {StatusCode::kIoError, path + ": what was just written reads otherwise"};
}

}  // namespace

Result<CompactionPlan> PlanCompaction(const std::string& directory, uint64_t keep) {
  auto files = ListSegments(directory);
  if (!files.ok()) return files.status();
  CompactionPlan plan;
  std::vector<std::pair<std::string, bool>> closed;  // whether it is compressed
  for (const SegmentFile& file : *files) {
    const auto fd = OpenPlainFile(file.path, O_RDONLY);
    if (!fd.ok()) return fd.status();
    auto header = ReadSegmentHeader(fd->get(), file.path);
    if (header.status().code() == StatusCode::kCorruption ||
        header.status().code() == StatusCode::kGone) {
      continue;
    }
    if (!header.ok()) return header.status();
    auto footer = ReadFooter(fd->get(), *header, file.path);
    if (!footer.ok()) return footer.status();
    if (*footer) {
      closed.emplace_back(SegmentName(file.base_sequence), IsCompressed(*header));
    } else {
      ++plan.not_closed;
    }
  }
  const size_t left = closed.size() - std::min<uint64_t>(closed.size(), keep);
  for (size_t i = 0; i < closed.size(); ++i) {
    if (closed[i].second) {
      ++plan.compressed_already;
    } else if (i < left) {
      plan.names.push_back(closed[i].first);
    }
  }
  return plan;
}

Result<CompactionOutcome> CompactSegment(const DataDirectory& directory, const std::string& name,
                                         int level) {
  auto source = OpenSource(directory, name);
  if (!source.ok()) return source.status();
  auto replacement = Replacement::Begin(directory);
  if (!replacement.ok()) return replacement.status();
  const int fd = replacement->fd();
  const std::string path = replacement->path();
  ROOST_RETURN_IF_ERROR(
      WriteHeaderPage(fd, source->header, kCompressedSegmentVersion, source->mark, path));
  FrameWriter frames(&*source, fd, path, level);
  ROOST_RETURN_IF_ERROR(frames.Write());
  FrameTrailer trailer{};
  trailer.table_offset = frames.end();
  const auto behind = EncodeCompressedEnd(frames.offsets(), trailer, source->index, source->footer);
  ROOST_RETURN_IF_ERROR(WriteAt(fd, behind, frames.end(), path));

  CompactionOutcome outcome;
  outcome.bytes_before = source->bytes;
  outcome.bytes_after = frames.end() + behind.size();
  if (outcome.bytes_after >= outcome.bytes_before) {
    outcome.bytes_after = outcome.bytes_before;
    return outcome;
  }
  ROOST_RETURN_IF_ERROR(CompareWith(*source, fd, path));
  auto finished = replacement->Finish(name);
  if (!finished.ok()) return finished.status();
  outcome.compressed = true;
  return outcome;
}

Result<UniqueFd> ExpandSegment(const DataDirectory& directory, const std::string& name,
                               uint64_t end_position) {
  const std::string source = directory.PathOf(name);
  auto file = directory.OpenFile(name, O_RDONLY);
  if (!file.ok()) return file.status();
  auto header = ReadSegmentHeader(file->get(), source);
  if (!header.ok()) return header.status();
  auto bytes = SegmentBytes::Open(file->get(), source, *header);
  if (!bytes.ok()) return bytes.status();
  auto replacement = Replacement::Begin(directory);
  if (!replacement.ok()) return replacement.status();
  const int fd = replacement->fd();
  const std::string path = replacement->path();
  ROOST_RETURN_IF_ERROR(WriteHeaderPage(fd, *header, kSegmentVersion, end_position, path));
  std::vector<std::byte> buffer(kFrameBytes);
  for (uint64_t position = header->base_position; position < end_position;) {
    const auto part =
        std::span(buffer).first(std::min<uint64_t>(buffer.size(), end_position - position));
    auto got = bytes->ReadAround(part, position);
    if (!got.ok()) return got.status();
    if (*got == 0) return Status(StatusCode::kGone, source + ": cut");
    ROOST_RETURN_IF_ERROR(WriteAt(fd, part.first(*got), OffsetInSegment(*header, position), path));
    position += *got;
  }
  ROOST_RETURN_IF_ERROR(Preallocate(fd, header->size, path));
  return replacement->Finish(name);
}

}  // namespace roost
