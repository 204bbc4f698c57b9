// The log alone, in one thread and one process: what an append and a read cost without anybody's socket.
//
//   BM_LogAppend/durability:D/batch:N   stage N events of 256 bytes and commit; D as in ring_format.h
//                                       (0 memory, 1 process, 2 power)
//   BM_BareAppend/batch:N               yardstick: the same bytes copied, checksummed and pwritten to a
//                                       preallocated file, and nothing else
//   BM_RingRead                         one event by sequence, header and record, checked against overrun
//   BM_BareRead                         yardstick: memcpy of as many bytes from as large a memory
//   BM_RingReadStream/streams:N         10 events of one stream backwards, among N streams
//   BM_LogRecover/mib:N                 opening a log with N MiB of journal (warm)
//
// Set ROOST_BENCH_DIR to a directory on the disk to be measured; the default is under /tmp.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "log/ring_reader.h"
#include "schemas/event_generated.h"

namespace roost {
namespace {

constexpr size_t kDataBytes = 256;

std::vector<std::byte> MakeBody(const std::string& stream) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint8_t> data(kDataBytes, 'x');
  builder.Finish(wire::CreateEventDirect(builder, stream.c_str(), "bench.event", "bench", nullptr,
                                         nullptr, nullptr, nullptr, &data));
  const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

// A log in a directory of its own, gone afterwards.
class BenchLog {
 public:
  explicit BenchLog(Durability durability) {
    const char* root = std::getenv("ROOST_BENCH_DIR");
    options_.directory = std::string(root != nullptr ? root : "/tmp") + "/roost-log-bench-" +
                         std::to_string(::getpid());
    std::filesystem::remove_all(options_.directory);
    options_.durability = durability;
    Open();
  }
  ~BenchLog() {
    log_.reset();
    std::filesystem::remove_all(options_.directory);
  }
  void Open() {
    log_.reset();
    auto log = LogWriter::Open(options_, "bench", nullptr, nullptr);
    ROOST_CHECK(log.ok(), "{}", log.status().message());
    log_ = std::move(*log);
  }
  LogWriter* operator->() { return log_.get(); }
  RingReader Reader() {
    const UniqueFd fd(::fcntl(log_->ring_fd(), F_DUPFD_CLOEXEC, 0));
    auto reader = RingReader::Open(fd);
    ROOST_CHECK(reader.ok(), "{}", reader.status().message());
    return std::move(*reader);
  }
  void Append(std::span<const EventToStage> events) {
    BatchPlace place;
    const StageOutcome outcome = log_->Stage(events, {.session = 1, .time_ns = 1}, &place);
    ROOST_CHECK(outcome == StageOutcome::kStaged);
    const Status status = log_->Commit();
    ROOST_CHECK(status.ok(), "{}", status.message());
  }

