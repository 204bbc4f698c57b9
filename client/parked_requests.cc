#include "client/parked_requests.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roost {

using State = PendingRequest::State;

void ParkedRequests::Add(PendingRequest request) {
  const uint64_t number = request.number;
  request.state = State::kSent;
  const bool is_new = numbered_.try_emplace(number, std::move(request)).second;
  ROOST_CHECK(is_new, "number={}", number);
}

PendingRequest ParkedRequests::Take(uint64_t number) {
  const auto found = numbered_.find(number);
  ROOST_CHECK(found != numbered_.end(), "number={}", number);
  PendingRequest request = std::move(found->second);
  numbered_.erase(found);
  return request;
}

void ParkedRequests::LoseNumber(uint64_t number) {
  numberless_.push_back(Take(number));
  numberless_.back().number = 0;
}

std::optional<PendingRequest> ParkedRequests::TakeTicket(uint64_t ticket, bool* is_known) {
  *is_known = false;
  for (const auto& [number, request] : numbered_) {
    if (request.ticket != ticket) continue;
    *is_known = request.state == State::kSent;
    return Take(number);
  }
  const auto found = std::ranges::find(numberless_, ticket, &PendingRequest::ticket);
  if (found == numberless_.end()) return std::nullopt;
  PendingRequest request = std::move(*found);
  numberless_.erase(found);
  return request;
}

std::vector<PendingRequest> ParkedRequests::TakeAll() {
  std::vector<PendingRequest> all;
  for (auto& [number, request] : numbered_) all.push_back(std::move(request));
  for (PendingRequest& request : numberless_) all.push_back(std::move(request));
  numbered_.clear();
  numberless_.clear();
  return all;
}

PendingRequest* ParkedRequests::FirstUnsent() {
  for (auto& [number, request] : numbered_) {
    if (request.state == State::kQueued) return &request;
  }
  return nullptr;
}

PendingRequest ParkedRequests::TakeNumberless() {
  ROOST_CHECK(HasNumberless());
  PendingRequest request = std::move(numberless_.front());
  numberless_.pop_front();
  return request;
}

void ParkedRequests::ConnectionLost() {
  for (auto& [number, request] : numbered_) request.state = State::kQueued;
}

void ParkedRequests::SessionLost() {
  while (!numbered_.empty()) LoseNumber(numbered_.begin()->first);
}

uint64_t ParkedRequests::EarliestDeadline() const {
  uint64_t earliest = UINT64_MAX;
  for (const auto& [number, request] : numbered_) {
    earliest = std::min(earliest, request.deadline_ns);
  }
  for (const PendingRequest& request : numberless_) {
    earliest = std::min(earliest, request.deadline_ns);
  }
  return earliest;
}

std::vector<uint64_t> ParkedRequests::LateTickets(uint64_t now_ns) const {
  std::vector<uint64_t> late;
  for (const auto& [number, request] : numbered_) {
    if (request.deadline_ns <= now_ns) late.push_back(request.ticket);
  }
  for (const PendingRequest& request : numberless_) {
    if (request.deadline_ns <= now_ns) late.push_back(request.ticket);
  }
  return late;
}

}  // namespace roost
