#include "tests/simulation/simulated_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>

#include "base/check.h"
#include "base/unique_fd.h"
#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using Kind = DiskCall::Kind;

bool Grows(const DiskCall& call) {
  return call.kind == Kind::kWrite || call.kind == Kind::kAllocate || call.kind == Kind::kOpen ||
         call.kind == Kind::kMakeDirectory;
}

void SyncDirectory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ROOST_CHECK(::fsync(fd.get()) == 0, "errno={}", errno);
}

}  // namespace

SimulatedDisk::SimulatedDisk(std::string directory) : directory_(std::move(directory)) {}

void SimulatedDisk::Arm(const Fault& fault) { fault_ = fault; }

void SimulatedDisk::Kill(uint64_t calls, bool before) {
  calls_to_death_ = calls;
  dies_before_ = before;
}

void SimulatedDisk::Mend() {
  fault_ = {.calls = kNever};
  is_full_ = false;
  calls_to_death_ = kNever;
}

int SimulatedDisk::Before(const DiskCall& call) {
  if (is_dead_) return EIO;
  if (!call.Changes()) return 0;
  if (call.kind == Kind::kRename && on_rename_) on_rename_(call.to);
  if (calls_to_death_ == 0 && dies_before_) {
    is_dead_ = true;
    return EIO;
  }
  if (is_full_ && Grows(call)) {
    ++failed_;
    return ENOSPC;
  }
  if (fault_.calls == kNever || (fault_.only_syncs && !call.IsSync())) return 0;
  if (fault_.calls > 0) {
    --fault_.calls;
    return 0;
  }
  if (!fault_.for_good) fault_.calls = kNever;
  if (fault_.error == kShort) return call.kind == Kind::kWrite ? kShort : 0;
  ++failed_;
  return fault_.error;
}

void SimulatedDisk::After(const DiskCall& call, int64_t result) {
  model_.Apply(Numbered(call), result);
  if (call.IsSync()) ++synced_;
  if (!call.Changes() || calls_to_death_ == kNever) return;
  if (calls_to_death_ == 0) {
    is_dead_ = true;
    calls_to_death_ = kNever;
  } else {
    --calls_to_death_;
  }
}

void SimulatedDisk::AfterFailure(const DiskCall& call) {
  // Of a dead broker nothing reaches the kernel.
  if (!is_dead_) model_.ApplyFailure(Numbered(call));
}

DiskCall SimulatedDisk::Numbered(const DiskCall& call) {
  DiskCall numbered = call;
  numbered.inode = numbers_.try_emplace(call.inode, numbers_.size() + 1).first->second;
  return numbered;
}

void SimulatedDisk::CutPower(RandomChoice* random) {
  model_.FindChoices();
  DiskModel::State state;
  if (random->OneIn(2)) {
    state = model_.ChooseAny(&random->source());
  } else {
    // Most of it, or little.
    const uint64_t share = random->Below(11);
    std::vector<bool> newest(model_.OpenChoices());
    for (size_t i = 0; i < newest.size(); ++i) newest[i] = random->Below(10) < share;
    state = model_.Choose(newest);
  }
  Write(model_.Build(state));
}

// All of it is on the disk: the model sees it being written and flushed.
void SimulatedDisk::Write(const DiskModel::Contents& contents) {
  {
    const UnwatchedCalls unwatched;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::filesystem::remove_all(entry.path());
    }
  }
  model_ = {};
  numbers_.clear();
  std::set<std::string> directories = {directory_};
  for (const auto& [path, content] : contents) {
    const std::string parent = path.substr(0, path.rfind('/'));
    if (directories.insert(parent).second) {
      ROOST_CHECK(::mkdir(parent.c_str(), 0700) == 0, "{}: errno={}", parent, errno);
    }
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const auto size = static_cast<ssize_t>(content.size());
    ROOST_CHECK(fd.valid() && ::pwrite(fd.get(), content.data(), content.size(), 0) == size &&
                    ::fsync(fd.get()) == 0,
                "{}: errno={}", path, errno);
  }
  for (const std::string& directory : directories) SyncDirectory(directory);
}

uint64_t SimulatedDisk::ContentHash() const {
  const UnwatchedCalls unwatched;
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
    if (entry.is_regular_file()) files[entry.path()] = ReadFile(entry.path());
  }
  uint64_t hash = 0;
  for (const auto& [path, content] : files) {
    hash = hash * 0x9E3779B97F4A7C15ull + std::hash<std::string>()(path);
    hash = hash * 0x9E3779B97F4A7C15ull + std::hash<std::string>()(content);
  }
  return hash;
}

}  // namespace roost
