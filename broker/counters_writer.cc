#include "broker/counters_writer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/clock.h"
#include "base/own_file.h"
#include "base/unique_fd.h"
#include "broker/version.h"
#include "ipc/process_stat.h"

namespace roost {
namespace {

std::byte* SectionAt(std::byte* file, Section section) { return file + PlaceOf(section).offset; }

void FillHeader(std::byte* at, const CountersIdentity& identity) {
  CountersHeader header{};
  header.magic = kCountersMagic;
  header.version = kCountersVersion;
  header.broker_pid = static_cast<uint32_t>(::getpid());
  std::memcpy(header.log_id, identity.log_id, sizeof(header.log_id));
  header.started_ns = WallNs();
  header.process_start_ticks = ProcessStartTicks(ReadProcessStat("self"));
  header.pid_namespace = PidNamespace();
  header.section_count = kSectionCount;
  for (size_t i = 0; i < kSectionCount; ++i) {
    header.sections[i] = PlaceOf(static_cast<Section>(i));
  }
  header.segment_bytes = identity.segment_bytes;
  header.beat = BeatOf(Doing::kStarting, MonotonicNs());
  header.durability = static_cast<uint32_t>(identity.durability);
  const size_t length = std::min(identity.data_directory.size(), sizeof(header.data_directory) - 1);
  std::memcpy(header.data_directory, identity.data_directory.data(), length);
  std::strncpy(header.version_text, kBrokerVersion, sizeof(header.version_text) - 1);
  std::memcpy(at, &header, sizeof(header));
}

}  // namespace

CountersWriter::CountersWriter(Mapping mapping)
    : mapping_(std::move(mapping)),
      file_(mapping_.data()),
      sessions_(SectionAt(file_, Section::kCounters),
                SectionAt(file_, Section::kSessions),
                SectionAt(file_, Section::kChunks)),
      groups_(SectionAt(file_, Section::kGroups)),
      monitor_(SectionAt(file_, Section::kObjectives),
               SectionAt(file_, Section::kBaselines)) {}

Result<CountersWriter> CountersWriter::Create(const std::string& path,
                                              const CountersIdentity& identity) {
  const std::string temporary = path + ".new";
  for (const std::string& place : {path, temporary}) {
    ROOST_RETURN_IF_ERROR(CheckOwnFileAt(AT_FDCWD, place, place));
  }
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return Status::FromErrno(errno, "remove " + temporary);
  }
  const UniqueFd fd(
      ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Status::FromErrno(errno, "create " + temporary);
  if (const int error = ::posix_fallocate(fd.get(), 0, kCountersBytes); error != 0) {
    return Status::FromErrno(error, "reserve room for " + temporary);
  }
  Result<Mapping> mapping =
      Mapping::Map(fd.get(), kCountersBytes, Mapping::Access::kReadWrite, temporary);
  if (!mapping.ok()) return mapping.status();
  FillHeader(mapping->data(), identity);
  if (::fchmod(fd.get(), 0444) != 0) return Status::FromErrno(errno, "chmod " + temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return Status::FromErrno(errno, "rename " + temporary + " to " + path);
  }
  return CountersWriter(*std::move(mapping));
}

// Once: the text of a second failure could be read half written.
void CountersWriter::SetDegraded(const Degradation& degradation) {
  if (degraded_) return;
  degraded_ = true;
  auto* header = reinterpret_cast<CountersHeader*>(mapping_.data());
  const size_t length = std::min(degradation.why.size(), sizeof(header->degraded_why) - 1);
  std::memcpy(header->degraded_why, degradation.why.data(), length);
  std::atomic_ref(header->degraded_since_ns).store(degradation.since_ns, std::memory_order_release);
  ValueOf(Counter::kDegraded).store(1, std::memory_order_release);
}

uint64_t CountersWriter::degraded_since_ns() const {
  return LoadWordRelaxed(mapping_.data() + offsetof(CountersHeader, degraded_since_ns));
}

}  // namespace roost
