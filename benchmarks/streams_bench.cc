// Reading 10 events of one stream among many, through a real roostd, libroost and roost-mcp: what it costs
// by the number of streams in a log of a fixed length, hot (the ring has them) and cold (only closed
// segments have them).
//
//   streams_bench [--streams 10,1000,100000,1000000] [--events 10000000] [--data-bytes 32]
//                 [--ring hot|default] [--reads 2000] [--rounds 5] [--directory DIR]
//
// For each number of streams a log is written straight into a data directory, events of the streams in
// turn, and a broker started on it: with a ring that holds all of it (hot); or with the default one of 64
// MiB, and behind the events so many others that they are in closed segments alone (cold). The rounds go through all the logs in turn, in one process; each read is of one random
// stream. Printed as one JSON object a log: time to ready, memory of the broker, and nanoseconds a read
// (the median of the rounds' medians, and the least and greatest of them) of
//   newest     Client::Read, the 10 newest events: among 10 streams, the same few again and again
//   anywhere   Client::Read, 10 events from a random revision on: among 10 streams, found by their links
//   shim       the same as newest through roost-mcp: 32 requests written at once, a 32nd of the time until
//              the last reply was read
//   append     Client::Append, one event of one of the streams, until it is acknowledged
//   batched    an event of batches of 64 of such, four of them in flight
// beside, in the same rounds,
//   chase      10 loads, each from an address that the one before tells, in memory as large as the log's
//              records; cold: 10 preads of a record's size at random places in the segments
//   copy       memcpy of 10 records that are in the cache
//   ping       the same with pings: what stdio costs
// The page cache is warm: the journal was just read by the broker.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "ipc/messages.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "log/segment_reader.h"
#include "roost/client.h"

namespace roost {
namespace {

constexpr uint32_t kPageEvents = 10;
constexpr size_t kBatchEvents = 500;
constexpr int kBurst = 32;  // requests of a shim at once
constexpr size_t kAppendedBatch = 64;
constexpr int kBatchesAtOnce = 64;  // until all of them are acknowledged

struct Plan {
  std::vector<uint64_t> streams{10, 1000, 100'000, 1'000'000};
  uint64_t events = 10'000'000;
  size_t data_bytes = 32;
  std::string ring = "hot";
  int reads = 2000;
  int rounds = 5;
  std::string directory;
  bool hot() const { return ring == "hot"; }
};

std::string StreamName(uint64_t number) { return fmt::format("bench/stream/{}", number); }

// ---- the log ----

// Writes a log into a data directory, as roostd would.
class LogFiller {
 public:
  explicit LogFiller(const std::string& directory) {
    LogOptions options;
    options.directory = directory;
    auto opened = LogWriter::Open(options, "streams_bench", nullptr, nullptr);
    ROOST_CHECK(opened.ok(), "{}", opened.status().message());
    log_ = std::move(*opened);
  }
  ~LogFiller() {
    ROOST_CHECK(log_->MaintainJournal().ok());
    ROOST_CHECK(log_->Close().ok());
  }
  LogFiller(const LogFiller&) = delete;
  LogFiller& operator=(const LogFiller&) = delete;

  // `count` events, one of each of these streams in turn. Returns the bytes of their records.
  template <typename StreamOf>
  uint64_t Append(uint64_t count, size_t data_bytes, StreamOf stream_of) {
    const std::string data = '"' + std::string(data_bytes, 'x') + '"';
    const size_t batch_events = std::min(kBatchEvents, 1 + (1 << 20) / (data_bytes + 100));
    uint64_t bytes = 0;
    for (uint64_t event = 0; event < count;) {
      names_.clear();
      while (names_.size() < batch_events && event < count) names_.push_back(stream_of(event++));
      bytes += AppendBatch(data);
      appended_ += names_.size();
      if (appended_ % (1 << 16) < batch_events) ROOST_CHECK(log_->MaintainJournal().ok());
    }
    return bytes;
  }

