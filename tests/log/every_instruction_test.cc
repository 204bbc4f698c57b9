// The writer of a log, one processor instruction at a time. After each one the process might be dead: what
// a start would then find on the disk, and what readers still have mapped, must be right.
//
// A child writes through LogWriter; this process single-steps it (ptrace). Files change by system calls
// alone, so after each call that may have changed one the directory is copied and recovered; the ring changes
// with any store, so it is read at every stop, its newest and its oldest event, and all of it whenever its
// head has moved and at every 64th stop. Held against each other at every stop: what was acknowledged is
// in the ring's head, and what the head says a recovery finds.
//
// A rep-prefixed instruction is a stop for each of its rounds. x86-64 only; left out under sanitizers.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "log/segment_reader.h"
#include "tests/log/log_fixture.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

// What the child says; written by plain stores between its steps.
struct Said {
  std::atomic<uint64_t> acknowledged = 0;
  std::atomic<int> ring_fd = -1;
};

constexpr int kNoPtrace = 77;

#if defined(__x86_64__)
// Stops the child: from here on, and up to the next one, it is stepped.
constexpr uint8_t kMark = 0xcc;
__attribute__((noinline)) void Mark() { asm volatile("int3"); }
#else
void Mark() {}
#endif

// The events of the script by number, the same in both processes. Their sizes make some of them cross the
// ring's and the segment's end.
TestEvent EventNumber(uint64_t sequence) {
  const size_t size = sequence % 7 == 0 ? 5000 : 20 + sequence % 50;
  std::string data = std::to_string(sequence) + " ";
  data.resize(std::max(size, data.size()), 'e');
  return TestEvent("s" + std::to_string(sequence % 3), data);
}

// Nearly to the end of the first segment nobody looks; one of the next batches goes over it.
constexpr uint64_t kSteppedAgainFrom = 50;

class Script {
 public:
  Script(const LogOptions& options, Said* said) : options_(options), said_(said) {}

  void Run();

 private:
  void Open(bool stepped) {
    if (stepped) Mark();
    auto log = LogWriter::Open(options_, "/tmp/test.sock", nullptr, nullptr);
    if (stepped) Mark();
    if (!log.ok()) std::_Exit(3);
    log_ = std::move(*log);
    next_ = log_->head() + 1;
    said_->acknowledged = log_->head();
    said_->ring_fd = log_->ring_fd();
  }
  void Kill() {
    said_->ring_fd = -1;
    log_.reset();
  }
  void Append(size_t count, bool stepped) {
    std::vector<TestEvent> events;
    for (size_t i = 0; i < count; ++i) events.push_back(EventNumber(next_ + i));
    std::vector<EventToStage> staged;
    for (const TestEvent& event : events) staged.push_back(event.Staged());
    BatchPlace place;
    if (stepped) Mark();
    const StageOutcome outcome = log_->Stage(staged, {.session = 7, .request = 8}, &place);
    const Status status = log_->Commit();
    if (status.ok()) said_->acknowledged = place.last;
    if (stepped) Mark();
    if (outcome != StageOutcome::kStaged || !status.ok()) std::_Exit(4);
    next_ += count;
  }
  void Stepped(const std::function<Status()>& function) {
    Mark();
    const bool is_ok = function().ok();
    Mark();
    if (!is_ok) std::_Exit(5);
  }

  const LogOptions options_;
  Said* const said_;
  std::unique_ptr<LogWriter> log_;
  uint64_t next_ = 1;
};

void Script::Run() {
  Open(false);
  Append(1, true);
  Append(1, true);
  Append(3, true);
  Append(5, true);
  Stepped([&] { return log_->SyncJournal(); });
  while (next_ <= kSteppedAgainFrom) Append(1, false);
  for (int i = 0; i < 4; ++i) Append(7, true);
  Stepped([&] { return log_->MaintainJournal(); });
  Kill();
  Open(true);
  Append(2, true);
  Stepped([&] { return log_->Close(); });
  Kill();
}

