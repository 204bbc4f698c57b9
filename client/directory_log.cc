#include "client/directory_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/own_file.h"
#include "base/unique_fd.h"
#include "log/file_io.h"
#include "log/segment_bytes.h"
#include "log/segment_file.h"

namespace roost {
namespace {

Result<UniqueFd> OpenFile(const std::string& path) {
  return OpenPlainFile(path, O_RDONLY);
}

Result<SegmentReader> OpenSegment(const SegmentFile& file) {
  auto fd = OpenFile(file.path);
  if (!fd.ok()) return fd.status();
  auto reader = SegmentReader::Open(std::move(*fd), file.path);
  if (reader.ok() && reader->base_sequence() != file.base_sequence) {
    return Status(
        StatusCode::kCorruption,
        fmt::format("{} at offset {}: it begins with event {}, not with that of its name",
                    file.path, offsetof(SegmentHeader, base_sequence), reader->base_sequence()));
  }
  return reader;
}

}  // namespace

Result<std::unique_ptr<DirectoryLog>> DirectoryLog::Open(const std::string& directory) {
  auto files = ListSegments(directory);
  if (!files.ok()) return files.status();
  if (files->empty()) {
    return Status(StatusCode::kNotFound, directory + " has no segment of a journal");
  }
  std::unique_ptr<DirectoryLog> log(new DirectoryLog());
  log->files_ = std::move(*files);
  log->oldest_ = log->files_.front().base_sequence;
  ROOST_RETURN_IF_ERROR(log->FindEnd());
  log->reader_ = std::make_unique<LogReader>(log->oldest_, log->head_, &log->segments_);
  return log;
}

// The newest segment tells, by its footer or else by walking through it up to the last whole batch.
Status DirectoryLog::FindEnd() {
  const size_t newest = files_.size() - 1;
  auto reader = OpenSegment(files_[newest]);
  if (reader.ok()) newest_ = reader->header();
  if (reader.ok() && reader->footer().has_value()) {
    head_ = reader->footer()->last_sequence;
    return {};
  }
  if (!reader.ok() && reader.status().code() != StatusCode::kCorruption) return reader.status();
  ROOST_RETURN_IF_ERROR(LookInto(newest));
  head_ = salvages_.at(newest)->last_whole();
  return {};
}

// ---- segments ----

size_t DirectoryLog::FileOf(uint64_t sequence) const {
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), sequence,
      [](uint64_t wanted, const SegmentFile& file) { return wanted < file.base_sequence; });
  return after == files_.begin() ? files_.size() : static_cast<size_t>(after - files_.begin()) - 1;
}

Status DirectoryLog::FetchSegment(uint64_t sequence) {
  const size_t file = FileOf(sequence);
  if (file == files_.size()) return {StatusCode::kGone, "older than every segment"};
  if (!salvages_.contains(file)) {
    auto reader = OpenSegment(files_[file]);
    if (reader.ok()) {
      SegmentCache::Entry entry{std::move(*reader)};
      entry.TakeFooter();
      segments_.Add(std::move(entry));
      return {};
    }
    if (reader.status().code() != StatusCode::kCorruption) return reader.status();
    ROOST_RETURN_IF_ERROR(LookInto(file));
  }
  auto entry = OpenAround(file);
  if (!entry.ok()) return entry.status();
  segments_.Add(std::move(*entry));
  return {};
}

// ---- damage ----

Result<SalvageSpec> DirectoryLog::SpecOf(size_t file, int fd) {
  SalvageSpec spec;
  spec.fd = fd;
  spec.name = files_[file].path;
  auto header = ReadSegmentHeader(fd, spec.name);
  if (header.ok() && header->base_sequence == files_[file].base_sequence) {
    spec.header = *header;
  } else if (header.ok() || header.status().code() == StatusCode::kCorruption) {
    spec.header_what = "the header is damaged";
    spec.header.base_sequence = files_[file].base_sequence;
    auto first_frame = FindFirstFrame(fd, spec.name);
    if (!first_frame.ok()) return first_frame.status();
    if (*first_frame) {
      spec.header.version = kCompressedSegmentVersion;
      spec.header.base_position = **first_frame;
    } else {
      spec.header.base_position = LikelyBase(file);  // records are found by what they are
    }
  } else {
    return header.status();
  }
  if (file + 1 < files_.size()) spec.last_sequence = files_[file + 1].base_sequence - 1;
  spec.end_position = spec.header.base_position + kSegmentBytesMax;  // the file's end comes first
  auto mark = ReadSyncMark(fd, spec.header, spec.name);
  if (!mark.ok()) return mark.status();
  spec.mark = *mark;
  auto footer = ReadFooter(fd, spec.header, spec.name);
  if (!footer.ok()) return footer.status();
  if (*footer) {
    spec.end_position = (*footer)->end_position;
    spec.accepted_last = (*footer)->lost_last;
    spec.last_sequence = std::max(spec.last_sequence, (*footer)->last_sequence);
  }
  return spec;
}