 private:
  // An event for each of names_.
  uint64_t AppendBatch(const std::string& data) {
    encoder_.BeginAppend();
    for (const std::string& name : names_) {
      encoder_.AddEvent({.stream = name, .type = "bench.event", .agent = "bench", .data = data});
    }
    const auto* request = wire::GetRequest(encoder_.FinishAppend(1).data())->body_as_Append();
    batch_.clear();
    uint64_t bytes = 0;
    for (size_t i = 0; i < names_.size(); ++i) {
      const auto* body = request->events()->Get(static_cast<unsigned>(i))->event();
      batch_.push_back({.body = {reinterpret_cast<const std::byte*>(body->data()), body->size()},
                        .stream = names_[i],
                        .type_hash = FilterHash("bench.event"),
                        .agent_hash = FilterHash("bench")});
      bytes += RecordSize(RecordKind::kEvent, body->size());
    }
    BatchPlace place;
    ROOST_CHECK(log_->Stage(batch_, {}, &place) == StageOutcome::kStaged);
    const Status committed = log_->Commit();
    ROOST_CHECK(committed.ok(), "{}", committed.message());
    return bytes;
  }

  std::unique_ptr<LogWriter> log_;
  RequestEncoder encoder_;
  std::vector<std::string> names_;
  std::vector<EventToStage> batch_;
  uint64_t appended_ = 0;
};

// The plan's events, and where they are to be cold, enough others behind them to fill ring and open segment.
uint64_t WriteLog(const Plan& plan, const std::string& directory, uint64_t streams) {
  LogFiller log(directory);
  const uint64_t bytes = log.Append(plan.events, plan.data_bytes,
                                    [&](uint64_t event) { return StreamName(event % streams); });
  if (!plan.hot()) log.Append(320, 512 << 10, [](uint64_t) { return std::string("bench/other"); });
  return bytes;
}

// ---- processes ----

// "RssAnon", "RssShmem" or "VmPTE" of a process.
uint64_t KiB(pid_t pid, const std::string& what) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(what + ":"))
      return std::strtoull(line.c_str() + what.size() + 1, nullptr, 10);
  }
  return 0;
}
std::string MemoryJson(pid_t pid) {
  return fmt::format(R"({{"anonymous":{},"shared":{},"page_tables":{}}})", KiB(pid, "RssAnon"),
                     KiB(pid, "RssShmem"), KiB(pid, "VmPTE"));
}

