#include "broker/sla/monitor_state.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "base/crc32c.h"
#include "base/histogram.h"
#include "base/own_file.h"
#include "base/unique_fd.h"
#include "log/file_io.h"
#include "log/state_codec.h"

namespace roost {
namespace {

constexpr size_t kSavedNameBytesMax = 256;

uint32_t ChecksumOf(MonitorFileHeader header, Bytes bytes) {
  header.crc32c = 0;
  return Crc32c(Crc32c(0, std::as_bytes(std::span(&header, 1))), bytes);
}

void EncodeBaseline(const SavedBaseline& baseline, StateWriter* out) {
  out->Text(baseline.name);
  out->Number(static_cast<uint64_t>(baseline.state));
  out->Number(baseline.since_ns);
  out->Number(baseline.counts.size());
  for (const BucketCount& one : baseline.counts) {
    out->Number(one.bucket);
    out->Number(one.count);
  }
}

SavedBaseline DecodeBaseline(StateReader* in) {
  SavedBaseline baseline;
  baseline.name = in->Text(kSavedNameBytesMax);
  baseline.state = static_cast<BaselineState>(in->Number(3));
  baseline.since_ns = in->Number(UINT64_MAX >> 2);
  const size_t count = in->Count(Histogram::kBuckets);
  for (size_t i = 0; i < count && in->ok(); ++i) {
    const auto bucket = static_cast<uint16_t>(in->Number(Histogram::kBuckets - 1));
    baseline.counts.push_back({bucket, in->Number()});
  }
  return baseline;
}

Status Damaged(std::string_view why) {
  return {StatusCode::kCorruption, std::string("it is damaged: ") + std::string(why)};
}

}  // namespace

std::vector<std::byte> SealMonitorState(Bytes bytes, uint64_t saved_ns, const uint8_t* log_id) {
  MonitorFileHeader header{};
  header.magic = kMonitorMagic;
  header.version = kMonitorVersion;
  std::memcpy(header.log_id, log_id, sizeof(header.log_id));
  header.saved_ns = saved_ns;
  header.length = bytes.size();
  header.crc32c = ChecksumOf(header, bytes);
  std::vector<std::byte> file(sizeof(header) + bytes.size());
  std::memcpy(file.data(), &header, sizeof(header));
  std::ranges::copy(bytes, file.begin() + sizeof(header));
  return file;
}

std::vector<std::byte> EncodeMonitorState(const MonitorState& state, const uint8_t* log_id) {
  StateWriter out;
  out.Number(state.breaches.size());
  for (const SavedBreach& breach : state.breaches) {
    out.Text(breach.objective);
    out.Number(breach.since_ns);
    out.Flag(breach.was_told);
  }
  out.Number(state.down.size());
  for (const DownTime& one : state.down) {
    out.Number(static_cast<uint64_t>(std::max<int64_t>(one.begin_ns, 0)));
    out.Number(static_cast<uint64_t>(std::max<int64_t>(one.end_ns, 0)));
  }
  out.Number(state.baselines.size());
  for (const SavedBaseline& baseline : state.baselines) EncodeBaseline(baseline, &out);
  return SealMonitorState(out.Take(), state.saved_ns, log_id);
}

Result<MonitorState> DecodeMonitorState(Bytes file, const uint8_t* log_id) {
  MonitorFileHeader header;
  if (file.size() < sizeof(header)) return Damaged("it is too short");
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.magic != kMonitorMagic) return Damaged("it does not begin as it must");
  if (header.version != kMonitorVersion) {
    return Status(StatusCode::kIncompatible, fmt::format("it has version {}", header.version));
  }
  const Bytes bytes = file.subspan(sizeof(header));
  if (header.length != bytes.size() || header.crc32c != ChecksumOf(header, bytes)) {
    return Damaged("its length or checksum is wrong");
  }
  if (std::memcmp(header.log_id, log_id, sizeof(header.log_id)) != 0) {
    return Status(StatusCode::kIncompatible, "it is of another log");
  }
  StateReader in(bytes);
  MonitorState state;
  state.saved_ns = header.saved_ns;
  for (size_t left = in.Count(2 * kObjectivesMax); left > 0 && in.ok(); --left) {
    SavedBreach& breach = state.breaches.emplace_back();
    breach.objective = in.Text(kSavedNameBytesMax);
    breach.since_ns = in.Number(UINT64_MAX >> 2);
    breach.was_told = in.Flag();
  }
  for (size_t left = in.Count(DownTimes::kIntervalsMax); left > 0 && in.ok(); --left) {
    const auto begin_ns = static_cast<int64_t>(in.Number(INT64_MAX));
    state.down.push_back({begin_ns, static_cast<int64_t>(in.Number(INT64_MAX))});
  }
  for (size_t left = in.Count(kBaselineRowCount); left > 0 && in.ok(); --left) {
    state.baselines.push_back(DecodeBaseline(&in));
  }
  if (!in.AtEnd()) return Damaged("what is in it makes no sense");
  return state;
}

Result<MonitorState> LoadMonitorState(const std::string& path, const uint8_t* log_id) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  const Result<uint64_t> size = FileSize(fd.get(), path);
  if (!size.ok()) return size.status();
  if (*size > kMonitorBytesMax) return Damaged("it is too large");
  std::vector<std::byte> file(*size);
  const Result<size_t> read = ReadAt(fd.get(), file, 0, path);
  if (!read.ok()) return read.status();
  file.resize(*read);
  return DecodeMonitorState(file, log_id);
}

Status SaveMonitorState(const std::string& path, const MonitorState& state, const uint8_t* log_id) {
  const std::string temporary = path + ".new";
  ROOST_RETURN_IF_ERROR(CheckOwnFileAt(AT_FDCWD, temporary, temporary));
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return Status::FromErrno(errno, "remove " + temporary);
  }
  const UniqueFd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Status::FromErrno(errno, "create " + temporary);
  ROOST_RETURN_IF_ERROR(WriteAt(fd.get(), EncodeMonitorState(state, log_id), 0, temporary));
  ROOST_RETURN_IF_ERROR(SyncData(fd.get(), temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return Status::FromErrno(errno, "rename " + temporary + " to " + path);
  }
  return {};
}

}  // namespace roost