// Where a file without a sound header may begin: not before those in front of it end, nor behind where those
// after it begin.
uint64_t DirectoryLog::LikelyBase(size_t file) {
  uint64_t behind = 0;  // bytes of files that say nothing themselves
  for (size_t before = file; before > 0; --before) {
    const std::string& path = files_[before - 1].path;
    const auto fd = OpenFile(path);
    if (!fd.ok()) continue;
    const auto header = ReadSegmentHeader(fd->get(), path);
    const auto size = FileSize(fd->get(), path);
    const uint64_t bytes = size.ok() ? *size / kRecordAlignment * kRecordAlignment : 0;
    const uint64_t records = bytes - std::min(bytes, kSegmentHeaderBytes);
    if (!header.ok()) {
      behind += records;
      continue;
    }
    const auto footer = ReadFooter(fd->get(), *header, path);
    if (footer.ok() && footer->has_value()) return (*footer)->end_position + behind;
    // The space behind its records may still be there.
    if (!salvages_.contains(before - 1) && !LookInto(before - 1).ok()) continue;
    return salvages_.at(before - 1)->end_position() + behind;
  }
  return kFirstPosition + behind;
}

Status DirectoryLog::LookInto(size_t file) {
  auto fd = OpenFile(files_[file].path);
  if (!fd.ok()) return fd.status();
  auto spec = SpecOf(file, fd->get());
  if (!spec.ok()) return spec.status();
  auto salvage = SegmentSalvage::Look(*spec);
  if (!salvage.ok()) return salvage.status();
  salvages_[file] = std::make_shared<const SegmentSalvage>(std::move(*salvage));
  return {};
}

Result<SegmentCache::Entry> DirectoryLog::OpenAround(size_t file) const {
  auto fd = OpenFile(files_[file].path);
  if (!fd.ok()) return fd.status();
  const auto& salvage = salvages_.at(file);
  auto reader = SegmentReader::OpenAs(std::move(*fd), files_[file].path, salvage->header());
  if (!reader.ok()) return reader.status();
  SegmentCache::Entry entry{std::move(*reader)};
  entry.end_position = salvage->end_position();
  entry.last_sequence = file + 1 < files_.size() ? files_[file + 1].base_sequence - 1 : head_;
  entry.salvage = salvage;
  return entry;
}

// Stretches that took no event count with the event behind them, and those without end with the head.
void DirectoryLog::NoteLost(const ReadQuery& query, const Page& page) {
  const bool forwards = query.order == Order::kOldestFirst;
  const uint64_t before = query.before == 0 ? head_ : query.before - 1;
  const uint64_t first = forwards ? query.after + 1 : page.next();
  const uint64_t last = forwards ? page.next() : before;
  std::vector<LostStretch> passed;
  for (const auto& [file, salvage] : salvages_) {
    for (const LostStretch& lost : salvage->lost()) {
      const bool at_head = lost.first > head_ && last >= head_;
      if (at_head || (lost.first <= last && std::max(lost.first, lost.last) >= first)) {
        passed.push_back(lost);
      }
    }
  }
  if (!forwards) std::reverse(passed.begin(), passed.end());
  lost_.insert(lost_.end(), passed.begin(), passed.end());
}

// ---- reading ----

Status DirectoryLog::Read(const ReadQuery& query, Page* page) {
  lost_.clear();
  return ReadPage(query, page);
}

Status DirectoryLog::ReadPage(const ReadQuery& query, Page* page) {
  while (true) {
    LogReader::Step step = reader_->Begin(query, page);
    while (step == LogReader::Step::kNeedsSegment) {
      // Who scans asks for a position only where the segment of that very event has been found wanting.
      const bool by_sequence = reader_->needed_sequence() != 0;
      const Status fetched =
          FetchSegment(by_sequence ? reader_->needed_sequence() : reader_->next_sequence());
      if (fetched.ok()) {
        step = reader_->Continue();
      } else if (fetched.code() == StatusCode::kGone || fetched.code() == StatusCode::kNotFound) {
        step = reader_->ContinueWithout(oldest_);
      } else {
        return fetched;
      }
    }
    if (step == LogReader::Step::kDone) break;
    if (reader_->status().code() != StatusCode::kCorruption) return reader_->status();
    // Once a segment at the most: then the page is begun anew, knowing where the damage is.
    const size_t file = FileOf(reader_->next_sequence());
    if (file == files_.size() || salvages_.contains(file)) return reader_->status();
    ROOST_RETURN_IF_ERROR(LookInto(file));
    segments_.Clear();
  }
  NoteLost(query, *page);
  return {};
}

Result<std::vector<StreamInfo>> DirectoryLog::ListStreams(std::string_view prefix, size_t limit) {
  std::vector<StreamInfo> streams;
  std::unordered_map<std::string, size_t> places;
  ReadQuery query;
  query.filter.stream_prefix = prefix;
  query.limit = 10'000;
  Page page;
  lost_.clear();
  do {
    ROOST_RETURN_IF_ERROR(ReadPage(query, &page));
    for (size_t i = 0; i < page.size(); ++i) {
      const EventView event = page[i];
      const auto [place, is_new] = places.try_emplace(std::string(event.stream), streams.size());
      if (is_new) streams.push_back({place->first, 0, 0, 0});
      StreamInfo& stream = streams[place->second];
      stream.revision = event.revision;
      stream.last_sequence = event.sequence;
      stream.last_time_ns = event.time_ns;
    }
    query.after = page.next();
  } while (page.more());
  if (streams.size() > limit) streams.resize(limit);
  return streams;
}

}  // namespace roost
