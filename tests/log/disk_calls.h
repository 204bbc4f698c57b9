// The calls by which the log reaches its files, seen and changed by a test. A program that links
// disk_calls.cc has them wrapped by the linker (see CMakeLists.txt), so what runs is the log as it is
// in production: it has no seam of its own.
//
// Calls on files outside of the watched directory, and those that a watcher makes itself, go straight
// through. Any thread; the watcher does its own locking. One WatchedDisk at a time.
#ifndef ROOST_TESTS_LOG_DISK_CALLS_H_
#define ROOST_TESTS_LOG_DISK_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace roost {

struct DiskCall {
  enum class Kind {
    kOpen,
    kStat,
    kList,
    kRead,
    kWrite,
    kTruncate,
    kAllocate,
    kSyncData,
    kSyncFile,
    kRename,
    kRemove,
    kMakeDirectory,
  };
  Kind kind;
  std::string path;    // as the file was named when it was opened, or as the call names it
  std::string to;      // kRename
  uint64_t inode = 0;  // of an open file; of what kRename moves
  int flags = 0;       // kOpen
  uint64_t offset = 0;
  uint64_t size = 0;  // of what is written or read; the new one of the file
  const std::byte* bytes = nullptr;

  bool IsSync() const { return kind == Kind::kSyncData || kind == Kind::kSyncFile; }
  // Whether something may be different on the disk afterwards.
  bool Changes() const;
};

// "pwrite 312 bytes at 4096 of data/00000000000000000001.segment"
std::string Describe(const DiskCall& call);

class DiskWatcher {
 public:
  virtual ~DiskWatcher() = default;

  // What becomes of the call: 0, it is done; an errno, it fails and nothing is done; kShort, only the
  // first half of a write is done.
  static constexpr int kShort = -1;
  virtual int Before(const DiskCall&) { return 0; }
  // After a call that was done, also in part: `result` is the kernel's, and was not an error.
  virtual void After(const DiskCall&, int64_t /*result*/) {}
  // After a call that Before let fail.
  virtual void AfterFailure(const DiskCall&) {}
};

// Watches all below `directory` as long as it lives.
class WatchedDisk {
 public:
  WatchedDisk(const std::string& directory, DiskWatcher* watcher);
  ~WatchedDisk();
  WatchedDisk(const WatchedDisk&) = delete;
  WatchedDisk& operator=(const WatchedDisk&) = delete;
};

// As long as it lives this thread's calls are not watched.
class UnwatchedCalls {
 public:
  UnwatchedCalls();
  ~UnwatchedCalls();
  UnwatchedCalls(const UnwatchedCalls&) = delete;
  UnwatchedCalls& operator=(const UnwatchedCalls&) = delete;

 private:
  const bool before_;
};

// Which start of the kernel the log believes to run under; 0: the real one.
void PretendBoot(uint64_t number);

}  // namespace roost

#endif  // ROOST_TESTS_LOG_DISK_CALLS_H_
