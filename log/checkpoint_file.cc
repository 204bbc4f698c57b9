#include "log/checkpoint_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include <fmt/core.h>

#include "base/crc32c.h"
#include "base/own_file.h"
#include "log/file_io.h"
#include "log/record_format.h"
#include "log/sequence_name.h"

namespace roost {
namespace {

constexpr std::string_view kCheckpointSuffix = ".checkpoint";

Status Corrupt(std::string_view name, uint64_t offset, std::string_view what) {
  return {StatusCode::kCorruption, fmt::format("{} at offset {}: {}", name, offset, what)};
}

uint32_t HeaderChecksum(const CheckpointHeader& header, Bytes entries) {
  const Bytes before = std::as_bytes(std::span<const CheckpointHeader, 1>(&header, 1))
                           .first(offsetof(CheckpointHeader, crc32c));
  return Crc32c(Crc32c(0, before), entries);
}

bool IsKnown(SectionKind kind) {
  return kind >= SectionKind::kStreams && kind <= SectionKind::kQuestions;
}

// nullptr: they lie as they must.
const char* WrongInEntries(std::span<const CheckpointSection> entries, uint64_t begin,
                           uint64_t file_bytes) {
  uint32_t seen = 0;
  for (const CheckpointSection& entry : entries) {
    const uint32_t bit = uint32_t{1} << static_cast<uint32_t>(entry.kind);
    if ((seen & bit) != 0) return "a section is there twice";
    seen |= bit;
    if (entry.offset != begin || entry.length > file_bytes - begin) {
      return "a section is not where it can be";
    }
    begin += entry.length;
  }
  return begin == file_bytes ? nullptr : "there are bytes that belong to no section";
}

}  // namespace

std::string CheckpointName(uint64_t first_sequence) {
  return SequenceName(first_sequence, kCheckpointSuffix);
}

std::optional<uint64_t> ParseCheckpointName(std::string_view name) {
  return ParseSequenceName(name, kCheckpointSuffix);
}

const CheckpointView::Section* CheckpointView::Find(SectionKind kind) const {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [kind](const Section& one) { return one.kind == kind; });
  return found == sections.end() ? nullptr : &*found;
}

Result<CheckpointView> ParseCheckpoint(Bytes file, std::string_view name) {
  CheckpointView view;
  CheckpointHeader& header = view.header;
  if (file.size() < sizeof(header)) return Corrupt(name, 0, "too short for a checkpoint");
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.magic != kCheckpointMagic) return Corrupt(name, 0, "this is no checkpoint's magic");
  const uint64_t entries_bytes = header.section_count * sizeof(CheckpointSection);
  if (header.section_count > kCheckpointSectionsMax ||
      entries_bytes > file.size() - sizeof(header)) {
    return Corrupt(name, offsetof(CheckpointHeader, section_count),
                   "it can't have so many sections");
  }
  const Bytes entries = file.subspan(sizeof(header), entries_bytes);
  if (header.crc32c != HeaderChecksum(header, entries)) {
    return Corrupt(name, 0, "the header's checksum is wrong");
  }
  if (header.version != kCheckpointVersion) {
    return {StatusCode::kIncompatible,
            fmt::format("{}: checkpoint of version {}, this program reads {}", name, header.version,
                        kCheckpointVersion)};
  }
  if (header.file_bytes != file.size()) {
    return Corrupt(name, file.size(),
                   fmt::format("the file should have {} bytes", header.file_bytes));
  }
  if (header.first_sequence < 2 || header.first_position <= kFirstPosition ||
      !IsAligned(header.first_position, kRecordAlignment)) {
    return Corrupt(name, offsetof(CheckpointHeader, first_sequence),
                   "no event can follow it there");
  }
  std::vector<CheckpointSection> sections(header.section_count);
  std::copy(entries.begin(), entries.end(), std::as_writable_bytes(std::span(sections)).begin());
  for (const CheckpointSection& section : sections) {
    if (IsKnown(section.kind)) continue;
    return {StatusCode::kIncompatible,
            fmt::format("{}: it has a section of kind {}, which this program does not know", name,
                        static_cast<uint32_t>(section.kind))};
  }
  const uint64_t begin = sizeof(header) + entries_bytes;
  if (const char* wrong = WrongInEntries(sections, begin, file.size())) {
    return Corrupt(name, sizeof(header), wrong);
  }
  for (const CheckpointSection& section : sections) {
    const Bytes bytes = file.subspan(section.offset, section.length);
    if (Crc32c(0, bytes) != section.crc32c) {
      return Corrupt(name, section.offset, "the section's checksum is wrong");
    }
    view.sections.push_back({section.kind, section.offset, bytes});
  }
  return view;
}

