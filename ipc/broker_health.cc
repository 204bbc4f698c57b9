#include "ipc/broker_health.h"

#include <fmt/core.h>
#include <signal.h>

#include <cerrno>
#include <string>

#include "base/clock.h"
#include "ipc/process_stat.h"

namespace roost {
namespace {

// The rate is of the time in which the broker looked at the disk; it looks every ten seconds.
constexpr uint64_t kRateValidNs = 60 * kNsPerSecond;

uint64_t Since(uint64_t at_ns, uint64_t now_ns) { return now_ns > at_ns ? now_ns - at_ns : 0; }

std::string Seconds(uint64_t ns) {
  return fmt::format("{:.1f} s", static_cast<double>(ns) / static_cast<double>(kNsPerSecond));
}

std::string MiB(uint64_t bytes) {
  return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1 << 20));
}

const char* NameOf(Doing doing) {
  switch (doing) {
    case Doing::kStarting:
      return "starting";
    case Doing::kAsleep:
      return "asleep";
    case Doing::kWorking:
      return "in one turn";
    case Doing::kWriting:
      return "writing to the journal";
  }
  return "?";
}

Health JudgeProcess(const CountersSnapshot& counters, ProcessState process) {
  const uint32_t pid = counters.broker_pid;
  if (process == ProcessState::kGone) {
    return {HealthState::kDead, fmt::format("the broker, pid {}, died without ending cleanly", pid),
            "start roostd; its last messages say why"};
  }
  if (process == ProcessState::kStopped) {
    return {HealthState::kStopped, fmt::format("the broker, pid {}, was stopped by a signal", pid),
            fmt::format("kill -CONT {}", pid)};
  }
  return {};
}

Health JudgeBeat(const CountersSnapshot& counters, uint64_t now_ns, const HealthLimits& limits) {
  const SequencerBeat& beat = counters.beat;
  const uint64_t for_ns = Since(beat.at_ns, now_ns);
  if (beat.doing == Doing::kAsleep || for_ns <= limits.patience_ns) return {};
  return {HealthState::kHung,
          fmt::format("the broker, pid {}, hangs: {} for {}", counters.broker_pid,
                      NameOf(beat.doing), Seconds(for_ns)),
          beat.doing == Doing::kWriting
              ? "look at the disk of the data directory"
              : "is the machine overloaded? Else end it and start roostd"};
}

Health JudgeDisk(const CountersSnapshot& counters, uint64_t now_ns, const HealthLimits& limits) {
  const uint64_t looked_ns = counters[Counter::kDiskLookedNs];
  if (counters.segment_bytes == 0 || looked_ns == 0) return {};
  const uint64_t free = counters[Counter::kDiskFreeBytes];
  const std::string room =
      fmt::format("the disk of {} has {} left", counters.data_directory, MiB(free));
  const std::string advice = "make room, or let the log keep less (--retain-bytes, --retain-age)";
  if (free / limits.disk_segments_min < counters.segment_bytes) {
    return {HealthState::kDiskFilling,
            fmt::format("{}, less than {} segments of the journal", room, limits.disk_segments_min),
            advice};
  }
  const uint64_t rate = counters[Counter::kDiskBytesPerSecond];
  if (rate == 0 || Since(looked_ns, now_ns) > kRateValidNs) return {};
  const uint64_t left_seconds = free / rate;
  if (left_seconds >= limits.disk_ahead_ns / kNsPerSecond) return {};
  return {HealthState::kDiskFilling,
          fmt::format("{} and will be full in {} min at its present rate", room, left_seconds / 60),
          advice};
}

Health JudgeJournal(const CountersSnapshot& counters, uint64_t now_ns, const HealthLimits& limits) {
  if (counters[Counter::kDegraded] != 0) {
    return {HealthState::kDegraded,
            "the journal is degraded, nothing is acknowledged" +
                (counters.degraded_why.empty() ? "" : ": " + counters.degraded_why),
            "mend the disk, then restart roostd"};
  }
  if (counters[Counter::kDiskFullSinceNs] != 0) {
    return {HealthState::kDiskFull,
            fmt::format("the disk of {} is full since {}, events are refused",
                        counters.data_directory, FormatTime(counters[Counter::kDiskFullSinceNs])),
            "make room; events are taken again by themselves"};
  }
  const uint64_t began_ns = counters[Counter::kJournalSyncBeganNs];
  if (began_ns != 0 && Since(began_ns, now_ns) > limits.sync_patience_ns) {
    return {
        HealthState::kSyncStalled,
        fmt::format("the journal's fdatasync takes {} already", Seconds(Since(began_ns, now_ns))),
        "look at the disk of the data directory"};
  }
  return JudgeDisk(counters, now_ns, limits);
}

}  // namespace

const char* HealthStateName(HealthState state) {
  switch (state) {
    case HealthState::kNoBroker:
      return "no_broker";
    case HealthState::kUnreadable:
      return "unreadable";
    case HealthState::kDead:
      return "dead";
    case HealthState::kStopped:
      return "stopped";
    case HealthState::kHung:
      return "hung";
    case HealthState::kDegraded:
      return "degraded";
    case HealthState::kDiskFull:
      return "disk_full";
    case HealthState::kSyncStalled:
      return "sync_stalled";
    case HealthState::kDiskFilling:
      return "disk_filling";
    case HealthState::kWell:
      return "well";
  }
  return "?";
}

ProcessState LookAtBroker(const CountersSnapshot& counters) {
  const uint64_t ours = PidNamespace();
  const bool same_namespace = ours != 0 && counters.pid_namespace == ours;
  const auto pid = static_cast<pid_t>(counters.broker_pid);
  if (!same_namespace || pid <= 0) return ProcessState::kHidden;
  if (::kill(pid, 0) != 0 && errno == ESRCH) return ProcessState::kGone;
  const std::string stat = ReadProcessStat(std::to_string(pid));
  if (stat.empty()) return ProcessState::kHidden;
  if (ProcessStartTicks(stat) != counters.process_start_ticks) return ProcessState::kGone;
  switch (ProcessStateLetter(stat)) {
    case 'T':
    case 't':
      return ProcessState::kStopped;
    case 'Z':
    case 'X':
      return ProcessState::kGone;
    default:
      return ProcessState::kRuns;
  }
}

Health JudgeHealth(const CountersSnapshot& counters, ProcessState process, uint64_t now_ns,
                   const HealthLimits& limits) {
  Health health = JudgeProcess(counters, process);
  if (health.well()) health = JudgeBeat(counters, now_ns, limits);
  if (health.well()) health = JudgeJournal(counters, now_ns, limits);
  if (health.well())
    health.reason = fmt::format("the broker, pid {}, is well", counters.broker_pid);
  health.broker_pid = counters.broker_pid;
  return health;
}

Health JudgeAbsence(const Status& status, const std::string& counters_path) {
  if (status.code() == StatusCode::kNotFound) {
    return {HealthState::kNoBroker,
            "there is no broker here, or it ended cleanly: no " + counters_path, "start roostd", 0};
  }
  return {HealthState::kUnreadable, status.message(),
          "is the socket's path right, and the program of the broker's version?", 0};
}

Health CheckHealth(const std::string& counters_path, const HealthLimits& limits) {
  const auto counters = ReadCounters(counters_path, CountersDetail::kValues);
  if (!counters.ok()) return JudgeAbsence(counters.status(), counters_path);
  return JudgeHealth(*counters, LookAtBroker(*counters), MonotonicNs(), limits);
}

}  // namespace roost
