#include "ipc/counters_reader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/unique_fd.h"

namespace roost {
namespace {

// Larger than any version of the file will be.
constexpr size_t kFileBytesMax = 64 << 20;

std::string TextOf(const char* text, size_t size_max) {
  return std::string(text, ::strnlen(text, size_max));
}

class CountersFile {
 public:
  static Result<CountersFile> Open(const std::string& path);

  const CountersHeader& header() const { return header_; }

  // How many elements of the section there are and we know, at most `count_max`.
  size_t Count(Section section, size_t count_max) const {
    return std::min<size_t>(Place(section).count, count_max);
  }
  // The first `count` elements, each as large as the file has them. REQUIRES: count <= Count().
  Result<std::vector<std::byte>> Read(Section section, size_t count) const;
  // Words and histograms, as many as there are and fit; the others stay as they are.
  Status ReadWords(Section section, uint64_t* words, size_t count_max) const;
  Status ReadHistograms(Section section, LatencySnapshot* to, size_t count_max) const;
  size_t StrideOf(Section section) const { return Place(section).stride; }
  // How many chunks have to be looked at: those that were ever used, if the file says so.
  Status CountChunks(size_t* count) const;

 private:
  CountersFile(const std::string& path, UniqueFd fd) : path_(path), fd_(std::move(fd)) {}

  // Of a section that the file does not have: 0 elements.
  const SectionPlace& Place(Section section) const {
    return header_.sections[static_cast<size_t>(section)];
  }
  Status Check(size_t size) const;
  // kCorruption: the file is too short.
  Status Copy(size_t offset, void* to, size_t size) const;

  std::string path_;
  UniqueFd fd_;
  CountersHeader header_{};
};

Result<CountersFile> CountersFile::Open(const std::string& path) {
  // O_NONBLOCK: whoever put a FIFO there does not make us wait.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "look at " + path);
  if (!S_ISREG(info.st_mode) || info.st_size < static_cast<off_t>(kCounterValuesOffset) ||
      info.st_size > static_cast<off_t>(kFileBytesMax)) {
    return Status(StatusCode::kCorruption,
                  path + " is no counters file of Roost: its kind or size");
  }
  CountersFile file(path, std::move(fd));
  ROOST_RETURN_IF_ERROR(file.Copy(0, &file.header_, sizeof(file.header_)));
  ROOST_RETURN_IF_ERROR(file.Check(static_cast<size_t>(info.st_size)));
  for (size_t i = file.header_.section_count; i < kSectionCount; ++i) {
    file.header_.sections[i] = {};  // of a broker that did not have it yet: no elements
  }
  return file;
}

// What every file with this version has at least: the first of them had so many sections, with elements of so many bytes.
// Sections that were added later are as their elements are now.
constexpr size_t kFirstSectionCount = 8;
constexpr uint32_t MinimumStride(size_t section) {
  switch (static_cast<Section>(section)) {
    case Section::kSessions:
      return offsetof(SessionRow, chunks) + 2 * sizeof(SessionRow::chunks[0]);
    case Section::kGroups:
      return offsetof(GroupRow, counters) + 7 * sizeof(uint64_t);
    default:
      return PlaceOf(static_cast<Section>(section)).stride;
  }
}

Status CountersFile::Check(size_t size) const {
  if (header_.magic != kCountersMagic) {
    return {StatusCode::kCorruption, path_ + " is no counters file of Roost"};
  }
  if (header_.version != kCountersVersion) {
    return {
        StatusCode::kIncompatible,
        fmt::format("{} has version {}, this program reads {}: use the programs of the broker's "
                    "own version",
                    path_, header_.version, kCountersVersion)};
  }
  if (header_.section_count < kFirstSectionCount) {
    return {StatusCode::kCorruption, fmt::format("{} has {} sections, and must have {}", path_,
                                                 header_.section_count, kFirstSectionCount)};
  }
  for (size_t i = 0; i < std::min<size_t>(header_.section_count, kSectionCount); ++i) {
    const SectionPlace& place = header_.sections[i];
    const uint64_t end = place.offset + uint64_t{place.count} * place.stride;
    if (place.offset % 8 != 0 || place.stride % 8 != 0 || place.stride < MinimumStride(i) ||
        end > size) {
      return {StatusCode::kCorruption,
              fmt::format("{}: section {} of {} times {} bytes at {} does not fit its {} bytes",
                          path_, i, place.count, place.stride, place.offset, size)};
    }
  }
  return {};
}

Status CountersFile::Copy(size_t offset, void* to, size_t size) const {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd_.get(), static_cast<std::byte*>(to) + done, size - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, "read " + path_);
    if (got == 0) return {StatusCode::kCorruption, path_ + " became shorter while it was read"};
    done += static_cast<size_t>(got);
  }
  return {};
}

