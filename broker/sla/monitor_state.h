// What the monitor knows that outlives its broker, in the file `monitor` of the data directory:
//
//   0                              64
//   +------------------------------+-----------------------------------------------------------+
//   | MonitorFileHeader            | breaches, down times, baselines: numbers and texts as      |
//   |                              | log/state_codec.h writes them                              |
//   +------------------------------+-----------------------------------------------------------+
//
// It is no part of the log: a broker whose file is gone, damaged, or of another log or version begins to learn anew. It is
// replaced whole, by a rename. Functions of any thread.
#ifndef ROOST_BROKER_SLA_MONITOR_STATE_H_
#define ROOST_BROKER_SLA_MONITOR_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "broker/sla/baseline_board.h"
#include "broker/sla/down_times.h"
#include "broker/sla/objective_board.h"

namespace roost {

inline constexpr uint64_t kMonitorMagic = 0x314e4f4d54535352;  // "RSSTMON1"
inline constexpr uint32_t kMonitorVersion = 1;
inline constexpr uint64_t kMonitorBytesMax = 4 << 20;

struct MonitorFileHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t crc32c;  // of the header, with 0 here, and the bytes behind it
  uint8_t log_id[16];
  uint64_t saved_ns;  // CLOCK_REALTIME
  uint64_t length;    // of the bytes behind the header
  uint64_t reserved[2];
};
static_assert(sizeof(MonitorFileHeader) == 64);

struct MonitorState {
  uint64_t saved_ns = 0;
  std::vector<SavedBreach> breaches;
  std::vector<DownTime> down;  // on CLOCK_REALTIME
  std::vector<SavedBaseline> baselines;
};

// A whole file around the bytes that go behind the header.
std::vector<std::byte> SealMonitorState(Bytes bytes, uint64_t saved_ns, const uint8_t* log_id);
std::vector<std::byte> EncodeMonitorState(const MonitorState& state, const uint8_t* log_id);
// kCorruption; kIncompatible: of another version or log. Never more memory than a small multiple of the file.
Result<MonitorState> DecodeMonitorState(Bytes file, const uint8_t* log_id);

// kNotFound: there is none.
Result<MonitorState> LoadMonitorState(const std::string& path, const uint8_t* log_id);
Status SaveMonitorState(const std::string& path, const MonitorState& state, const uint8_t* log_id);

}  // namespace roost

#endif  // ROOST_BROKER_SLA_MONITOR_STATE_H_
