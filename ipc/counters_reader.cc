#include "ipc/counters_reader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "base/unique_fd.h"

namespace roost {
namespace {

// More than any version of the file will have: what a header says is not believed beyond it.
constexpr uint32_t kCountersMax = 4096;
constexpr uint32_t kLatenciesMax = 64;

struct FileLayout {
  size_t histograms_offset;
  size_t size;
};

// Where things are in a file of a broker that has more or fewer counters than we know.
FileLayout LayoutOf(const CountersHeader& header) {
  const size_t histograms = AlignUp(kCounterValuesOffset + size_t{8} * header.counter_count, 64);
  return {histograms, histograms + header.latency_count * sizeof(Histogram)};
}

Status CheckHeader(const CountersHeader& header, const std::string& path, size_t size) {
  if (header.magic != kCountersMagic) {
    return {StatusCode::kCorruption, path + " is no counters file of Roost"};
  }
  if (header.version != kCountersVersion) {
    return {StatusCode::kIncompatible, fmt::format("{} has version {}, this program reads {}", path,
                                                   header.version, kCountersVersion)};
  }
  if (header.counter_count > kCountersMax || header.latency_count > kLatenciesMax ||
      LayoutOf(header).size > size) {
    return {StatusCode::kCorruption,
            fmt::format("{}: {} counters and {} histograms do not fit its {} bytes", path,
                        header.counter_count, header.latency_count, size)};
  }
  return {};
}

std::string TextOf(const char* text, size_t size_max) {
  return std::string(text, ::strnlen(text, size_max));
}

uint64_t WordAt(const std::vector<std::byte>& bytes, size_t offset) {
  uint64_t value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

Result<std::vector<std::byte>> ReadWhole(const std::string& path) {
  // O_NONBLOCK: whoever put a FIFO there does not make us wait.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  constexpr size_t kBytesMax =
      kCounterValuesOffset + 8 * kCountersMax + kLatenciesMax * sizeof(Histogram);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "look at " + path);
  std::vector<std::byte> bytes(std::min(static_cast<size_t>(info.st_size), kBytesMax));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(fd.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, "read " + path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

uint64_t LatencySnapshot::count() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), uint64_t{0});
}

uint64_t LatencySnapshot::Quantile(double fraction) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const auto wanted =
      std::min(static_cast<uint64_t>(fraction * static_cast<double>(total)), total - 1);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen > wanted) return Histogram::MiddleOf(i);
  }
  return Histogram::MiddleOf(Histogram::kBuckets - 1);
}

LatencySnapshot LatencySnapshot::Since(const LatencySnapshot& earlier) const {
  std::vector<uint64_t> buckets = buckets_;
  for (size_t i = 0; i < std::min(buckets.size(), earlier.buckets_.size()); ++i) {
    buckets[i] -= std::min(buckets[i], earlier.buckets_[i]);
  }
  return LatencySnapshot(std::move(buckets));
}

Result<CountersSnapshot> ReadCounters(const std::string& path) {
  Result<std::vector<std::byte>> read = ReadWhole(path);
  if (!read.ok()) return read.status();
  const std::vector<std::byte>& bytes = *read;
  CountersHeader header;
  if (bytes.size() < kCounterValuesOffset) {
    return Status(StatusCode::kCorruption, path + " is too short for a counters file of Roost");
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  ROOST_RETURN_IF_ERROR(CheckHeader(header, path, bytes.size()));

  CountersSnapshot snapshot;
  snapshot.broker_pid = header.broker_pid;
  std::memcpy(snapshot.log_id.data(), header.log_id, snapshot.log_id.size());
  snapshot.started_ns = header.started_ns;
  snapshot.durability = header.durability;
  snapshot.data_directory = TextOf(header.data_directory, sizeof(header.data_directory));
  snapshot.version = TextOf(header.version_text, sizeof(header.version_text));
  snapshot.degraded_since_ns = header.degraded_since_ns;
  if (header.degraded_since_ns != 0) {
    snapshot.degraded_why = TextOf(header.degraded_why, sizeof(header.degraded_why));
  }
  for (size_t i = 0; i < std::min<size_t>(kCounterCount, header.counter_count); ++i) {
    snapshot.values[i] = WordAt(bytes, kCounterValuesOffset + 8 * i);
  }
  const FileLayout layout = LayoutOf(header);
  for (size_t i = 0; i < std::min<size_t>(kLatencyCount, header.latency_count); ++i) {
    std::vector<uint64_t> buckets(Histogram::kBuckets);
    std::memcpy(buckets.data(), bytes.data() + layout.histograms_offset + i * sizeof(Histogram),
                sizeof(Histogram));
    snapshot.latencies[i] = LatencySnapshot(std::move(buckets));
  }
  return snapshot;
}

}  // namespace roost
