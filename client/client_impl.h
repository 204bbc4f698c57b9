// What a roost::Client is made of: a Connection, a LogReader over what that has mapped, and the waiting. One thread.
#ifndef ROOST_CLIENT_CLIENT_IMPL_H_
#define ROOST_CLIENT_CLIENT_IMPL_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "client/connection.h"
#include "client/log_reader.h"
#include "roost/client.h"

namespace roost {

struct Client::Impl {
  Impl(const ClientOptions& options, const Result<std::string>& socket);

  uint64_t Deadline() const { return MonotonicNs() + timeout_ns; }
  // Of a request that may wait for so long.
  uint64_t Deadline(std::chrono::milliseconds wait) const {
    return Deadline() + static_cast<uint64_t>(std::max<int64_t>(wait.count(), 0)) * kNsPerMs;
  }

  // Lets the connection work until something happened or `until_ns` has come.
  void Pump(uint64_t until_ns);
  // The same for the lane alone. False: nothing came, and it may sleep now.
  bool PumpLane(uint64_t until_ns);
  // What came through the socket and the lane, and the timers; waits until then at most.
  void PollOnce(uint64_t until_ns);
  // Without waiting, and not at each call.
  void Look();

  // Calls `start` with a callback and lets the connection work until that was called. What is started has
  // a deadline of its own.
  template <typename Outcome, typename Start>
  Outcome Finish(Start start);

  // The same for one request, which begins when a place is free: `start(deadline_ns, done)`.
  template <typename Outcome, typename Start>
  Outcome Ask(std::chrono::milliseconds wait, Start start);

  Status Attach(uint64_t deadline_ns);
  Status EnsureRing();
  Result<AppendResult> Append(const Batch& batch);
  void ReadConflict(AppendResult* result);
  Result<AppendResult> SettleConflict(const Batch& batch, AppendResult conflict);
  Status Read(const ReadQuery& query, uint64_t deadline_ns, Page* page);
  Status ReadThrough(ReadQuery query, uint64_t deadline_ns, Page* page, uint64_t* head);
  Status Fetch(uint64_t deadline_ns);
  Result<bool> WaitUntil(const Filter& filter, uint64_t after, uint64_t deadline_ns);
  LogReader& reader();
  void WaitForRoom();
  // What began then has ended now.
  void Record(wire::ClientWork work, uint64_t began_ns) {
    connection.own_work().Record(work, began_ns, MonotonicNs());
  }

  Connection connection;
  const uint64_t lane_spin_ns;
  const uint64_t timeout_ns;
  const Status trouble;  // no socket could be chosen: every call says why
  std::optional<LogReader> log_reader;
  uint64_t reader_generation = 0;
  uint64_t looked_ns = 0;
  uint64_t attach_tried_ns = 0;
  // Submitted batches whose callbacks were not called yet.
  size_t submitted = 0;
};

template <typename Outcome, typename Start>
Outcome Client::Impl::Finish(Start start) {
  std::optional<Outcome> outcome;
  start([&outcome](const Outcome& result) { outcome.emplace(result); });
  while (!outcome.has_value()) Pump(UINT64_MAX);
  return std::move(*outcome);
}

template <typename Outcome, typename Start>
Outcome Client::Impl::Ask(std::chrono::milliseconds wait, Start start) {
  if (!trouble.ok()) return trouble;
  WaitForRoom();
  const uint64_t deadline_ns = Deadline(wait);
  return Finish<Outcome>([&](auto done) { start(deadline_ns, std::move(done)); });
}

}  // namespace roost

#endif  // ROOST_CLIENT_CLIENT_IMPL_H_
