#include "broker/client_reports.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

constexpr uint64_t kBytesPerDuration = 64;  // as much work as copying so many of a request
constexpr uint64_t kKeptNs = 60 * kNsPerSecond;

// By wire::ClientWork.
constexpr std::array<Latency, 3> kLatencies = {Latency::kClientRead, Latency::kClientAppend,
                                               Latency::kClientValidate};
static_assert(kLatencies.size() == static_cast<size_t>(wire::ClientWork::MAX) + 1);

uint64_t CountOf(const wire::WorkReport& report) {
  return report.durations() == nullptr ? 0 : report.durations()->size();
}

}  // namespace

uint64_t ClientReports::Take(Session& session, const wire::WorkReport& report, uint64_t now_ns) {
  if constexpr (!kCounting) return 0;
  // Reports may come late, several at once: what a session did not use of its time is kept for a while.
  const uint64_t used_ns = std::max(session.report_time_used_ns, now_ns - std::min(now_ns, kKeptNs));
  const uint64_t left_ns = now_ns > used_ns ? now_ns - used_ns : 0;
  const std::optional<uint64_t> works = WorksOf(report, left_ns / kNsPerWorkMin);
  if (!works.has_value()) {
    counters_->Add(Counter::kClientReportsIgnored);
    return 0;
  }
  session.report_time_used_ns = used_ns + *works * kNsPerWorkMin;
  counters_->Add(Counter::kClientReports);
  counters_->Add(Counter::kClientLatenciesLost, report.durations_lost());
  Add(session, Counter::kClientCacheHits, SessionCounter::kCacheHits, report.cache_hits());
  Add(session, Counter::kClientCacheMisses, SessionCounter::kCacheMisses, report.cache_misses());
  Add(session, Counter::kClientReadersOvertaken, SessionCounter::kOvertaken, report.overtaken());
  AddDurations(session, report);
  return CountOf(report) * kBytesPerDuration;
}

// Each step subtracts from what is left, so that no sum overflows.
std::optional<uint64_t> ClientReports::WorksOf(const wire::WorkReport& report,
                                               uint64_t works_max) {
  if (CountOf(report) > kReportDurationsMax) return std::nullopt;
  uint64_t left = works_max;
  const auto fits = [&left](uint64_t count) {
    if (count > left) return false;
    left -= count;
    return true;
  };
  for (uint64_t i = 0; i < CountOf(report); ++i) {
    const wire::WorkDuration& duration = *report.durations()->Get(static_cast<uint32_t>(i));
    if (duration.work() > wire::ClientWork::MAX || duration.bucket() >= Histogram::kBuckets ||
        !fits(duration.count())) {
      return std::nullopt;
    }
  }
  if (!fits(report.durations_lost()) || !fits(report.cache_hits()) ||
      !fits(report.cache_misses()) || !fits(report.overtaken())) {
    return std::nullopt;
  }
  return works_max - left;
}

void ClientReports::AddDurations(const Session& session, const wire::WorkReport& report) {
  for (uint64_t i = 0; i < CountOf(report); ++i) {
    const wire::WorkDuration& duration = *report.durations()->Get(static_cast<uint32_t>(i));
    counters_->Merge(kLatencies[static_cast<size_t>(duration.work())], duration.bucket(),
                     duration.count());
    if (duration.work() == wire::ClientWork::Read) {
      counters_->sessions().Record(session.counters_row, SessionLatency::kReads,
                                   duration.bucket(), duration.count());
    }
  }
}

void ClientReports::Add(const Session& session, Counter counter, SessionCounter of_session,
                        uint64_t more) {
  counters_->Add(counter, more);
  counters_->sessions().Add(session.counters_row, of_session, more);
}

}  // namespace roost