std::vector<std::byte> MakeCheckpoint(CheckpointHeader header,
                                      const std::vector<StateSection>& sections) {
  std::vector<CheckpointSection> entries;
  uint64_t offset = sizeof(header) + sections.size() * sizeof(CheckpointSection);
  for (const StateSection& section : sections) {
    entries.push_back({section.kind, Crc32c(0, section.bytes), offset, section.bytes.size()});
    offset += section.bytes.size();
  }
  header.magic = kCheckpointMagic;
  header.version = kCheckpointVersion;
  header.section_count = static_cast<uint32_t>(sections.size());
  header.file_bytes = offset;
  header.reserved = 0;
  header.crc32c = HeaderChecksum(header, std::as_bytes(std::span(entries)));
  std::vector<std::byte> file;
  file.reserve(offset);
  const auto append = [&file](Bytes bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); };
  append(std::as_bytes(std::span<const CheckpointHeader, 1>(&header, 1)));
  append(std::as_bytes(std::span(entries)));
  for (const StateSection& section : sections) append(section.bytes);
  return file;
}

Status Checkpoint::Damaged(SectionKind kind) const {
  const CheckpointView::Section* section = view.Find(kind);
  return section == nullptr ? Corrupt(path, sizeof(CheckpointHeader), "a section is missing")
                            : Corrupt(path, section->offset, "what the section says can't be");
}

Result<Checkpoint> ReadCheckpoint(const std::string& directory, uint64_t first_sequence,
                                  const uint8_t* log_id) {
  Checkpoint checkpoint;
  checkpoint.path = directory + "/" + CheckpointName(first_sequence);
  const std::string& path = checkpoint.path;
  const auto fd = OpenPlainFile(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  auto size = FileSize(fd->get(), path);
  if (!size.ok()) return size.status();
  if (*size > kCheckpointBytesMax) return Corrupt(path, 0, "no checkpoint is as large as this");
  checkpoint.bytes.resize(*size);
  auto got = ReadAt(fd->get(), checkpoint.bytes, 0, path);
  if (!got.ok()) return got.status();
  checkpoint.bytes.resize(*got);
  auto view = ParseCheckpoint(checkpoint.bytes, path);
  if (!view.ok()) return view.status();
  checkpoint.view = std::move(*view);
  const CheckpointHeader& header = checkpoint.view.header;
  if (log_id != nullptr && std::memcmp(header.log_id, log_id, sizeof(header.log_id)) != 0) {
    return Corrupt(path, offsetof(CheckpointHeader, log_id), "it is another log's");
  }
  if (header.first_sequence != first_sequence) {
    return Corrupt(
        path, offsetof(CheckpointHeader, first_sequence),
        fmt::format("it ends before event {}, not before that of its name", header.first_sequence));
  }
  return checkpoint;
}

Result<std::vector<uint64_t>> ListCheckpoints(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), &::closedir);
  if (listing == nullptr) return Status::FromErrno(errno, "open directory " + directory);
  std::vector<uint64_t> sequences;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (const auto sequence = ParseCheckpointName(entry->d_name)) sequences.push_back(*sequence);
  }
  if (errno != 0) return Status::FromErrno(errno, "list directory " + directory);
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

Status WriteCheckpoint(const DataDirectory& directory, uint64_t first_sequence, Bytes file) {
  const std::string path = directory.PathOf(kNewCheckpointName);
  auto fd = directory.OpenFile(kNewCheckpointName, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd.ok()) return fd.status();
  Status status = WriteAt(fd->get(), file, 0, path);
  if (status.ok()) status = SyncFile(fd->get(), path);
  if (!status.ok()) {
    // A part of it may have been given room; others need it more.
    if (Status removed = directory.Remove(kNewCheckpointName); !removed.ok()) return removed;
    return status;
  }
  ROOST_RETURN_IF_ERROR(directory.Rename(kNewCheckpointName, CheckpointName(first_sequence)));
  return directory.Sync();
}

Status DeleteSegment(const DataDirectory& directory, std::string_view name) {
  auto fd = directory.OpenFile(name, O_WRONLY);
  if (fd.ok() && ::ftruncate(fd->get(), 0) != 0) {
    return Status::FromErrno(errno, "cut " + directory.PathOf(name));
  }
  if (!fd.ok() && fd.status().code() != StatusCode::kNotFound) return fd.status();
  return directory.Remove(name);
}

}  // namespace roost