 private:
  LogOptions options_;
  std::unique_ptr<LogWriter> log_;
};

std::vector<EventToStage> MakeBatch(const std::vector<std::byte>& body, const std::string& stream,
                                    size_t count) {
  return std::vector<EventToStage>(count, {.body = body, .stream = stream});
}

void BM_LogAppend(benchmark::State& state) {
  BenchLog log(static_cast<Durability>(state.range(0)));
  const std::string stream = "bench/stream";
  const auto body = MakeBody(stream);
  const auto batch = MakeBatch(body, stream, static_cast<size_t>(state.range(1)));
  uint64_t appended = 0;
  for (auto _ : state) {
    log.Append(batch);
    appended += batch.size();
    // What the broker's helper thread does beside it is not counted.
    if (appended % (1 << 16) == 0) {
      state.PauseTiming();
      ROOST_CHECK(log->MaintainJournal().ok());
      state.ResumeTiming();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(appended));
}
BENCHMARK(BM_LogAppend)->ArgNames({"durability", "batch"})->ArgsProduct({{0, 1}, {1, 64}});
BENCHMARK(BM_LogAppend)->ArgNames({"durability", "batch"})->Args({2, 64})->Iterations(200);

void BM_BareAppend(benchmark::State& state) {
  const char* root = std::getenv("ROOST_BENCH_DIR");
  const std::string path = std::string(root != nullptr ? root : "/tmp") + "/roost-bare-bench-" +
                           std::to_string(::getpid());
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  constexpr uint64_t kFileBytes = 64 << 20;
  ROOST_CHECK(::fallocate(fd.get(), 0, 0, kFileBytes) == 0);
  const size_t record = RecordSize(RecordKind::kEvent, MakeBody("bench/stream").size());
  const size_t size = record * static_cast<size_t>(state.range(0));
  const std::vector<std::byte> from(size, std::byte{1});
  std::vector<std::byte> to(size);
  uint64_t offset = 0;
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), size);
    benchmark::DoNotOptimize(Crc32c(0, to));
    if (offset + size > kFileBytes) offset = 0;
    ROOST_CHECK(::pwrite(fd.get(), to.data(), size, static_cast<off_t>(offset)) ==
                static_cast<ssize_t>(size));
    offset += size;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
  ::unlink(path.c_str());
}
BENCHMARK(BM_BareAppend)->ArgName("batch")->Arg(1)->Arg(64);

// A ring that is full of events of `streams` streams in turn.
void FillRing(BenchLog& log, uint64_t streams, uint64_t events) {
  for (uint64_t i = 0; i < events; ++i) {
    const std::string stream = "bench/" + std::to_string(i % streams);
    const auto body = MakeBody(stream);
    log.Append(MakeBatch(body, stream, 1));
  }
}

void BM_RingRead(benchmark::State& state) {
  BenchLog log(Durability::kMemory);
  FillRing(log, 100, 100'000);
  const RingReader reader = log.Reader();
  std::vector<std::byte> record;
  uint64_t sequence = 1;
  uint64_t bytes = 0;
  for (auto _ : state) {
    RecordHeader header;
    uint64_t position = 0;
    ROOST_CHECK(reader.ReadHeader(sequence, &header, &position) == RingReader::Outcome::kEvent);
    record.clear();
    ROOST_CHECK(reader.ReadRecordAt(position, &record) == RingReader::Outcome::kEvent);
    benchmark::DoNotOptimize(record.data());
    bytes += record.size();
    sequence = sequence == 100'000 ? 1 : sequence + 1;
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_RingRead);

void BM_BareRead(benchmark::State& state) {
  const size_t size = RecordSize(RecordKind::kEvent, MakeBody("bench/10").size());
  const std::vector<std::byte> from(100'000 * size, std::byte{1});
  std::vector<std::byte> to(size);
  size_t index = 0;
  for (auto _ : state) {
    std::memcpy(to.data(), from.data() + index * size, size);
    benchmark::DoNotOptimize(to.data());
    index = index == 99'999 ? 0 : index + 1;
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * size));
}
BENCHMARK(BM_BareRead);

void BM_RingReadStream(benchmark::State& state) {
  BenchLog log(Durability::kMemory);
  FillRing(log, static_cast<uint64_t>(state.range(0)), 120'000);
  const RingReader reader = log.Reader();
  std::vector<std::byte> record;
  uint64_t number = 0;
  for (auto _ : state) {
    const auto id = reader.FindStream("bench/" + std::to_string(number));
    ROOST_CHECK(id.has_value());
    uint64_t position = reader.Stream(*id).last_position;
    for (int i = 0; i < 10 && position != 0; ++i) {
      record.clear();
      ROOST_CHECK(reader.ReadRecordAt(position, &record) == RingReader::Outcome::kEvent);
      RecordHeader header;
      std::memcpy(&header, record.data(), sizeof(header));
      position = header.previous;
    }
    number = (number + 7) % static_cast<uint64_t>(state.range(0));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RingReadStream)->ArgName("streams")->Arg(10)->Arg(10'000);

void BM_LogRecover(benchmark::State& state) {
  BenchLog log(Durability::kProcess);
  const std::string stream = "bench/stream";
  const auto body = MakeBody(stream);
  const auto batch = MakeBatch(body, stream, 64);
  while (log->journal_bytes() < static_cast<uint64_t>(state.range(0)) << 20) {
    for (int i = 0; i < 100; ++i) log.Append(batch);
    ROOST_CHECK(log->MaintainJournal().ok());
    ROOST_CHECK(log->SyncJournal().ok());
  }
  for (auto _ : state) log.Open();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * (state.range(0) << 20));
}
BENCHMARK(BM_LogRecover)
    ->ArgName("mib")
    ->Arg(64)
    ->Arg(1024)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);

}  // namespace
}  // namespace roost

BENCHMARK_MAIN();
