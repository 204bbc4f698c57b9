#include "tools/bench/workloads.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "ipc/broker_health.h"
#include "ipc/socket_path.h"
#include "tools/bench/statistics.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr size_t kDataBytes = 256;
constexpr size_t kBatchEvents = 64;
constexpr int kBatchesInFlight = 4;
constexpr size_t kFilledEvents = 10'000;
constexpr size_t kFilledStreams = 10;

constexpr WorkloadKind kWorkloads[] = {
    {Workload::kAppend, "append", Yardstick::kWake},
    {Workload::kAppendBatch, "append_batch", Yardstick::kWrite},
    {Workload::kRead, "read", Yardstick::kCopy},
    {Workload::kScan, "scan", Yardstick::kCopy},
    {Workload::kWait, "wait", Yardstick::kWake},
    {Workload::kClaim, "claim", Yardstick::kWake},
    {Workload::kVerdict, "verdict", Yardstick::kCopy},
    {Workload::kHealth, "health", Yardstick::kWrite},
};

std::string StreamName(size_t number) { return fmt::format("bench/{}", number % kFilledStreams); }

ClientOptions OptionsFor(const std::string& socket, const char* agent) {
  return {
      .socket = socket, .agent = agent, .program = "roost bench", .timeout = milliseconds(30'000)};
}

ReadQuery NewestTen() {
  ReadQuery query;
  query.filter.stream = StreamName(3);
  query.limit = 10;
  query.order = Order::kNewestFirst;
  return query;
}

// Looks at the filled part alone, so that it is the same work in each round.
ReadQuery Scan() {
  ReadQuery query;
  query.filter.types = {"bench.none"};
  query.before = kFilledEvents;
  query.order = Order::kNewestFirst;
  return query;
}

}  // namespace

std::span<const WorkloadKind> AllWorkloads() { return kWorkloads; }

WorkloadRunner::WorkloadRunner(const std::string& socket)
    : socket_(socket), client_(OptionsFor(socket, "bench")), waiter_(OptionsFor(socket, "waiter")) {
  event_ = {.stream = "bench/appended",
            .type = "bench.event",
            .data = '"' + std::string(kDataBytes - 2, 'x') + '"'};
  batch_.events.assign(kBatchEvents, event_);
  question_ = {.kind = "bench", .input = R"({"n":1})"};
}

Result<std::unique_ptr<WorkloadRunner>> WorkloadRunner::Make(const std::string& socket) {
  std::unique_ptr<WorkloadRunner> runner(new WorkloadRunner(socket));
  ROOST_RETURN_IF_ERROR(runner->Fill());
  return runner;
}

Status WorkloadRunner::Fill() {
  Batch batch = batch_;
  for (size_t filled = 0; filled < kFilledEvents; filled += kBatchEvents) {
    for (size_t i = 0; i < kBatchEvents; ++i) batch.events[i].stream = StreamName(filled + i);
    ROOST_RETURN_IF_ERROR(client_.Append(batch).status());
  }
  const auto answers = client_.Validate(std::span(&question_, 1), milliseconds(0));
  if (!answers.ok()) return answers.status();
  const Answer& answer = answers->front();
  if (!answer.you_decide) return {StatusCode::kUnavailable, "the broker does not let us decide"};
  return client_.Decide({.key = answer.key, .token = {answer.token, 0}, .verdict = Verdict::kAllow})
      .status();
}

// `at_once` of them between two looks at the clock, which takes some 50 ns
// itself.
template <typename Once>
Result<double> WorkloadRunner::MedianOf(int times, int at_once, Once once) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const uint64_t begin = MonotonicNs();
    for (int k = 0; k < at_once; ++k) ROOST_RETURN_IF_ERROR(once());
    took.push_back(static_cast<double>(MonotonicNs() - begin) / at_once);
  }
  return Median(std::move(took));
}

