// What this client does by itself, where the broker does not see it: how long its reads take, what it answers from memory.
// Kept until it is handed over with a request (schemas/control.fbs, WorkReport), for the counters file.
//
// One thread. Keeps at most kReportDurationsMax different durations, 8 bytes each, and next to nothing once they were handed
// over.
#ifndef ROOST_CLIENT_OWN_WORK_H_
#define ROOST_CLIENT_OWN_WORK_H_

#include <cstdint>
#include <vector>

#include "ipc/messages.h"

namespace roost {

using wire::ClientWork;  // which kind

class OwnWork {
 public:
  // One that began and ended then, CLOCK_MONOTONIC.
  void Record(ClientWork work, uint64_t began_ns, uint64_t ended_ns);
  // A validation was answered from memory (or the broker had to be asked).
  void CountCache(bool hit) { ++(hit ? cache_hits_ : cache_misses_); }

  // Reading on from `after`: whether the last read ended just there while the ring still had what comes next, which it has
  // not any more (`oldest` is the oldest event that it has).
  bool LostItsPlace(uint64_t after, uint64_t oldest) const {
    return after != 0 && after == read_to_ && after + 1 < oldest;
  }
  // A read has ended at `next`.
  void SetPlace(uint64_t next, uint64_t oldest) { read_to_ = next + 1 < oldest ? 0 : next; }
  // The ring overwrote what was read next, or was being read.
  void CountOvertaken() { ++overtaken_; }

  bool empty() const {
    return durations_.empty() && cache_hits_ == 0 && cache_misses_ == 0 && overtaken_ == 0;
  }
  // Since when (CLOCK_MONOTONIC) there are durations to be handed over; UINT64_MAX: there are none.
  uint64_t since_ns() const { return since_ns_; }
  // For the encoder; until the next call of anything else here.
  RequestEncoder::ReportFields Fields() const {
    return {durations_, lost_, cache_hits_, cache_misses_, overtaken_};
  }
  // It was handed over.
  void Clear();

 private:
  std::vector<wire::WorkDuration> durations_;  // in the order of works and buckets
  uint64_t lost_ = 0;
  uint64_t cache_hits_ = 0;
  uint64_t cache_misses_ = 0;
  uint64_t overtaken_ = 0;
  uint64_t since_ns_ = UINT64_MAX;
  uint64_t read_to_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_OWN_WORK_H_
