// Reading 10 events of one stream among many, through a real roostd, libroost and roost-mcp: what it costs
// by the number of streams in a log of a fixed length, hot (the ring has them) and cold (only closed
// segments have them).
//
//   streams_bench [--streams 10,1000,100000,1000000] [--events 10000000] [--data-bytes 32]
//                 [--ring hot|default] [--reads 2000] [--rounds 5] [--directory DIR]
//
// For each number of streams a log is written straight into a data directory, events of the streams in
// turn, and a broker started on it: with a ring that holds all of it (hot), or with the default one of
// 64 MiB (cold). The rounds go through all the logs in turn, in one process; each read is of one random
// stream. Printed as one JSON object a log: time to ready, memory of the broker, and nanoseconds a read
// (the median of the rounds' medians, and the least and greatest of them) of
//   newest     Client::Read, the 10 newest events (cold: the 10 newest before a random place in the
//              newest closed segments)
//   anywhere   Client::Read, 10 events from a random revision on
//   shim       the same as newest through roost-mcp: from the request line written to the reply line read
// beside, in the same rounds,
//   chase      10 loads, each from an address that the one before tells, in memory as large as the log's
//              records; cold: 10 preads of a record's size at random places in the segments
//   copy       memcpy of 10 records that are in the cache
//   ping       roost-mcp answering a ping: what stdio costs
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

// Writes `plan.events` events, one of each of the streams in turn. Returns the bytes of the records.
uint64_t WriteLog(const Plan& plan, const std::string& directory, uint64_t streams) {
  LogOptions options;
  options.directory = directory;
  auto opened = LogWriter::Open(options, "streams_bench", nullptr, nullptr);
  ROOST_CHECK(opened.ok(), "{}", opened.status().message());
  LogWriter& log = **opened;
  const std::string data = '"' + std::string(plan.data_bytes, 'x') + '"';
  RequestEncoder encoder;
  std::vector<std::string> names(kBatchEvents);
  std::vector<EventToStage> batch(kBatchEvents);
  uint64_t bytes = 0;
  for (uint64_t event = 0; event < plan.events;) {
    const size_t count = std::min<uint64_t>(kBatchEvents, plan.events - event);
    encoder.BeginAppend();
    for (size_t i = 0; i < count; ++i) {
      names[i] = StreamName((event + i) % streams);
      encoder.AddEvent({.stream = names[i], .type = "bench.event", .agent = "bench", .data = data});
    }
    const auto* request = wire::GetRequest(encoder.FinishAppend(1).data())->body_as_Append();
    for (size_t i = 0; i < count; ++i) {
      const auto* body = request->events()->Get(static_cast<unsigned>(i))->event();
      batch[i] = {.body = {reinterpret_cast<const std::byte*>(body->data()), body->size()},
                  .stream = names[i],
                  .type_hash = FilterHash("bench.event"),
                  .agent_hash = FilterHash("bench")};
      bytes += RecordSize(RecordKind::kEvent, body->size());
    }
    BatchPlace place;
    const StageOutcome staged = log.Stage(std::span(batch).first(count), {}, &place);
    ROOST_CHECK(staged == StageOutcome::kStaged, "outcome {}", static_cast<int>(staged));
    const Status committed = log.Commit();
    ROOST_CHECK(committed.ok(), "{}", committed.message());
    event += count;
    if (event % (1 << 16) < kBatchEvents) ROOST_CHECK(log.MaintainJournal().ok());
  }
  ROOST_CHECK(log.MaintainJournal().ok());
  ROOST_CHECK(log.Close().ok());
  return bytes;
}

