#include "broker/sla/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "broker/logging.h"

namespace roost {

Mailbox::Mailbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ROOST_CHECK(event_.valid(), "eventfd: errno={}", errno);
}

uint64_t Mailbox::Tell(SlaEvent event) {
  const bool is_bad = event.type == kBreachedType || event.type == kShiftBeganType;
  Log(is_bad ? LogLevel::kWarning : LogLevel::kInfo, "{}", event.line);
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kWaitingMax) return told_;
  waiting_.push_back(std::move(event));
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
  return ++told_;
}

void Mailbox::Deliver(OwnEvents* own_events) {
  uint64_t rings;
  [[maybe_unused]] const ssize_t size = ::read(event_.get(), &rings, sizeof(rings));
  std::vector<SlaEvent> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(waiting_);
  }
  for (SlaEvent& event : events) {
    own_events->Add(kSlaStream, event.type, std::move(event.data), 0,
                    [this] { committed_.fetch_add(1, std::memory_order_release); });
  }
}

}  // namespace roost
