#include "tools/monitor/broker_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tools/monitor/process_use.h"

namespace roost {

BrokerWatch::BrokerWatch(std::string counters_path, BrokerWatchOptions options)
    : counters_path_(std::move(counters_path)), options_(options), history_(options.history) {}

const Interval& BrokerWatch::Look() {
  Sample sample = TakeSample(counters_path_, options_.limits);
  last_ = Between(sample_ ? &*sample_ : nullptr, sample);
  if (last_.overview.beginning != Beginning::kContinues) memory_.clear();
  AddMemory(sample.at_ns);
  history_.Add(last_.overview);
  sample_ = std::move(sample);
  return last_;
}

void BrokerWatch::AddMemory(uint64_t now_ns) {
  std::map<uint64_t, MemoryLook> attached;
  std::vector<std::pair<uint64_t, const SessionInterval*>> due;
  for (const SessionInterval& session : last_.sessions) {
    const auto known = memory_.find(session.session);
    const MemoryLook look = known == memory_.end() ? MemoryLook() : known->second;
    attached[session.session] = look;
    if (look.at_ns == 0 || now_ns - look.at_ns >= options_.memory_every_ns) {
      due.emplace_back(look.at_ns, &session);
    }
  }
  memory_ = std::move(attached);
  if (last_.pids_are_ours) {
    std::ranges::stable_sort(due, {}, [](const auto& one) { return one.first; });
    due.resize(std::min(due.size(), options_.memory_looks_max));
    for (const auto& [at_ns, session] : due) {
      memory_[session->session] = {now_ns, ProcessMemoryOf(session->pid)};
    }
  }
  for (SessionInterval& session : last_.sessions) session.memory = memory_[session.session].memory;
}

}  // namespace roost
