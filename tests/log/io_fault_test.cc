// Every call by which the log reaches its files fails, once, or from then on, in every way that it can:
// nothing that was acknowledged is lost, and nothing is acknowledged that could be. The same after a power
// cut, with the disk as it may be then.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/log/disk_calls.h"
#include "tests/log/ram_disk.h"
#include "tests/log/disk_model.h"
#include "tests/log/disk_script.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

// The segments of the script are filled with events of this size.
constexpr size_t kLargeBytes = 8000;

// Call number `at` fails with `error`, or is done in half; the later ones too if `from_then_on`.
// With `then_full` it is done in half, and the next one, or all later ones, find no room.
struct Fault {
  uint64_t at = 0;  // 0: none
  int error = 0;
  bool from_then_on = false;
  bool then_full = false;
};

class FaultyDisk : public DiskWatcher {
 public:
  explicit FaultyDisk(const Fault& fault) : fault_(fault) {}

  // The format relies on a sector being written whole or not at all.
  static bool MayBeShort(const DiskCall& call) {
    return call.kind == DiskCall::Kind::kWrite &&
           call.offset / DiskModel::kSectorBytes !=
               (call.offset + call.size - 1) / DiskModel::kSectorBytes;
  }

  int Before(const DiskCall& call) override {
    ++calls_;
    if (MayBeShort(call)) may_be_short_.push_back(calls_);
    if (fault_.then_full && calls_ > fault_.at) {
      return calls_ == fault_.at + 1 || fault_.from_then_on ? ENOSPC : 0;
    }
    const bool hit = calls_ == fault_.at || (fault_.from_then_on && calls_ > fault_.at);
    if (fault_.at == 0 || !hit) return 0;
    if (fault_.error == kShort && !MayBeShort(call)) return 0;
    if (first_.empty()) first_ = Describe(call);
    // A call that is tried again for ever would be tried for ever.
    if (fault_.error == EINTR && ++interrupted_ > 100) return EIO;
    return fault_.error;
  }
  void After(const DiskCall& call, int64_t result) override { model_.Apply(call, result); }
  void AfterFailure(const DiskCall& call) override { model_.ApplyFailure(call); }

  uint64_t calls() const { return calls_; }
  const std::vector<uint64_t>& may_be_short() const { return may_be_short_; }
  const std::string& first() const { return first_; }  // what failed first
  DiskModel& model() { return model_; }

 private:
  const Fault fault_;
  uint64_t calls_ = 0;
  std::vector<uint64_t> may_be_short_;
  uint64_t interrupted_ = 0;
  std::string first_;
  DiskModel model_;
};

class IoFaultTest : public ::testing::TestWithParam<Durability> {
 protected:
  IoFaultTest() { PretendBoot(1); }
  ~IoFaultTest() override { PretendBoot(0); }

  LogOptions Options(const std::string& directory) const {
    LogOptions options;
    options.directory = directory + "/data";
    options.durability = GetParam();
    options.ring_bytes = ring_bytes_;
    options.segment_bytes = 64 << 10;
    options.streams_max = 100;
    return options;
  }

  // The script with this fault; returns which calls may fail like this.
  std::vector<uint64_t> RunWith(const Fault& fault) {
    PretendBoot(1);
    const ScratchDirectory scratch(ScratchDirectory::Place::kMemory);
    FaultyDisk disk(fault);
    DiskScript script(Options(scratch.path()));
    {
      const WatchedDisk watched(scratch.path(), &disk);
      run_(&script);
    }
    failed_ = disk.first();
    CutPower(script, &disk, scratch.path());
    // The same kernel, and a disk that works again.
    PretendBoot(1);
    EXPECT_TRUE(script.Open()) << script.status().message();
    if (fault.error == DiskWatcher::kShort) return disk.may_be_short();
    std::vector<uint64_t> calls(disk.calls());
    std::iota(calls.begin(), calls.end(), uint64_t{1});
    return calls;
  }

  // What is on the disk if power is cut now: nothing that need not be, all, and some that may be.
  void CutPower(const DiskScript& script, FaultyDisk* disk, const std::string& directory) {
    PretendBoot(2);
    disk->model().FindChoices();
    std::mt19937_64 random(7);
    for (int i = 0; i < 4; ++i) {
      const std::vector<bool> newest(disk->model().OpenChoices(), i == 1);
      const DiskModel& model = disk->model();
      image_.Write(directory, model.Build(i < 2 ? model.Choose(newest) : model.ChooseAny(&random)));
      SeenEvents seen;
      auto log = LogWriter::Open(Options(image_.path()), "/tmp/test.sock", &seen, nullptr);
      ASSERT_TRUE(log.ok()) << log.status().message();
      script.promise().ExpectNothingLastingLost(seen.events);
    }
  }

  void FailEveryCall(int error, const char* name, bool then_full = false) {
    const std::vector<uint64_t> calls = RunWith({.error = error});
    ASSERT_GT(calls.size(), 20u);
    for (const bool from_then_on : {false, true}) {
      for (const uint64_t at : calls) {
        if (at % Scaled({.soak = 1, .gate = 1, .sanitized = 12}) != 0) continue;
        RunWith({at, error, from_then_on, then_full});
        ASSERT_NE(failed_, "") << at;
        ASSERT_FALSE(HasFailure())
            << name << (from_then_on ? " from call " : " at call ") << at << ": " << failed_;
      }
    }
    RecordProperty("calls", static_cast<int>(calls.size()));
  }

  uint64_t ring_bytes_ = 64 << 10;
  std::function<void(DiskScript*)> run_ = [](DiskScript* script) { script->Run(kLargeBytes); };
  RamDisk image_;
  std::string failed_;
};

TEST_P(IoFaultTest, LosesNothingWithoutAnyFault) { RunWith({}); }
TEST_P(IoFaultTest, LosesNothingWhenAnyCallFailsWithEio) { FailEveryCall(EIO, "EIO"); }
TEST_P(IoFaultTest, LosesNothingWhenAnyCallFailsWithEnospc) { FailEveryCall(ENOSPC, "ENOSPC"); }
TEST_P(IoFaultTest, LosesNothingWhenAnyCallFailsWithEdquot) { FailEveryCall(EDQUOT, "EDQUOT"); }
TEST_P(IoFaultTest, LosesNothingWhenAnyCallIsInterrupted) { FailEveryCall(EINTR, "EINTR"); }
TEST_P(IoFaultTest, LosesNothingWhenAnyWriteIsShort) {
  FailEveryCall(DiskWatcher::kShort, "a short write");
}

TEST_P(IoFaultTest, LosesNothingWhenTheDiskIsFullWithinAnyWrite) {
  FailEveryCall(DiskWatcher::kShort, "a full disk", /*then_full=*/true);
}

TEST_P(IoFaultTest, LosesNothingWhenAnyCallFailsWhileASegmentGrows) {
  ring_bytes_ = 256 << 10;
  run_ = [](DiskScript* script) { script->RunGrowing(); };
  FailEveryCall(EIO, "EIO");
  FailEveryCall(ENOSPC, "ENOSPC");
}

INSTANTIATE_TEST_SUITE_P(Durabilities, IoFaultTest,
                         ::testing::Values(Durability::kProcess, Durability::kPower),
                         [](const auto& parameter) {
                           return parameter.param == Durability::kPower ? "Power" : "Process";
                         });

}  // namespace
}  // namespace roost