Result<std::vector<std::byte>> CountersFile::Read(Section section, size_t count) const {
  std::vector<std::byte> bytes(count * Place(section).stride);
  ROOST_RETURN_IF_ERROR(Copy(Place(section).offset, bytes.data(), bytes.size()));
  return bytes;
}

Status CountersFile::ReadWords(Section section, uint64_t* words, size_t count_max) const {
  const size_t count = Count(section, count_max);
  auto read = Read(section, count);
  if (!read.ok()) return read.status();
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(&words[i], read->data() + i * StrideOf(section), sizeof(words[i]));
  }
  return {};
}

Status CountersFile::CountChunks(size_t* count) const {
  *count = Count(Section::kChunks, kChunkCount);
  const auto counter = static_cast<size_t>(Counter::kLatencyChunks);
  if (Count(Section::kCounters, kCounterCount) <= counter) return {};
  uint64_t used = 0;
  ROOST_RETURN_IF_ERROR(Copy(Place(Section::kCounters).offset + counter * StrideOf(Section::kCounters),
                             &used, sizeof(used)));
  *count = std::min<uint64_t>(*count, used);
  return {};
}

Status CountersFile::ReadHistograms(Section section, LatencySnapshot* to, size_t count_max) const {
  const size_t count = Count(section, count_max);
  for (size_t i = 0; i < count; ++i) {
    std::vector<uint64_t> buckets(Histogram::kBuckets);
    ROOST_RETURN_IF_ERROR(
        Copy(Place(section).offset + i * StrideOf(section), buckets.data(), sizeof(Histogram)));
    const auto is_used = [](uint64_t bucket) { return bucket != 0; };
    if (std::ranges::any_of(buckets, is_used)) to[i] = LatencySnapshot(std::move(buckets));
  }
  return {};
}

// ---- rows: the reader's steps of ipc/counters_format.h ----

// Three copies of the rows, and the chunks as they were between the second and the third.
class RowCopies {
 public:
  static Result<RowCopies> Take(const CountersFile& file, Section section, size_t count);

  // Step 4. False: nobody's row, or one that was written meanwhile. What the file's rows have not got stays in `*row`.
  template <typename Row>
  bool Get(size_t index, Row* row) const {
    const size_t offset = index * stride_;
    uint64_t before;
    uint64_t after;
    std::memcpy(&before, first_.data() + offset, sizeof(before));
    std::memcpy(&after, third_.data() + offset, sizeof(after));
    std::memcpy(row, second_.data() + offset, std::min(sizeof(*row), stride_));
    return before == after && before % 2 == 0 && before != 0;
  }
  // One bucket of a chunk; 0 beyond all chunks.
  uint32_t Bucket(uint64_t chunk, size_t bucket) const {
    const size_t offset = chunk * chunk_stride_ + bucket * sizeof(uint32_t);
    if (chunk >= chunk_count_) return 0;
    uint32_t count;
    std::memcpy(&count, chunks_.data() + offset, sizeof(count));
    return count;
  }

 private:
  std::vector<std::byte> first_, second_, third_, chunks_;
  size_t stride_ = 0;
  size_t chunk_stride_ = 0;
  size_t chunk_count_ = 0;
};

Result<RowCopies> RowCopies::Take(const CountersFile& file, Section section, size_t count) {
  RowCopies copies;
  copies.stride_ = file.StrideOf(section);
  copies.chunk_stride_ = file.StrideOf(Section::kChunks);
  const auto copy = [&file](Section from, size_t elements, std::vector<std::byte>* to) {
    auto read = file.Read(from, elements);
    if (read.ok()) *to = *std::move(read);
    std::atomic_thread_fence(std::memory_order_acquire);
    return read.status();
  };
  ROOST_RETURN_IF_ERROR(copy(section, count, &copies.first_));
  ROOST_RETURN_IF_ERROR(copy(section, count, &copies.second_));
  if (section == Section::kSessions) {
    ROOST_RETURN_IF_ERROR(file.CountChunks(&copies.chunk_count_));
    ROOST_RETURN_IF_ERROR(copy(Section::kChunks, copies.chunk_count_, &copies.chunks_));
  }
  ROOST_RETURN_IF_ERROR(copy(section, count, &copies.third_));
  return copies;
}

