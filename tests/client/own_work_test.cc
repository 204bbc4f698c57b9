// What a client did by itself, and how the broker hears of it.
#include "client/own_work.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/histogram.h"
#include "ipc/protocol.h"
#include "tests/client/connection_fixture.h"

namespace roost {
namespace {

using wire::ClientWork;

using Durations = std::map<std::pair<ClientWork, size_t>, uint64_t>;

Durations DurationsOf(const OwnWork& work) {
  Durations durations;
  for (const wire::WorkDuration& duration : work.Fields().durations) {
    const auto [at, is_new] = durations.insert(
        {{duration.work(), duration.bucket()}, duration.count()});
    EXPECT_TRUE(is_new) << duration.bucket();
  }
  return durations;
}

TEST(OwnWorkTest, CountsDurationsByWorkAndBucket) {
  OwnWork work;
  EXPECT_TRUE(work.empty());
  EXPECT_EQ(work.since_ns(), UINT64_MAX);
  work.Record(ClientWork::Validate, 0, 700);
  work.Record(ClientWork::Read, 1'000, 1'700);
  work.Record(ClientWork::Read, 5'000, 5'700);
  work.Record(ClientWork::Read, 5'000, 9'000'000);
  work.Record(ClientWork::Read, 5'000, 4'000);  // of a clock that went back
  EXPECT_EQ(work.since_ns(), 700u);
  const Durations expected = {{{ClientWork::Read, 0}, 1},
                              {{ClientWork::Read, Histogram::IndexOf(700)}, 2},
                              {{ClientWork::Read, Histogram::IndexOf(8'995'000)}, 1},
                              {{ClientWork::Validate, Histogram::IndexOf(700)}, 1}};
  EXPECT_EQ(DurationsOf(work), expected);
  work.Clear();
  EXPECT_TRUE(work.empty());
  EXPECT_EQ(work.since_ns(), UINT64_MAX);
}

TEST(OwnWorkTest, KeepsNoMoreThanAReportHasAndCountsTheOthers) {
  OwnWork work;
  for (size_t bucket = 0; bucket < kReportDurationsMax + 7; ++bucket) {
    work.Record(ClientWork::Append, 0, Histogram::MiddleOf(Histogram::kBuckets - 1 - bucket));
  }
  work.Record(ClientWork::Append, 0, Histogram::MiddleOf(Histogram::kBuckets - 1));
  EXPECT_EQ(DurationsOf(work).size(), kReportDurationsMax);
  EXPECT_EQ((DurationsOf(work)[{ClientWork::Append, Histogram::kBuckets - 1}]), 2u);
  EXPECT_EQ(work.Fields().durations_lost, 7u);
}

TEST(OwnWorkTest, KnowsWhoLostItsPlaceInTheRing) {
  OwnWork work;
  work.SetPlace(100, /*oldest=*/50);
  EXPECT_FALSE(work.LostItsPlace(100, 101)) << "the next is still there";
  EXPECT_TRUE(work.LostItsPlace(100, 102));
  EXPECT_FALSE(work.LostItsPlace(99, 102)) << "it went elsewhere";
  work.SetPlace(10, /*oldest=*/50);  // it reads what the ring has not got anyway
  EXPECT_FALSE(work.LostItsPlace(10, 60));
  EXPECT_FALSE(work.LostItsPlace(0, 60));
}

// Over a connection to a broker that the test plays.
class WorkReportTest : public ConnectionTest {
 protected:
  static constexpr uint64_t kReportNs = 20 * kNsPerMs;

  WorkReportTest()
      : reporting_(std::make_unique<Connection>(ConnectionOptions{
            .socket = broker_.socket(), .agent = "tester", .report_ns = kReportNs})) {}

  void TurnReporting() {
    pollfd polled{reporting_->fd(), reporting_->events(), 0};
    if (::poll(&polled, reporting_->fd() >= 0 ? 1 : 0, 2) > 0) reporting_->OnReady();
    if (MonotonicNs() >= reporting_->NextTimerNs()) reporting_->OnTimer();
  }
  template <typename Predicate>
  bool UntilReporting(Predicate predicate) {
    const uint64_t patience_ns = MonotonicNs() + 30 * kNsPerSecond;
    while (!predicate()) {
      if (MonotonicNs() > patience_ns) return false;
      TurnReporting();
    }
    return true;
  }
  void AttachReporting() {
    broker_.Listen();
    reporting_->Attach(kNever, [](const Status&) {});
    ASSERT_TRUE(UntilReporting([this] { return broker_.TryAccept(); }));
    ReceiveFrom();
    broker_.ReplyAttached();
    ASSERT_TRUE(UntilReporting([this] { return reporting_->attached(); }));
  }
  GotRequest ReceiveFrom() {
    std::optional<GotRequest> request;
    EXPECT_TRUE(UntilReporting([&] {
      request = broker_.TryReceive();
      return request.has_value();
    }));
    ROOST_CHECK(request.has_value() && request->valid(), "the test can't go on without a request");
    return std::move(*request);
  }
  static const wire::WorkReport* ReportOf(const GotRequest& request) {
    const wire::Active* active = request->body_as_Active();
    return active == nullptr ? nullptr : active->report();
  }
  void RecordRead() {
    const uint64_t now_ns = MonotonicNs();
    reporting_->own_work().Record(ClientWork::Read, now_ns - 1'000, now_ns);
  }

  std::unique_ptr<Connection> reporting_;
};

TEST_F(WorkReportTest, ComesByATimerFromWhoAsksForNothing) {
  AttachReporting();
  EXPECT_EQ(reporting_->NextTimerNs(), UINT64_MAX) << "who is idle has no timer";
  RecordRead();
  RecordRead();
  reporting_->own_work().CountCache(true);
  reporting_->own_work().CountCache(false);
  reporting_->own_work().CountOvertaken();
  EXPECT_LE(reporting_->NextTimerNs(), MonotonicNs() + kReportNs);
  const GotRequest request = ReceiveFrom();
  EXPECT_EQ(request.number(), 0u);
  const wire::WorkReport* report = ReportOf(request);
  ASSERT_NE(report, nullptr);
  ASSERT_EQ(report->durations()->size(), 1u);
  EXPECT_EQ(report->durations()->Get(0)->bucket(), Histogram::IndexOf(1'000));
  EXPECT_EQ(report->durations()->Get(0)->count(), 2u);
  EXPECT_EQ(report->cache_hits(), 1u);
  EXPECT_EQ(report->cache_misses(), 1u);
  EXPECT_EQ(report->overtaken(), 1u);
  EXPECT_EQ(reporting_->NextTimerNs(), UINT64_MAX) << "it was handed over, and nothing came since";
}

TEST_F(WorkReportTest, GoesWithARequestThatIsSentAnyway) {
  AttachReporting();
  std::this_thread::sleep_for(std::chrono::nanoseconds(kReportNs));
  RecordRead();
  reporting_->Append(OneEvent("s"), kNever, [](const Result<AppendResult>&) {});
  EXPECT_EQ(ReceiveFrom().stream(), "s");
  EXPECT_NE(ReportOf(ReceiveFrom()), nullptr);
  // Not with each of them.
  RecordRead();
  reporting_->Append(OneEvent("t"), kNever, [](const Result<AppendResult>&) {});
  EXPECT_EQ(ReceiveFrom().stream(), "t");
  EXPECT_FALSE(reporting_->own_work().empty());
}

TEST_F(WorkReportTest, ComesWhenTheConnectionEnds) {
  AttachReporting();
  RecordRead();
  reporting_.reset();
  std::optional<GotRequest> request = broker_.TryReceive();
  ASSERT_TRUE(request.has_value());
  EXPECT_NE(ReportOf(*request), nullptr);
}

TEST_F(WorkReportTest, IsKeptWhileThereIsNoBroker) {
  AttachReporting();
  broker_.Cut();
  ASSERT_TRUE(UntilReporting([this] { return !reporting_->attached(); }));
  RecordRead();
  EXPECT_GT(reporting_->NextTimerNs(), MonotonicNs()) << "it would spin";
  ASSERT_TRUE(UntilReporting([this] { return broker_.TryAccept(); }));
  ReceiveFrom();
  broker_.ReplyAttached();
  EXPECT_NE(ReportOf(ReceiveFrom()), nullptr);
}

}  // namespace
}  // namespace roost