class EveryInstructionTest : public ::testing::TestWithParam<Durability> {
 protected:
  EveryInstructionTest() {
    options_.directory = scratch_.path() + "/data";
    options_.durability = GetParam();
    options_.ring_bytes = 64 << 10;
    options_.segment_bytes = 64 << 10;
    options_.streams_max = 100;
    void* memory =
        ::mmap(nullptr, sizeof(Said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    said_ = new (memory) Said;
  }
  ~EveryInstructionTest() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::munmap(said_, sizeof(Said));
  }

  // Of one step. False: the child has ended.
  bool Wait() {
    int status = 0;
    if (::waitpid(child_, &status, 0) != child_) return false;
    if (WIFSTOPPED(status)) {
      EXPECT_EQ(WSTOPSIG(status), SIGTRAP);
      return WSTOPSIG(status) == SIGTRAP;
    }
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    child_ = -1;
    return false;
  }

  // What a start would find now.
  void Recover() {
    const std::string copy = scratch_.path() + "/copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(options_.directory, copy);
    ::chmod(copy.c_str(), 0700);
    LogOptions options = options_;
    options.directory = copy;
    SeenEvents seen;
    const auto log = LogWriter::Open(options, "/tmp/test.sock", &seen, nullptr);
    ASSERT_TRUE(log.ok()) << log.status().message();
    for (size_t i = 0; i < seen.events.size(); ++i) ExpectEvent(seen.events[i], i + 1);
    recovered_ = seen.events.size();
    ++recoveries_;
  }

  void ExpectEvent(const SeenEvent& event, uint64_t sequence) {
    while (expected_.size() < sequence) {
      const TestEvent next = EventNumber(expected_.size() + 1);
      const auto* data = DecodeEventBody(next.body)->data();
      expected_.push_back(std::string(reinterpret_cast<const char*>(data->data()), data->size()));
    }
    ASSERT_EQ(event.sequence, sequence);
    ASSERT_EQ(event.data, expected_[sequence - 1]) << sequence;
  }

  void ReadRing(uint64_t sequence, bool must_be_there) {
    RecordHeader header;
    uint64_t position = 0;
    record_.clear();
    auto outcome = reader_->ReadHeader(sequence, &header, &position);
    if (outcome == RingReader::Outcome::kEvent) outcome = reader_->ReadRecordAt(position, &record_);
    if (outcome == RingReader::Outcome::kOverrun && !must_be_there) return;
    ASSERT_EQ(outcome, RingReader::Outcome::kEvent) << sequence;
    ASSERT_TRUE(RecordIsSound(record_));
    ExpectEvent(Seen(header, Bytes(record_).subspan(kRecordHeaderBytes, header.body_length)),
                sequence);
  }

  void CheckStop() {
    ++stops_;
    const uint64_t acknowledged = said_->acknowledged;
    ASSERT_LE(acknowledged, recovered_) << "acknowledged, and a recovery does not find it";
    const int ring_fd = said_->ring_fd;
    if (ring_fd != ring_fd_) {
      ring_fd_ = ring_fd;
      reader_.reset();
      if (ring_fd < 0) return;
      const std::string path = "/proc/" + std::to_string(child_) + "/fd/" + std::to_string(ring_fd);
      const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      auto reader = RingReader::Open(fd);
      ASSERT_TRUE(reader.ok()) << reader.status().message();
      reader_.emplace(std::move(*reader));
      head_ = 0;
    }
    if (!reader_) return;
    const uint64_t head = reader_->head();
    ASSERT_LE(acknowledged, head);
    ASSERT_LE(head, recovered_) << "visible, and a recovery does not find it";
    if (head == 0) return;
    ReadRing(head, true);
    const uint64_t oldest = reader_->oldest();
    ReadRing(oldest, false);
    if (head == head_ && stops_ % 64 != 0) return;
    head_ = head;
    for (uint64_t sequence = oldest; sequence < head; ++sequence) ReadRing(sequence, false);
  }

  static bool MayChangeFiles(uint64_t call) {
    static constexpr uint64_t kCalls[] = {SYS_pwrite64,  SYS_write,  SYS_openat,   SYS_open,
                                          SYS_ftruncate, SYS_rename, SYS_renameat, SYS_fallocate,
                                          SYS_unlinkat,  SYS_unlink, SYS_mkdir,    SYS_renameat2};
    return std::find(std::begin(kCalls), std::end(kCalls), call) != std::end(kCalls);
  }

#if defined(__x86_64__)
  uint64_t Register(size_t offset) const {
    return static_cast<uint64_t>(::ptrace(PTRACE_PEEKUSER, child_, offset, nullptr));
  }
  // The next instruction. The same code lies in this process at the same place.
  const uint8_t* Code() const {
    return reinterpret_cast<const uint8_t*>(Register(offsetof(user_regs_struct, rip)));
  }
  bool Go(int how) {
    EXPECT_EQ(::ptrace(static_cast<__ptrace_request>(how), child_, nullptr, nullptr), 0);
    return Wait();
  }

  // Up to and over the next mark, or until `stops_max` were made before it. False: it goes on.
  bool StepToMark(uint64_t stops_max) {
    for (uint64_t stops = 0; stops < stops_max && !HasFailure(); ++stops) {
      const uint8_t* const code = Code();
      if (code[0] == kMark) return Go(PTRACE_CONT);
      const bool is_call = code[0] == 0x0f && code[1] == 0x05;
      const bool changes = is_call && MayChangeFiles(Register(offsetof(user_regs_struct, rax)));
      if (!Go(PTRACE_SINGLESTEP)) break;
      if (changes) Recover();
      CheckStop();
    }
    return HasFailure();
  }
  // The same from one system call to the next.
  void RunToMark() {
    while (!HasFailure() && Go(PTRACE_SYSCALL)) {
      if (Code()[-1] == kMark) return;
      const uint64_t call = Register(offsetof(user_regs_struct, orig_rax));
      if (!Go(PTRACE_SYSCALL)) return;
      if (MayChangeFiles(call)) Recover();
      CheckStop();
    }
  }
  void CheckSection(uint64_t stops_max) {
    Recover();
    if (!StepToMark(stops_max)) RunToMark();
  }
#else
  void CheckSection(uint64_t) {}
#endif

  ScratchDirectory scratch_{ScratchDirectory::Place::kMemory};
  LogOptions options_;
  Said* said_ = nullptr;
  pid_t child_ = -1;
  int exit_status_ = -1;
  std::vector<std::string> expected_;
  std::vector<std::byte> record_;
  uint64_t recovered_ = 0;
  uint64_t recoveries_ = 0;
  uint64_t stops_ = 0;
  int ring_fd_ = -1;
  uint64_t head_ = 0;
  std::optional<RingReader> reader_;
};

TEST_P(EveryInstructionTest, LeavesAllThatWasPromised) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "only for x86-64";
#endif
  child_ = ::fork();
  ASSERT_GE(child_, 0);
  if (child_ == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) std::_Exit(kNoPtrace);
    Mark();
    Script(options_, said_).Run();
    std::_Exit(0);
  }
  if (!Wait()) {
    ASSERT_EQ(exit_status_, kNoPtrace);
    GTEST_SKIP() << "ptrace is not allowed here";
  }
  int sections = 0;
  std::string counts;
  while (true) {
    ASSERT_EQ(::ptrace(PTRACE_CONT, child_, nullptr, nullptr), 0);
    if (!Wait()) break;
    const uint64_t before = stops_;
    CheckSection(Scaled({.soak = UINT64_MAX, .gate = 40'000, .sanitized = 0}));
    ASSERT_FALSE(HasFailure()) << "section " << sections << ", stop " << stops_ - before;
    counts += " " + std::to_string(stops_ - before);
    ++sections;
  }
  EXPECT_EQ(exit_status_, 0);
  EXPECT_EQ(sections, 13);
  const auto segments = ListSegments(options_.directory);
  ASSERT_TRUE(segments.ok());
  ASSERT_EQ(segments->size(), 2u);
  EXPECT_GT((*segments)[1].base_sequence, kSteppedAgainFrom) << "the change was not stepped";
  EXPECT_GT(stops_, 20'000u);
  RecordProperty("stops", std::to_string(stops_));
  RecordProperty("recoveries", std::to_string(recoveries_));
  std::printf("%s stops, %llu recoveries:%s\n", std::to_string(stops_).c_str(),
              static_cast<unsigned long long>(recoveries_), counts.c_str());
}

INSTANTIATE_TEST_SUITE_P(Durabilities, EveryInstructionTest,
                         ::testing::Values(Durability::kProcess, Durability::kPower),
                         [](const auto& parameter) {
                           return parameter.param == Durability::kPower ? "Power" : "Process";
                         });

}  // namespace
}  // namespace roost
