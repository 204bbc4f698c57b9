// The disk under a simulated broker: real files in memory, which are what the page cache would have, and
// DiskModel's idea of what of them a power cut leaves. Lets calls fail, and ends the broker at a call.
//
// One thread.
#ifndef ROOST_TESTS_SIMULATION_SIMULATED_DISK_H_
#define ROOST_TESTS_SIMULATION_SIMULATED_DISK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "tests/log/disk_calls.h"
#include "tests/log/disk_model.h"
#include "tests/simulation/random_choice.h"

namespace roost {

class SimulatedDisk : public DiskWatcher {
 public:
  // All below `directory`, which is empty.
  explicit SimulatedDisk(std::string directory);

  // ---- what is to go wrong; a later call takes the place of an earlier one ----

  // After `calls` more that change something, the next fails with `error` (or kShort); from then on all do if
  // `for_good`. With `only_syncs` only these count.
  struct Fault {
    uint64_t calls = 0;
    int error = 0;
    bool for_good = false;
    bool only_syncs = false;
  };
  void Arm(const Fault& fault);
  // No file grows any more.
  void SetFull(bool is_full) { is_full_ = is_full; }
  // The broker dies at the call after `calls` more that change something: before that is done, or behind it.
  void Kill(uint64_t calls, bool before);
  void Mend();  // nothing goes wrong any more
  // Called before a file gets the name `to`, as long as nobody is dead.
  void OnRename(std::function<void(const std::string& to)> hook) { on_rename_ = std::move(hook); }

  // ---- the broker's death ----

  // From there on nothing is done.
  bool is_dead() const { return is_dead_; }
  void Die() { is_dead_ = true; }
  void Revive() { is_dead_ = false; }
  // What the disk has becomes what there is. REQUIRES: the broker has gone.
  void CutPower(RandomChoice* random);

  uint64_t failed() const { return failed_; }  // calls that were let fail, ever
  uint64_t synced() const { return synced_; }  // and syncs that went well
  uint64_t ContentHash() const;                // of all files, with their names

  int Before(const DiskCall& call) override;
  void After(const DiskCall& call, int64_t result) override;
  void AfterFailure(const DiskCall& call) override;

 private:
  static constexpr uint64_t kNever = UINT64_MAX;

  void Write(const DiskModel::Contents& contents);
  DiskCall Numbered(const DiskCall& call);

  const std::string directory_;
  DiskModel model_;
  std::map<uint64_t, uint64_t> numbers_;  // of inodes: those of the kernel differ from run to run
  Fault fault_ = {.calls = kNever};
  uint64_t calls_to_death_ = kNever;
  bool dies_before_ = false;
  bool is_full_ = false;
  bool is_dead_ = false;
  std::function<void(const std::string&)> on_rename_;
  uint64_t failed_ = 0;
  uint64_t synced_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_SIMULATED_DISK_H_
