#include "client/request_window.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ipc/messages.h"
#include "ipc/protocol.h"

namespace roost {

using State = PendingRequest::State;

bool RequestWindow::HasRoom() const { return requests_.size() < kRequestsInFlightMax; }

void RequestWindow::Add(PendingRequest request) {
  ROOST_CHECK(HasRoom() && request.number == next_number_, "number={} next={}", request.number,
              next_number_);
  ++next_number_;
  ++live_;
  requests_.push_back(std::move(request));
}

PendingRequest* RequestWindow::At(uint64_t number) {
  if (requests_.empty() || number < requests_.front().number) return nullptr;
  const uint64_t index = number - requests_.front().number;
  return index < requests_.size() ? &requests_[index] : nullptr;
}

const PendingRequest* RequestWindow::Find(uint64_t number) {
  PendingRequest* request = At(number);
  return request != nullptr && IsLive(*request) ? request : nullptr;
}

const PendingRequest* RequestWindow::FindTicket(uint64_t ticket) {
  const auto found = std::ranges::find_if(requests_, [ticket](const PendingRequest& request) {
    return IsLive(request) && request.ticket == ticket;
  });
  return found == requests_.end() ? nullptr : &*found;
}

bool RequestWindow::IsAbandoned(uint64_t number) {
  PendingRequest* request = At(number);
  return request != nullptr && request->state == State::kAbandoned;
}

PendingRequest* RequestWindow::FirstQueued() {
  const auto found =
      std::find_if(requests_.begin(), requests_.end(),
                   [](const PendingRequest& request) { return request.state == State::kQueued; });
  return found == requests_.end() ? nullptr : &*found;
}

bool RequestWindow::WasSent(uint64_t number) { return At(number)->was_sent; }
bool RequestWindow::IsRepeatable(uint64_t number) { return At(number)->is_repeatable; }

PendingRequest::Done RequestWindow::Finish(uint64_t number) {
  PendingRequest* request = At(number);
  if (request == nullptr || request->state == State::kDone) return nullptr;
  if (IsLive(*request)) --live_;
  request->state = State::kDone;
  request->bytes = OwnedRequest();
  PendingRequest::Done done = std::exchange(request->done, nullptr);
  DropDone();
  return done;
}

PendingRequest RequestWindow::Park(uint64_t number) {
  PendingRequest* request = At(number);
  ROOST_CHECK(request != nullptr && IsLive(*request), "number={}", number);
  PendingRequest parked = std::move(*request);
  --live_;
  request->number = number;
  request->state = State::kDone;
  DropDone();
  return parked;
}

PendingRequest::Done RequestWindow::Abandon(uint64_t number) {
  PendingRequest* request = At(number);
  ROOST_CHECK(request != nullptr && IsLive(*request), "number={}", number);
  if (request->state == State::kQueued) return Finish(number);
  --live_;
  request->state = State::kAbandoned;
  request->bytes = OwnedRequest();
  return std::exchange(request->done, nullptr);
}

void RequestWindow::DropDone() {
  while (!requests_.empty() && requests_.front().state == State::kDone) requests_.pop_front();
}

uint64_t RequestWindow::EarliestDeadline() const {
  uint64_t earliest = UINT64_MAX;
  for (const PendingRequest& request : requests_) {
    if (IsLive(request)) earliest = std::min(earliest, request.deadline_ns);
  }
  return earliest;
}

void RequestWindow::ConnectionLost() {
  for (PendingRequest& request : requests_) {
    if (request.state == State::kSent) request.state = State::kQueued;
    if (request.state == State::kAbandoned) request.state = State::kDone;
  }
  DropDone();
}

void RequestWindow::SessionLost() {
  std::erase_if(requests_, [](const PendingRequest& request) { return !IsLive(request); });
  next_number_ = 1;
  for (PendingRequest& request : requests_) {
    RenumberRequest(request.bytes, next_number_);
    request.number = next_number_++;
    request.was_sent = false;
    request.state = State::kQueued;
  }
}

}  // namespace roost
