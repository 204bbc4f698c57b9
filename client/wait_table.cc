#include "client/wait_table.h"

#include <utility>

#include "base/check.h"
#include "ipc/protocol.h"

namespace roost {

bool WaitTable::HasRoom() const { return entries_.size() < kWaitsPerSessionMax; }

uint64_t WaitTable::Add(const Filter& filter, uint64_t after, Done done) {
  ROOST_CHECK(HasRoom());
  Entry& entry = entries_[++last_registration_];
  entry.filter = filter;
  entry.after = after;
  entry.done = std::move(done);
  return last_registration_;
}

WaitTable::Done WaitTable::Take(uint64_t registration) {
  const auto found = entries_.find(registration);
  if (found == entries_.end()) return nullptr;
  Done done = std::move(found->second.done);
  entries_.erase(found);
  return done;
}

bool WaitTable::Cancel(uint64_t registration) {
  const auto found = entries_.find(registration);
  if (found == entries_.end()) return false;
  const bool sent = found->second.sent;
  entries_.erase(found);
  return sent;
}

WaitTable::Entry* WaitTable::FirstUnsent(uint64_t* registration) {
  *registration = 0;
  for (auto& [number, entry] : entries_) {
    if (entry.sent) continue;
    *registration = number;
    return &entry;
  }
  return nullptr;
}

void WaitTable::ConnectionLost() {
  for (auto& [number, entry] : entries_) entry.sent = false;
}

std::vector<uint64_t> WaitTable::Registrations(bool never_sent_only) const {
  std::vector<uint64_t> registrations;
  for (const auto& [number, entry] : entries_) {
    if (!never_sent_only || !entry.was_sent) registrations.push_back(number);
  }
  return registrations;
}

}  // namespace roost