Result<double> WorkloadRunner::AppendBatches() {
  Status failed;
  const auto done = [&failed](const Result<AppendResult>& result) {
    if (!result.ok()) failed = result.status();
  };
  const auto some = MedianOf(8, 1, [&]() -> Status {
    for (int i = 0; i < kBatchesInFlight; ++i) ROOST_RETURN_IF_ERROR(client_.Submit(batch_, done));
    ROOST_RETURN_IF_ERROR(client_.Flush());
    return failed;
  });
  if (!some.ok()) return some.status();
  return *some / (kBatchesInFlight * static_cast<double>(kBatchEvents));
}

// The waiter has registered, or soon will, when it is given a moment: what it
// then takes is to be woken, and to read.
Result<double> WorkloadRunner::Wait() {
  constexpr int kTimes = 20;
  std::atomic<int> waiting{0};
  std::atomic<uint64_t> seen_ns{0};
  std::atomic<bool> gone{false};  // the waiter has ended
  Status failed;                  // the waiter's; read when it was joined
  auto head = client_.Append(event_);
  if (!head.ok()) return head.status();
  std::thread waiter([&, after = head->sequence]() mutable {
    ReadQuery query;
    query.filter.stream = "bench/waited";
    for (int i = 1; i <= kTimes && failed.ok(); ++i) {
      query.after = after;
      waiting.store(i, std::memory_order_release);
      const auto page = waiter_.Wait(query, milliseconds(10'000));
      const uint64_t now = MonotonicNs();
      if (!page.ok() || page->empty()) {
        failed = page.ok() ? Status(StatusCode::kTimedOut, "an event was not seen") : page.status();
      } else {
        after = page->next();
      }
      seen_ns.store(now, std::memory_order_release);
    }
    gone.store(true, std::memory_order_release);
  });
  NewEvent event = event_;
  event.stream = "bench/waited";
  std::vector<double> took;
  Status appended;
  const auto has_gone = [&] { return gone.load(std::memory_order_acquire); };
  for (int i = 1; i <= kTimes && appended.ok() && !has_gone(); ++i) {
    while (waiting.load(std::memory_order_acquire) < i && !has_gone()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    seen_ns.store(0, std::memory_order_relaxed);
    const uint64_t begin = MonotonicNs();
    appended = client_.Append(event).status();
    uint64_t seen = 0;
    while ((seen = seen_ns.load(std::memory_order_acquire)) == 0 && !has_gone()) {
      std::this_thread::yield();
    }
    if (seen > begin) took.push_back(static_cast<double>(seen - begin));
  }
  waiter.join();
  if (!appended.ok()) return appended;
  if (!failed.ok()) return failed;
  if (took.empty()) return Status(StatusCode::kTimedOut, "no event was seen");
  return Median(std::move(took));
}

Result<double> WorkloadRunner::Measure(Workload workload) {
  switch (workload) {
    case Workload::kAppend:
      return MedianOf(200, 1, [&] { return client_.Append(event_).status(); });
    case Workload::kAppendBatch:
      return AppendBatches();
    case Workload::kRead:
      return MedianOf(200, 10, [&, query = NewestTen()] { return client_.Read(query, &page_); });
    case Workload::kScan:
      return MedianOf(10, 1, [&, query = Scan()] { return client_.Read(query, &page_); });
    case Workload::kWait:
      return Wait();
    case Workload::kClaim:
      return MedianOf(100, 1, [&]() -> Status {
        const auto claimed = client_.Claim({.keys = {"bench/key"}});
        if (!claimed.ok()) return claimed.status();
        return client_.Release(claimed->token).status();
      });
    case Workload::kVerdict:
      return MedianOf(200, 10, [&]() -> Status {
        const auto answers = client_.Validate(std::span(&question_, 1), milliseconds(0));
        if (!answers.ok()) return answers.status();
        const bool known = answers->front().verdict == Verdict::kAllow;
        return known ? Status() : Status(StatusCode::kUnavailable, "the verdict was forgotten");
      });
    case Workload::kHealth:
      return MedianOf(100, 1, [path = CountersPath(socket_)]() -> Status {
        const Health health = CheckHealth(path);
        const bool there = health.broker_pid != 0;
        return there ? Status() : Status(StatusCode::kUnavailable, health.reason);
      });
  }
  return Status(StatusCode::kInvalidArgument, "no such workload");
}

}  // namespace roost
