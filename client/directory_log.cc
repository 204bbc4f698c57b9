#include "client/directory_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/unique_fd.h"

namespace roost {
namespace {

Result<SegmentReader> OpenSegment(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  return SegmentReader::Open(std::move(fd), path);
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
  auto reader = OpenSegment(files_.back().path);
  if (!reader.ok()) return reader.status();
  newest_ = reader->header();
  if (reader->footer().has_value()) {
    head_ = reader->footer()->last_sequence;
    return {};
  }
  head_ = newest_.base_sequence - 1;
  uint64_t position = newest_.base_position;
  uint64_t next = newest_.base_sequence;
  std::vector<std::byte> record;
  while (true) {
    record.clear();
    if (reader->ReadRecordAt(position, &record) != SegmentReader::Outcome::kRecord) break;
    RecordHeader header;
    std::memcpy(&header, record.data(), sizeof(header));
    if (header.kind == RecordKind::kEvent) {
      if (header.sequence != next) break;
      if ((next - newest_.base_sequence) % kIndexStride == 0) anchors_.push_back({next, position});
      if (header.batch_index + 1 == header.batch_count) head_ = next;
      ++next;
    }
    position += header.size;
  }
  return {};
}

Status DirectoryLog::FetchSegment(uint64_t sequence) {
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), sequence,
      [](uint64_t wanted, const SegmentFile& file) { return wanted < file.base_sequence; });
  if (after == files_.begin()) return {StatusCode::kGone, "older than every segment"};
  auto reader = OpenSegment(std::prev(after)->path);
  if (!reader.ok()) return reader.status();
  SegmentCache::Entry entry{std::move(*reader)};
  if (!entry.TakeFooter() && after == files_.end()) {
    const auto anchor = std::upper_bound(
        anchors_.begin(), anchors_.end(), sequence,
        [](uint64_t wanted, const IndexEntry& place) { return wanted < place.sequence; });
    if (anchor != anchors_.begin()) {
      entry.anchor_sequence = std::prev(anchor)->sequence;
      entry.anchor_position = std::prev(anchor)->position;
    }
  }
  segments_.Add(std::move(entry));
  return {};
}

Status DirectoryLog::Read(const ReadQuery& query, Page* page) {
  LogReader::Step step = reader_->Begin(query, page);
  while (step == LogReader::Step::kNeedsSegment) {
    const Status fetched = FetchSegment(reader_->needed_sequence());
    if (fetched.ok()) {
      step = reader_->Continue();
    } else if (fetched.code() == StatusCode::kGone || fetched.code() == StatusCode::kNotFound) {
      step = reader_->ContinueWithout(oldest_);
    } else {
      return fetched;
    }
  }
  return step == LogReader::Step::kDone ? Status() : reader_->status();
}

Result<std::vector<StreamInfo>> DirectoryLog::ListStreams(std::string_view prefix, size_t limit) {
  std::vector<StreamInfo> streams;
  std::unordered_map<std::string, size_t> places;
  ReadQuery query;
  query.filter.stream_prefix = prefix;
  query.limit = 10'000;
  Page page;
  do {
    ROOST_RETURN_IF_ERROR(Read(query, &page));
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
