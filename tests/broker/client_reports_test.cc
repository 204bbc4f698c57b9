// What clients say of themselves, in the counters: added up where it can be true, ignored where it can't.
#include "broker/client_reports.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ipc/counters_reader.h"
#include "ipc/messages.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

using wire::ClientWork;
using wire::WorkDuration;

constexpr uint8_t kReportsLogId[16] = {1};
constexpr uint64_t kNow = 1'000'000 * kNsPerSecond;
constexpr uint64_t kMuch = 60 * kNsPerSecond / ClientReports::kNsPerWorkMin;  // in a minute

class ClientReportsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "roost-client-reports-" + std::to_string(::getpid());
    auto made =
        CountersWriter::Create(path_, {kReportsLogId, Durability::kProcess, "/data", 64 << 20});
    ASSERT_TRUE(made.ok()) << made.status().message();
    writer_.emplace(*std::move(made));
    reports_.emplace(&*writer_);
    for (Session* session : {&session_, &other_}) {
      session->counters_row = writer_->sessions().Begin({++sessions_, kNow, 1000, 42, "agent"});
    }
  }
  void TearDown() override { std::remove(path_.c_str()); }

  void Take(const RequestEncoder::ReportFields& fields, uint64_t now_ns = kNow) {
    const Bytes bytes = encoder_.Active(fields);
    const auto* request = flatbuffers::GetRoot<wire::Request>(bytes.data());
    reports_->Take(session_, *request->body_as_Active()->report(), now_ns);
  }
  void TakeHits(uint64_t hits, uint64_t now_ns = kNow) { Take({.cache_hits = hits}, now_ns); }

  CountersSnapshot Read() {
    auto read = ReadCounters(path_);
    EXPECT_TRUE(read.ok()) << read.status().message();
    return read.ok() ? *std::move(read) : CountersSnapshot();
  }
  uint64_t ignored() { return Read()[Counter::kClientReportsIgnored]; }
  uint64_t hits() { return Read()[Counter::kClientCacheHits]; }

  std::string path_;
  std::optional<CountersWriter> writer_;
  std::optional<ClientReports> reports_;
  RequestEncoder encoder_;
  Session session_;
  Session other_;
  uint64_t sessions_ = 0;
};

TEST_F(ClientReportsTest, AreAddedUpForTheSessionAndForAll) {
  const std::vector<WorkDuration> durations = {{100, ClientWork::Read, 3},
                                               {200, ClientWork::Read, 1},
                                               {300, ClientWork::Append, 2},
                                               {400, ClientWork::Validate, 4}};
  for (int i = 0; i < 2; ++i) Take({durations, 5, 6, 7, 8});
  const CountersSnapshot snapshot = Read();
  EXPECT_EQ(snapshot[Counter::kClientReports], 2u);
  EXPECT_EQ(snapshot[Counter::kClientReportsIgnored], 0u);
  EXPECT_EQ(snapshot[Counter::kClientLatenciesLost], 10u);
  EXPECT_EQ(snapshot[Counter::kClientCacheHits], 12u);
  EXPECT_EQ(snapshot[Counter::kClientCacheMisses], 14u);
  EXPECT_EQ(snapshot[Counter::kClientReadersOvertaken], 16u);
  EXPECT_EQ(snapshot[Latency::kClientRead].buckets()[100], 6u);
  EXPECT_EQ(snapshot[Latency::kClientRead].count(), 8u);
  EXPECT_EQ(snapshot[Latency::kClientAppend].count(), 4u);
  EXPECT_EQ(snapshot[Latency::kClientValidate].count(), 8u);
  EXPECT_EQ(snapshot[Latency::kAppend].count(), 0u) << "the broker's own word";
  ASSERT_EQ(snapshot.sessions.size(), 2u);
  const SessionCounters& session = snapshot.sessions[0];
  EXPECT_EQ(session[SessionLatency::kReads].buckets()[100], 6u);
  EXPECT_EQ(session[SessionLatency::kReads].count(), 8u);
  EXPECT_EQ(session[SessionLatency::kRequests].count(), 0u);
  EXPECT_EQ(session[SessionCounter::kCacheHits], 12u);
  EXPECT_EQ(session[SessionCounter::kCacheMisses], 14u);
  EXPECT_EQ(session[SessionCounter::kOvertaken], 16u);
  EXPECT_EQ(snapshot.sessions[1][SessionCounter::kCacheHits], 0u);
  EXPECT_EQ(snapshot.sessions[1][SessionLatency::kReads].count(), 0u);
}