class Broker {
 public:
  Broker(const std::string& bin, const std::string& socket, const std::string& data,
         uint64_t ring) {
    int ready[2];
    ROOST_CHECK(::pipe2(ready, 0) == 0);
    const uint64_t start = MonotonicNs();
    pid_ = ::fork();
    ROOST_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::close(ready[0]);
      ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
      const std::string program = bin + "/roostd", ready_fd = std::to_string(ready[1]),
                        ring_bytes = std::to_string(ring);
      ::execl(program.c_str(), "roostd", "--socket", socket.c_str(), "--data", data.c_str(),
              "--ring", ring_bytes.c_str(), "--ready-fd", ready_fd.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ready[1]);
    char byte;
    ROOST_CHECK(::read(ready[0], &byte, 1) == 1, "roostd did not start");
    ::close(ready[0]);
    ready_ns_ = MonotonicNs() - start;
  }
  ~Broker() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  uint64_t ready_ns() const { return ready_ns_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  uint64_t ready_ns_ = 0;
};

class Shim {
 public:
  Shim(const std::string& bin, const std::string& socket) {
    int in[2], out[2];
    ROOST_CHECK(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0);
    pid_ = ::fork();
    ROOST_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      const std::string program = bin + "/roost-mcp";
      ::execl(program.c_str(), "roost-mcp", "--socket", socket.c_str(), "--agent", "bench",
              nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_.Reset(in[1]);
    out_.Reset(out[0]);
    reply_.resize(1 << 20);
    Call(
        R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
        R"("capabilities":{},"clientInfo":{"name":"bench","version":"1"}}})"
        "\n");
  }
  ~Shim() {
    in_.Reset();
    ::waitpid(pid_, nullptr, 0);
  }
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;

  pid_t pid() const { return pid_; }

  // Writes requests, all at once, and reads as many replies. Returns the last one, from its middle on.
  std::string_view Call(std::string_view lines) {
    ROOST_CHECK(::write(in_.get(), lines.data(), lines.size()) ==
                static_cast<ssize_t>(lines.size()));
    auto left = std::count(lines.begin(), lines.end(), '\n');
    ssize_t got = 0;
    while (left > 0) {
      got = ::read(out_.get(), reply_.data(), reply_.size());
      ROOST_CHECK(got > 0, "the shim ended");
      left -= std::count(reply_.begin(), reply_.begin() + got, '\n');
    }
    return {reply_.data(), static_cast<size_t>(got)};
  }

 private:
  pid_t pid_ = -1;
  UniqueFd in_, out_;
  std::vector<char> reply_;
};

// ---- yardsticks ----

class Chase {
 public:
  explicit Chase(uint64_t bytes) : words_(bytes / sizeof(uint64_t)) {
    memory_ =
        static_cast<uint64_t*>(::mmap(nullptr, words_ * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ROOST_CHECK(memory_ != MAP_FAILED);
    for (uint64_t i = 0; i < words_; i += 512) memory_[i] = i;  // a page each
  }
  ~Chase() { ::munmap(memory_, words_ * sizeof(uint64_t)); }
  Chase(const Chase&) = delete;
  Chase& operator=(const Chase&) = delete;

  uint64_t Run(uint64_t at) const {
    for (uint32_t i = 0; i < kPageEvents; ++i) {
      at = at * 6364136223846793005ull + 1442695040888963407ull;
      at += memory_[(at >> 16) % words_];
    }
    return at;
  }

 private:
  uint64_t words_;
  uint64_t* memory_;
};

// Reads at random places of the data directory's segments.
class BarePreads {
 public:
  // Of the first `log_bytes` of the log.
  BarePreads(const std::string& directory, uint64_t log_bytes) {
    const auto segments = ListSegments(directory).value();
    for (const SegmentFile& file : segments) {
      files_.emplace_back(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    }
    files_.resize(std::max<uint64_t>(1, log_bytes / (64 << 20)));
  }
  void Run(std::mt19937_64& random, size_t record_bytes) const {
    char to[1024];
    for (uint32_t i = 0; i < kPageEvents; ++i) {
      const uint64_t place = random();
      ROOST_CHECK(::pread(files_[place % files_.size()].get(), to,
                          std::min(record_bytes, sizeof(to)),
                          static_cast<off_t>((place >> 32) % (48 << 20))) > 0);
    }
  }

 private:
  std::vector<UniqueFd> files_;
};

// ---- what is measured ----

struct Samples {
  std::vector<uint64_t> ns;     // of this round
  std::vector<double> medians;  // of the rounds
  void Add(uint64_t start, uint64_t times) { ns.push_back((MonotonicNs() - start) / times); }
  void EndRound() {
    std::sort(ns.begin(), ns.end());
    medians.push_back(static_cast<double>(ns[ns.size() / 2]));
    ns.clear();
  }
  double Median() const {
    std::vector<double> sorted = medians;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  std::string Json() const {
    const auto [least, greatest] = std::minmax_element(medians.begin(), medians.end());
    return fmt::format(R"({{"median":{:.0f},"least":{:.0f},"greatest":{:.0f}}})", Median(), *least,
                       *greatest);
  }
};

// One log with its broker, a client and a shim.
class Subject {
 public:
  Subject(const Plan& plan, const std::string& bin, uint64_t streams)
      : plan_(plan), streams_(streams), directory_(fmt::format("{}/{}", plan.directory, streams)) {
    std::filesystem::create_directories(directory_);
    const std::string data = directory_ + "/data", socket = directory_ + "/roost.sock";
    log_bytes_ = WriteLog(plan, data, streams);
    const uint64_t ring = plan.hot() ? std::bit_ceil(log_bytes_ + log_bytes_ / 16) : 64ull << 20;
    broker_ = std::make_unique<Broker>(bin, socket, data, ring);
    client_ = std::make_unique<Client>(ClientOptions{.socket = socket, .agent = "bench"});
    shim_ = std::make_unique<Shim>(bin, socket);
    std::mt19937_64 random(1);
    ROOST_CHECK(shim_->Call(ShimLine(random)).find("\"revision\"") != std::string_view::npos);
    if (plan.hot()) {
      chase_ = std::make_unique<Chase>(log_bytes_);
    } else {
      preads_ = std::make_unique<BarePreads>(data, log_bytes_);
    }
  }

  void RunRound(std::mt19937_64& random) {
    const uint64_t record_bytes = log_bytes_ / plan_.events;
    for (int i = 0; i < plan_.reads; ++i) Time(&newest_, [&] { ReadNewest(random); });
    for (int i = 0; i < plan_.reads; ++i) Time(&anywhere_, [&] { ReadAnywhere(random); });
    for (int i = 0; i < plan_.reads / kBurst; ++i) {
      std::string reads, pings;
      for (int j = 0; j < kBurst; ++j) {
        reads += ShimLine(random);
        pings += "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
      }
      Time(
          &shim_read_, [&] { shim_->Call(reads); }, kBurst);
      Time(
          &shim_ping_, [&] { shim_->Call(pings); }, kBurst);
    }
    for (int i = 0; i < plan_.reads; ++i) {
      Time(&chase_time_, [&] {
        if (chase_ != nullptr) sink_ = chase_->Run(sink_ + static_cast<uint64_t>(i));
        if (preads_ != nullptr) preads_->Run(random, record_bytes);
      });
    }
    for (int i = 0; i < plan_.reads / 4; ++i) Time(&append_, [&] { Append(random); });
    for (int i = 0; i < plan_.reads / 64; ++i) {
      const uint64_t start = MonotonicNs();
      AppendBatches(random);
      batched_.Add(start, kBatchesAtOnce * kAppendedBatch);
    }
    std::vector<char> from(kPageEvents * record_bytes), to(from.size());
    for (int i = 0; i < plan_.reads; ++i) {
      Time(&copy_, [&] {
        std::memcpy(to.data(), from.data(), from.size());
        asm volatile("" : : "g"(to.data()) : "memory");
      });
    }
    for (Samples* one : {&newest_, &anywhere_, &shim_read_, &append_, &batched_, &shim_ping_,
                         &chase_time_, &copy_}) {
      one->EndRound();
    }
  }

  void Print(const Subject& first) const {
    fmt::print(
        R"({{"streams":{},"events":{},"log_mib":{},"state":"{}","ready_ms":{},)"
        R"("broker_kib":{},"shim_kib":{},)"
        R"("newest_ns":{},"anywhere_ns":{},"shim_ns":{},"append_ns":{},"batched_ns":{},"chase_ns":{},"copy_ns":{},"ping_ns":{},)"
        R"("newest_ratio":{:.2f},"anywhere_ratio":{:.2f},"shim_ratio":{:.2f}}})"
        "\n",
        streams_, plan_.events, log_bytes_ >> 20, plan_.hot() ? "hot" : "cold",
        broker_->ready_ns() / 1'000'000, MemoryJson(broker_->pid()), MemoryJson(shim_->pid()),
        newest_.Json(), anywhere_.Json(), shim_read_.Json(), append_.Json(), batched_.Json(), chase_time_.Json(), copy_.Json(),
        shim_ping_.Json(), newest_.Median() / first.newest_.Median(),
        anywhere_.Median() / first.anywhere_.Median(),
        shim_read_.Median() / first.shim_read_.Median());
  }

 private:
  template <typename Work>
  void Time(Samples* samples, Work work, uint64_t times = 1) {
    const uint64_t start = MonotonicNs();
    work();
    samples->Add(start, times);
  }

  void ReadNewest(std::mt19937_64& random) {
    query_.filter.stream = StreamName(random() % streams_);
    query_.order = Order::kNewestFirst;
    query_.from_revision = 0;
    Read();
  }
  void ReadAnywhere(std::mt19937_64& random) {
    query_.filter.stream = StreamName(random() % streams_);
    query_.order = Order::kOldestFirst;
    const uint64_t revisions = plan_.events / streams_;
    query_.from_revision = revisions <= kPageEvents ? 1 : 1 + random() % (revisions - kPageEvents);
    Read();
  }
  void Read() {
    query_.limit = kPageEvents;
    const Status status = client_->Read(query_, &page_);
    ROOST_CHECK(status.ok(), "{}", status.message());
    ROOST_CHECK(page_.size() == kPageEvents, "{} events", page_.size());
  }
  NewEvent EventOf(std::mt19937_64& random) const {
    return {.stream = StreamName(random() % streams_), .type = "bench.event", .data = data_};
  }
  void Append(std::mt19937_64& random) {
    const Result<AppendResult> appended = client_->Append(EventOf(random));
    ROOST_CHECK(appended.ok(), "{}", appended.status().message());
  }
  void AppendBatches(std::mt19937_64& random) {
    Status failed;
    int unanswered = 0;
    for (int i = 0; i < kBatchesAtOnce && failed.ok(); ++i) {
      while (failed.ok() && unanswered >= 4) failed = client_->WaitForAnswer();
      Batch batch;
      while (batch.events.size() < kAppendedBatch) batch.events.push_back(EventOf(random));
      ++unanswered;
      const Status submitted = client_->Submit(batch, [&](const Result<AppendResult>& result) {
        --unanswered;
        if (!result.ok()) failed = result.status();
      });
      if (failed.ok()) failed = submitted;
    }
    if (failed.ok()) failed = client_->Flush();
    ROOST_CHECK(failed.ok(), "{}", failed.message());
  }
  std::string ShimLine(std::mt19937_64& random) const {
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"read","arguments":)"
        R"({{"stream":"{}","limit":{},"order":"newest"}}}}}})"
        "\n",
        StreamName(random() % streams_), kPageEvents);
  }

  const Plan& plan_;
  uint64_t streams_;
  std::string directory_;
  uint64_t log_bytes_ = 0;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Shim> shim_;
  std::unique_ptr<Chase> chase_;
  std::unique_ptr<BarePreads> preads_;
  const std::string data_ = '"' + std::string(plan_.data_bytes, 'x') + '"';
  ReadQuery query_;
  Page page_;
  uint64_t sink_ = 1;
  Samples newest_, anywhere_, shim_read_, append_, batched_, shim_ping_, chase_time_, copy_;
};

int Main(int argc, char** argv) {
  Plan plan;
  plan.directory =
      std::filesystem::temp_directory_path() / fmt::format("roost-streams-bench-{}", ::getpid());
  CLI::App app("What reading 10 events of one stream costs among many.");
  app.add_option("--streams", plan.streams)->delimiter(',');
  app.add_option("--events", plan.events)->check(CLI::Range(uint64_t{1000}, uint64_t{100'000'000}));
  app.add_option("--data-bytes", plan.data_bytes)->check(CLI::Range(0, 4096));
  app.add_option("--ring", plan.ring)->check(CLI::IsMember({"hot", "default"}));
  app.add_option("--reads", plan.reads)->check(CLI::Range(8, 1'000'000));
  app.add_option("--rounds", plan.rounds)->check(CLI::Range(1, 99));
  app.add_option("--directory", plan.directory);
  CLI11_PARSE(app, argc, argv);

  const std::string bin = std::filesystem::canonical("/proc/self/exe").parent_path();
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const uint64_t streams : plan.streams) {
    subjects.push_back(std::make_unique<Subject>(plan, bin, streams));
  }
  std::mt19937_64 random(1);
  for (int round = 0; round < plan.rounds; ++round) {
    for (const auto& subject : subjects) subject->RunRound(random);
  }
  for (const auto& subject : subjects) subject->Print(*subjects.front());
  subjects.clear();
  std::filesystem::remove_all(plan.directory);
  return 0;
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) { return roost::Main(argc, argv); }