LatencySnapshot LatencyOfRow(const uint32_t (&chunks)[kChunksPerKindMax], const RowCopies& copies) {
  LatencySnapshot latency;
  for (const uint32_t chunk : chunks) {
    if (chunk == kNoChunk) break;
    const size_t first_bucket = (chunk >> 16) * kChunkBuckets;
    if (first_bucket >= Histogram::kBuckets) continue;
    for (size_t i = 0; i < kChunkBuckets; ++i) {
      const uint32_t count = copies.Bucket(chunk & 0xffff, i);
      if (count != 0) latency.Add(first_bucket + i, count);
    }
  }
  return latency;
}

Status ReadSessions(const CountersFile& file, CountersSnapshot* snapshot) {
  const size_t count = std::min<size_t>((*snapshot)[Counter::kSessionRows],
                                        file.Count(Section::kSessions, kSessionRowCount));
  if (count == 0) return {};
  auto copies = RowCopies::Take(file, Section::kSessions, count);
  if (!copies.ok()) return copies.status();
  for (size_t i = 0; i < count; ++i) {
    SessionRow row{};
    for (auto& chunks : row.chunks) std::ranges::fill(chunks, kNoChunk);
    if (!copies->Get(i, &row) || row.session == 0) continue;
    SessionCounters& session = snapshot->sessions.emplace_back();
    session.session = row.session;
    session.attached_ns = row.attached_ns;
    session.uid = row.uid;
    session.pid = row.pid;
    session.agent = TextOf(row.agent, sizeof(row.agent));
    std::copy_n(row.counters, kSessionCounterCount, session.values.begin());
    for (size_t kind = 0; kind < kSessionLatencyCount; ++kind) {
      session.latencies[kind] = LatencyOfRow(row.chunks[kind], *copies);
    }
    auto& latencies = session.latencies;
    latencies[static_cast<size_t>(SessionLatency::kRequests)].Merge(
        latencies[static_cast<size_t>(SessionLatency::kAppends)]);
  }
  return {};
}

Status ReadGroups(const CountersFile& file, CountersSnapshot* snapshot) {
  const size_t count = std::min<size_t>((*snapshot)[Counter::kGroupRows],
                                        file.Count(Section::kGroups, kGroupRowCount));
  if (count == 0) return {};
  auto copies = RowCopies::Take(file, Section::kGroups, count);
  if (!copies.ok()) return copies.status();
  for (size_t i = 0; i < count; ++i) {
    GroupRow row{};
    if (!copies->Get(i, &row)) continue;
    GroupCounters& group = snapshot->groups.emplace_back();
    group.stream = TextOf(row.stream, sizeof(row.stream));
    group.group = TextOf(row.group, sizeof(row.group));
    std::ranges::copy(row.counters, group.values.begin());
  }
  return {};
}

constexpr uint64_t StateIn(uint64_t word) { return word & 3; }
constexpr uint64_t SinceIn(uint64_t word) { return word >> 2; }

Status ReadObjectives(const CountersFile& file, CountersSnapshot* snapshot) {
  const size_t count = std::min<size_t>((*snapshot)[Counter::kObjectives],
                                        file.Count(Section::kObjectives, kObjectiveRowCount));
  if (count == 0) return {};
  auto copies = RowCopies::Take(file, Section::kObjectives, count);
  if (!copies.ok()) return copies.status();
  for (size_t i = 0; i < count; ++i) {
    ObjectiveRow row;
    if (!copies->Get(i, &row)) continue;
    Objective& objective = snapshot->objectives.emplace_back();
    objective.text = TextOf(row.text, sizeof(row.text));
    std::copy_n(row.values, kObjectiveValueCount, objective.values.begin());
    const uint64_t state = objective[ObjectiveValue::kState];
    const uint64_t kind = objective[ObjectiveValue::kKind];
    if (StateIn(state) < static_cast<uint64_t>(ObjectiveState::kCount)) {
      objective.state = static_cast<ObjectiveState>(StateIn(state));
      objective.since_ns = SinceIn(state);
    }
    if (kind < static_cast<uint64_t>(ObjectiveKind::kCount)) {
      objective.kind = static_cast<ObjectiveKind>(kind);
    }
  }
  return {};
}