TEST_F(ClientReportsTest, AreIgnoredAsAWholeWhenTheySayWhatCantBe) {
  const auto ignores = [&](const RequestEncoder::ReportFields& fields) {
    const uint64_t before = ignored();
    Take(fields);
    EXPECT_EQ(ignored(), before + 1);
  };
  constexpr uint32_t kCountMax = std::numeric_limits<uint32_t>::max();
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const std::vector<WorkDuration> beyond = {{5, ClientWork::Read, 1},
                                            {Histogram::kBuckets, ClientWork::Read, 1}};
  ignores({.durations = beyond, .cache_hits = 1});
  const std::vector<WorkDuration> unknown = {{5, static_cast<ClientWork>(3), 1}};
  ignores({.durations = unknown});
  const std::vector<WorkDuration> too_often = {{5, ClientWork::Read, kCountMax}};
  ignores({.durations = too_often});
  const std::vector<WorkDuration> too_many(kReportDurationsMax + 1, {5, ClientWork::Read, 1});
  ignores({.durations = too_many});
  ignores({.durations = {}, .cache_hits = kMuch + 1});
  ignores({.cache_hits = kMax});
  // Sums that overflow to something small.
  ignores({.cache_hits = kMax, .cache_misses = 2});
  ignores({.cache_hits = 1, .cache_misses = kMax, .overtaken = kMax});
  ignores({.durations_lost = kMax, .cache_hits = 1});
  const CountersSnapshot snapshot = Read();
  EXPECT_EQ(snapshot[Counter::kClientReports], 0u);
  EXPECT_EQ(snapshot[Counter::kClientCacheHits], 0u);
  EXPECT_EQ(snapshot[Counter::kClientCacheMisses], 0u);
  EXPECT_EQ(snapshot[Counter::kClientLatenciesLost], 0u);
  EXPECT_EQ(snapshot[Latency::kClientRead].count(), 0u);
  for (const SessionCounters& session : snapshot.sessions) {
    EXPECT_EQ(session[SessionLatency::kReads].count(), 0u);
    EXPECT_EQ(session[SessionCounter::kCacheHits], 0u);
  }
}

TEST_F(ClientReportsTest, SayNoMoreThanCanBeDoneInTheTime) {
  TakeHits(kMuch);
  EXPECT_EQ(hits(), kMuch);
  TakeHits(1);
  EXPECT_EQ(ignored(), 1u);
  // Time gives them more to say, a clock that stands still nothing.
  TakeHits(2, kNow + ClientReports::kNsPerWorkMin);
  EXPECT_EQ(ignored(), 2u);
  TakeHits(1, kNow + ClientReports::kNsPerWorkMin);
  EXPECT_EQ(hits(), kMuch + 1);
  TakeHits(1, kNow - kNsPerSecond);
  EXPECT_EQ(ignored(), 3u);
  // What was not used for long is not saved up for ever.
  TakeHits(kMuch + 1, 2 * kNow);
  EXPECT_EQ(ignored(), 4u);
  TakeHits(kMuch, 2 * kNow);
  EXPECT_EQ(hits(), 2 * kMuch + 1);
}

TEST_F(ClientReportsTest, MayComeLateAndTogether) {
  for (int i = 0; i < 10; ++i) TakeHits(kMuch / 100);
  EXPECT_EQ(hits(), 10 * (kMuch / 100));
  EXPECT_EQ(ignored(), 0u);
}

TEST_F(ClientReportsTest, AreCountedForAllWhereASessionHasNoRow) {
  session_.counters_row = writer_->sessions().nowhere();
  const std::vector<WorkDuration> durations = {{100, ClientWork::Read, 3}};
  Take({.durations = durations, .cache_hits = 1});
  const CountersSnapshot snapshot = Read();
  EXPECT_EQ(snapshot[Latency::kClientRead].count(), 3u);
  EXPECT_EQ(snapshot[Counter::kClientCacheHits], 1u);
}

}  // namespace
}  // namespace roost