// ---- processes ----

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
  // "RssAnon", "RssShmem", "VmPTE".
  uint64_t KiB(const std::string& what) const {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(what + ":"))
        return std::strtoull(line.c_str() + what.size() + 1, nullptr, 10);
    }
    return 0;
  }

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

  std::string_view Call(std::string_view line) {
    ROOST_CHECK(::write(in_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    size_t size = 0;
    while (size == 0 || reply_[size - 1] != '\n') {
      const ssize_t got = ::read(out_.get(), reply_.data() + size, reply_.size() - size);
      ROOST_CHECK(got > 0, "the shim ended");
      size += static_cast<size_t>(got);
    }
    return {reply_.data(), size};
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
  explicit BarePreads(const std::string& directory) {
    const auto segments = ListSegments(directory).value();
    for (const SegmentFile& file : segments) {
      files_.emplace_back(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (files_.size() > 1) files_.pop_back();  // the open one is mostly a hole
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
  void Add(uint64_t start) { ns.push_back(MonotonicNs() - start); }
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
    if (plan.hot()) {
      chase_ = std::make_unique<Chase>(log_bytes_);
    } else {
      preads_ = std::make_unique<BarePreads>(data);
      // What is behind it is in the ring.
      before_max_ = plan.events - (ring / (log_bytes_ / plan.events)) - 1;
      ROOST_CHECK(before_max_ < plan.events, "the ring holds all of it: give more --events");
    }
  }

  void RunRound(std::mt19937_64& random) {
    const uint64_t record_bytes = log_bytes_ / plan_.events;
    for (int i = 0; i < plan_.reads; ++i) Time(&newest_, [&] { ReadNewest(random); });
    for (int i = 0; i < plan_.reads; ++i) Time(&anywhere_, [&] { ReadAnywhere(random); });
    for (int i = 0; i < plan_.reads / 4; ++i) {
      const std::string line = ShimLine(random);
      Time(&shim_read_, [&] { CheckReply(shim_->Call(line)); });
      Time(&shim_ping_,
           [&] { shim_->Call("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n"); });
    }
    for (int i = 0; i < plan_.reads; ++i) {
      Time(&chase_time_, [&] {
        if (chase_ != nullptr) sink_ = chase_->Run(sink_ + static_cast<uint64_t>(i));
        if (preads_ != nullptr) preads_->Run(random, record_bytes);
      });
    }
    std::vector<char> from(kPageEvents * record_bytes), to(from.size());
    for (int i = 0; i < plan_.reads; ++i) {
      Time(&copy_, [&] {
        std::memcpy(to.data(), from.data(), from.size());
        asm volatile("" : : "g"(to.data()) : "memory");
      });
    }
    for (Samples* one : {&newest_, &anywhere_, &shim_read_, &shim_ping_, &chase_time_, &copy_}) {
      one->EndRound();
    }
  }

  void Print(const Subject& first) const {
    fmt::print(
        R"({{"streams":{},"events":{},"log_mib":{},"state":"{}","ready_ms":{},)"
        R"("broker_kib":{{"anonymous":{},"shared":{},"page_tables":{}}},)"
        R"("newest_ns":{},"anywhere_ns":{},"shim_ns":{},"chase_ns":{},"copy_ns":{},"ping_ns":{},)"
        R"("newest_ratio":{:.2f},"anywhere_ratio":{:.2f},"shim_ratio":{:.2f}}})"
        "\n",
        streams_, plan_.events, log_bytes_ >> 20, plan_.hot() ? "hot" : "cold",
        broker_->ready_ns() / 1'000'000, broker_->KiB("RssAnon"), broker_->KiB("RssShmem"),
        broker_->KiB("VmPTE"), newest_.Json(), anywhere_.Json(), shim_read_.Json(),
        chase_time_.Json(), copy_.Json(), shim_ping_.Json(),
        newest_.Median() / first.newest_.Median(), anywhere_.Median() / first.anywhere_.Median(),
        shim_read_.Median() / first.shim_read_.Median());
  }

 private:
  template <typename Work>
  void Time(Samples* samples, Work work) {
    const uint64_t start = MonotonicNs();
    work();
    samples->Add(start);
  }

  // Cold: a bound in the newest tenth of what the ring has not got.
  uint64_t Before(std::mt19937_64& random) const {
    return plan_.hot() ? 0 : before_max_ - random() % (before_max_ / 10);
  }
  void ReadNewest(std::mt19937_64& random) {
    query_.filter.stream = StreamName(random() % streams_);
    query_.order = Order::kNewestFirst;
    query_.from_revision = 0;
    query_.before = Before(random);
    Read();
  }
  void ReadAnywhere(std::mt19937_64& random) {
    query_.filter.stream = StreamName(random() % streams_);
    query_.order = Order::kOldestFirst;
    query_.before = plan_.hot() ? 0 : before_max_;
    const uint64_t revisions = (plan_.hot() ? plan_.events : before_max_) / streams_;
    query_.from_revision = revisions <= kPageEvents ? 1 : 1 + random() % (revisions - kPageEvents);
    Read();
  }
  void Read() {
    query_.limit = kPageEvents;
    const Status status = client_->Read(query_, &page_);
    ROOST_CHECK(status.ok(), "{}", status.message());
    ROOST_CHECK(2 * page_.size() >= kPageEvents, "{} events", page_.size());
  }
  std::string ShimLine(std::mt19937_64& random) const {
    const uint64_t before = Before(random);
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"read","arguments":)"
        R"({{"stream":"{}","limit":{},"order":"newest"{}}}}}}})"
        "\n",
        StreamName(random() % streams_), kPageEvents,
        before == 0 ? "" : fmt::format(R"(,"before":{})", before));
  }
  static void CheckReply(std::string_view reply) {
    ROOST_CHECK(reply.find("\"revision\"") != std::string_view::npos, "{}", reply);
  }

  const Plan& plan_;
  uint64_t streams_;
  std::string directory_;
  uint64_t log_bytes_ = 0;
  uint64_t before_max_ = 0;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Shim> shim_;
  std::unique_ptr<Chase> chase_;
  std::unique_ptr<BarePreads> preads_;
  ReadQuery query_;
  Page page_;
  uint64_t sink_ = 1;
  Samples newest_, anywhere_, shim_read_, shim_ping_, chase_time_, copy_;
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
