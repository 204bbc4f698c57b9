// The way of the monitor's events to the sequencer, which alone writes to the log. An event that is on its way waits in
// OwnEvents while the disk is full, and is counted as committed when it is in the log.
//
// Tell and Committed: the monitor's thread. fd and Deliver: the sequencer's. At most kWaitingMax events wait to be fetched; of more
// the newest are dropped, which a broker that hangs for hours may come to.
#ifndef ROOST_BROKER_SLA_MAILBOX_H_
#define ROOST_BROKER_SLA_MAILBOX_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/unique_fd.h"
#include "broker/own_events.h"
#include "broker/sla/monitor_sink.h"

namespace roost {

class Mailbox : public MonitorSink {
 public:
  static constexpr size_t kWaitingMax = 1024;

  Mailbox();

  uint64_t Tell(SlaEvent event) override;
  uint64_t Committed() const override { return committed_.load(std::memory_order_acquire); }

  // Readable when there is something to deliver.
  int fd() const { return event_.get(); }
  void Deliver(OwnEvents* own_events);

 private:
  UniqueFd event_;
  std::mutex mutex_;  // held for a moment
  std::vector<SlaEvent> waiting_;
  uint64_t told_ = 0;  // those that were dropped are not counted
  std::atomic<uint64_t> committed_{0};
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_MAILBOX_H_
