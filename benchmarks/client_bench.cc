// What reading through libroost costs, in one thread: no socket, no broker.
//
//   BM_ReadNewest/streams:N   a page of the 10 newest events of one stream among N, from the ring
//   BM_ReadAfter              a page of the 10 events after a sequence, from the ring
//   BM_BareRead               yardstick: 10 records copied by sequence from the ring, no filter, no page
//   BM_ReadCold/events:N      a page of N events of one stream that only the journal has, segments open
//   BM_ReadClosed/streams:N/compressed:1   the 10 events before a random place of a random stream, from closed
//                             segments that `roost compact` has compressed; :0 the yardstick, the same plain
//   BM_ScanByType             looking through the ring for a rare type, an item is an event looked at
//   BM_EncodeBatch/batch:N    a request of N events of 256 bytes, an item is an event
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "client/log_reader.h"
#include "ipc/messages.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "log/segment_compactor.h"

namespace roost {
namespace {

constexpr size_t kDataBytes = 256;
constexpr uint32_t kPageEvents = 10;
constexpr uint64_t kEvents = 100'000;

enum class Journal { kAsWritten, kClosed, kCompressed };

// A log whose ring has all of it or only its end, and a reader on it.
class BenchLog {
 public:
  BenchLog(uint64_t ring_bytes, uint64_t streams, Journal journal = Journal::kAsWritten) {
    directory_ = std::filesystem::temp_directory_path() /
                 ("roost-client-bench-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    LogOptions options;
    options.directory = directory_;
    options.ring_bytes = ring_bytes;
    if (journal != Journal::kAsWritten) options.segment_bytes = 8 << 20;
    Open(options);
    for (uint64_t i = 0; i < kEvents; ++i) {
      if (journal != Journal::kAsWritten) data_ = LikeAnAgent(i);
      Append(i % streams, i % 1000 == 0);
      if (i % 10'000 == 0) ROOST_CHECK(log_->MaintainJournal().ok());
    }
    ROOST_CHECK(log_->MaintainJournal().ok());
    if (journal == Journal::kCompressed) {
      ROOST_CHECK(log_->Close().ok());
      log_.reset();
      Compact();
      Open(options);
    }
    const UniqueFd fd(::fcntl(log_->ring_fd(), F_DUPFD_CLOEXEC, 0));
    ring_ = std::make_unique<RingReader>(RingReader::Open(fd).value());
    reader_ = std::make_unique<LogReader>(ring_.get(), &segments_);
  }
  ~BenchLog() { std::filesystem::remove_all(directory_); }

  const RingReader& ring() const { return *ring_; }
  double ratio() const { return ratio_; }

  void Read(const ReadQuery& query, Page* page) {
    LogReader::Step step = reader_->Begin(query, page);
    while (step == LogReader::Step::kNeedsSegment) {
      Fetch();
      step = reader_->Continue();
    }
    ROOST_CHECK(step == LogReader::Step::kDone, "{}", reader_->status().message());
  }

 private:
  void Open(const LogOptions& options) {
    RecoveryReport report;
    auto log = LogWriter::Open(options, "", nullptr, &report);
    ROOST_CHECK(log.ok(), "{}", log.status().message());
    log_ = std::move(*log);
  }
  void Compact() {
    const auto directory = DataDirectory::Open(directory_, "").value();
    uint64_t before = 0;
    uint64_t after = 0;
    const CompactionPlan plan = PlanCompaction(directory_, 0).value();
    for (const std::string& name : plan.names) {
      const auto outcome = CompactSegment(directory, name, kCompactionLevelDefault).value();
      before += outcome.bytes_before;
      after += outcome.bytes_after;
    }
    ratio_ = static_cast<double>(before) / static_cast<double>(after);
  }
  // Words that repeat, and some that never do.
  std::string LikeAnAgent(uint64_t number) {
    std::string text = "{\"task\":\"task/" + std::to_string(number % 977) +
                       "\",\"state\":\"running\",\"by\":\"worker-" + std::to_string(number % 40) +
                       "\",\"digest\":\"";
    for (int i = 0; i < 8; ++i) text += std::to_string(random_() % 100'000'000);
    text += "\",\"files\":[\"src/module_" + std::to_string(random_() % 300) +
            ".cc\",\"src/module_" + std::to_string(random_() % 300) +
            ".h\"],\"note\":\"checked, and nothing was found that is not as it was\"}";
    return text;
  }
  void Append(uint64_t stream_number, bool is_rare) {
    const std::string stream = "stream/" + std::to_string(stream_number);
    const std::string type = is_rare ? "bench.rare" : "bench.event";
    encoder_.BeginAppend();
    encoder_.AddEvent({.stream = stream, .type = type, .agent = "bench", .data = data_});
    const Bytes request = encoder_.FinishAppend(1);
    const auto* body =
        wire::GetRequest(request.data())->body_as_Append()->events()->Get(0)->event();
    EventToStage staged;
    staged.body = {reinterpret_cast<const std::byte*>(body->data()), body->size()};
    staged.stream = stream;
    staged.type_hash = FilterHash(type);
    staged.agent_hash = FilterHash("bench");
    BatchPlace place;
    ROOST_CHECK(log_->Stage({&staged, 1}, {}, &place) == StageOutcome::kStaged);
    ROOST_CHECK(log_->Commit().ok());
  }
  void Fetch() {
    auto place = log_->FindSegment(reader_->needed_sequence(), reader_->needed_position());
    ROOST_CHECK(place.ok(), "{}", place.status().message());
    SegmentCache::Entry entry{SegmentReader::Open(std::move(place->fd), "segment").value()};
    if (!entry.TakeFooter()) {
      entry.end_position = place->end_position;
      entry.anchor_sequence = place->anchor_sequence;
      entry.anchor_position = place->anchor_position;
    }
    segments_.Add(std::move(entry));
  }

  std::string directory_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<RingReader> ring_;
  SegmentCache segments_;
  std::unique_ptr<LogReader> reader_;
  RequestEncoder encoder_;
  std::string data_ = std::string(kDataBytes, 'x');
  std::minstd_rand random_;
  double ratio_ = 1;
};

void BM_ReadNewest(benchmark::State& state) {
  const auto streams = static_cast<uint64_t>(state.range(0));
  BenchLog log(64 << 20, streams);
  ReadQuery query;
  query.limit = kPageEvents;
  query.order = Order::kNewestFirst;
  Page page;
  uint64_t number = 0;
  for (auto _ : state) {
    query.filter.stream = "stream/" + std::to_string(number++ * 7919 % streams);
    log.Read(query, &page);
    benchmark::DoNotOptimize(page[0].data.data());
  }
}
BENCHMARK(BM_ReadNewest)->ArgName("streams")->Arg(10)->Arg(10'000);

void BM_ReadAfter(benchmark::State& state) {
  BenchLog log(64 << 20, 10);
  ReadQuery query;
  query.limit = kPageEvents;
  Page page;
  for (auto _ : state) {
    query.after = (query.after + 7919) % (kEvents - kPageEvents);
    log.Read(query, &page);
    benchmark::DoNotOptimize(page[0].data.data());
  }
}
BENCHMARK(BM_ReadAfter);

void BM_BareRead(benchmark::State& state) {
  BenchLog log(64 << 20, 10);
  std::vector<std::byte> bytes;
  uint64_t after = 0;
  for (auto _ : state) {
    after = (after + 7919) % (kEvents - kPageEvents);
    bytes.clear();
    for (uint64_t sequence = after + 1; sequence <= after + kPageEvents; ++sequence) {
      RecordHeader header;
      uint64_t position;
      ROOST_CHECK(log.ring().ReadHeader(sequence, &header, &position) ==
                  RingReader::Outcome::kEvent);
      ROOST_CHECK(log.ring().ReadRecordAt(position, &bytes) == RingReader::Outcome::kEvent);
    }
    benchmark::DoNotOptimize(bytes.data());
  }
}
BENCHMARK(BM_BareRead);

void BM_ReadCold(benchmark::State& state) {
  BenchLog log(64 << 10, 10);
  ReadQuery query;
  query.filter.stream = "stream/3";
  query.limit = static_cast<uint32_t>(state.range(0));
  Page page;
  uint64_t start = 0;
  for (auto _ : state) {
    start = (start + 997) % 8000;
    query.from_revision = start + 1;
    log.Read(query, &page);
    benchmark::DoNotOptimize(page[0].data.data());
  }
}
BENCHMARK(BM_ReadCold)->ArgName("events")->Arg(10)->Arg(500);

void BM_ReadClosed(benchmark::State& state) {
  const auto streams = static_cast<uint64_t>(state.range(0));
  BenchLog log(64 << 10, streams, state.range(1) != 0 ? Journal::kCompressed : Journal::kClosed);
  ReadQuery query;
  query.limit = kPageEvents;
  query.order = Order::kNewestFirst;
  Page page;
  std::minstd_rand random;
  // What the open segment may have is left alone.
  const uint64_t revisions = kEvents / streams * 9 / 10;
  for (auto _ : state) {
    query.filter.stream = "stream/" + std::to_string(random() % streams);
    query.from_revision = kPageEvents + random() % (revisions - kPageEvents);
    log.Read(query, &page);
    ROOST_CHECK(page.size() == kPageEvents);
    benchmark::DoNotOptimize(page[0].data.data());
  }
  state.counters["ratio"] = log.ratio();
}
BENCHMARK(BM_ReadClosed)->ArgNames({"streams", "compressed"})->ArgsProduct({{10, 1000}, {0, 1}});

void BM_ScanByType(benchmark::State& state) {
  BenchLog log(64 << 20, 10);
  ReadQuery query;
  query.filter.types = {"bench.rare"};
  query.limit = 1000;
  Page page;
  uint64_t looked_at = 0;
  for (auto _ : state) {
    query.after = 0;
    do {
      log.Read(query, &page);
      looked_at += page.next() - query.after;
      query.after = page.next();
    } while (page.more());
  }
  state.SetItemsProcessed(static_cast<int64_t>(looked_at));
}
BENCHMARK(BM_ScanByType);

void BM_EncodeBatch(benchmark::State& state) {
  RequestEncoder encoder;
  const std::string data(kDataBytes, 'x');
  uint64_t number = 0;
  for (auto _ : state) {
    encoder.BeginAppend();
    for (int64_t i = 0; i < state.range(0); ++i) {
      encoder.AddEvent(
          {.stream = "bench/stream", .type = "bench.event", .agent = "bench", .data = data});
    }
    benchmark::DoNotOptimize(encoder.FinishAppend(++number).data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_EncodeBatch)->ArgName("batch")->Arg(1)->Arg(64);

}  // namespace
}  // namespace roost

BENCHMARK_MAIN();