Status ReadBaselines(const CountersFile& file, CountersSnapshot* snapshot) {
  const size_t count = std::min<size_t>((*snapshot)[Counter::kBaselines],
                                        file.Count(Section::kBaselines, kBaselineRowCount));
  if (count == 0) return {};
  auto copies = RowCopies::Take(file, Section::kBaselines, count);
  if (!copies.ok()) return copies.status();
  for (size_t i = 0; i < count; ++i) {
    BaselineRow row;
    if (!copies->Get(i, &row)) continue;
    Baseline& baseline = snapshot->baselines.emplace_back();
    baseline.name = TextOf(row.name, sizeof(row.name));
    std::copy_n(row.values, kBaselineValueCount, baseline.values.begin());
    baseline.state = static_cast<BaselineState>(StateIn(baseline[BaselineValue::kState]));
    baseline.since_ns = SinceIn(baseline[BaselineValue::kState]);
  }
  return {};
}

CountersSnapshot SnapshotOf(const CountersHeader& header) {
  CountersSnapshot snapshot;
  snapshot.broker_pid = header.broker_pid;
  snapshot.process_start_ticks = header.process_start_ticks;
  snapshot.pid_namespace = header.pid_namespace;
  std::memcpy(snapshot.log_id.data(), header.log_id, snapshot.log_id.size());
  snapshot.started_ns = header.started_ns;
  snapshot.durability = header.durability;
  snapshot.data_directory = TextOf(header.data_directory, sizeof(header.data_directory));
  snapshot.version = TextOf(header.version_text, sizeof(header.version_text));
  snapshot.segment_bytes = header.segment_bytes;
  snapshot.degraded_since_ns = header.degraded_since_ns;
  if (header.degraded_since_ns != 0) {
    snapshot.degraded_why = TextOf(header.degraded_why, sizeof(header.degraded_why));
  }
  snapshot.beat = BeatIn(header.beat);
  return snapshot;
}

}  // namespace

double Objective::measured() const {
  const auto value = static_cast<double>((*this)[ObjectiveValue::kMeasured]);
  return kind == ObjectiveKind::kAvailability ? value / 1e9 : value;
}

uint64_t GroupCounters::lag() const {
  const uint64_t head = (*this)[GroupCounter::kHead];
  const uint64_t checkpoint = (*this)[GroupCounter::kCheckpoint];
  return head > checkpoint ? head - checkpoint : 0;
}

bool SameBroker(const CountersSnapshot& one, const CountersSnapshot& other) {
  return one.broker_pid == other.broker_pid && one.started_ns == other.started_ns &&
         one.log_id == other.log_id;
}

Result<CountersSnapshot> ReadCounters(const std::string& path, CountersDetail detail) {
  auto opened = CountersFile::Open(path);
  if (!opened.ok()) return opened.status();
  const CountersFile& file = *opened;
  CountersSnapshot snapshot = SnapshotOf(file.header());
  ROOST_RETURN_IF_ERROR(file.ReadWords(Section::kCounters, snapshot.values.data(), kCounterCount));
  ROOST_RETURN_IF_ERROR(
      file.ReadWords(Section::kRequests, snapshot.requests.data(), kRequestKindCount));
  ROOST_RETURN_IF_ERROR(
      file.ReadWords(Section::kRefused, snapshot.refused.data(), kRefusalReasonCount));
  if (detail == CountersDetail::kValues) return snapshot;
  ROOST_RETURN_IF_ERROR(
      file.ReadHistograms(Section::kLatencies, snapshot.latencies.data(), kLatencyCount));
  ROOST_RETURN_IF_ERROR(file.ReadHistograms(Section::kSizes, snapshot.sizes.data(), kSizeCount));
  ROOST_RETURN_IF_ERROR(ReadObjectives(file, &snapshot));
  ROOST_RETURN_IF_ERROR(ReadBaselines(file, &snapshot));
  if (detail == CountersDetail::kHistograms) return snapshot;
  ROOST_RETURN_IF_ERROR(ReadSessions(file, &snapshot));
  ROOST_RETURN_IF_ERROR(ReadGroups(file, &snapshot));
  return snapshot;
}

}  // namespace roost
