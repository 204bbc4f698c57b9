// Files that only this program has, in its own memory: what tests do hundreds of thousands of times costs no call of
// the kernel. Everything below kRoot is here; disk_calls.cc sends the calls for it to RamCalls, all others to the kernel.
// Knows what the log asks of a file system, and no more: no permissions, no links, one user.
//
// One thread.
#ifndef ROOST_TESTS_LOG_RAM_DISK_H_
#define ROOST_TESTS_LOG_RAM_DISK_H_

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "tests/log/disk_model.h"

namespace roost {

inline constexpr std::string_view kRamRoot = "/ram-disk";

class RamDisk {
 public:
  // An empty directory below kRamRoot, which goes with this.
  RamDisk();
  ~RamDisk();
  RamDisk(const RamDisk&) = delete;
  RamDisk& operator=(const RamDisk&) = delete;

  const std::string& path() const { return path_; }
  // These files, and none else: `contents` are by paths below `directory`, which path() stands for. REQUIRES: none
  // is open.
  void Write(const std::string& directory, const DiskModel::Contents& contents);
  // All files that it has.
  DiskModel::Contents Read() const;

 private:
  std::string path_;
};

// Like the calls of these names, for both kinds of files.
struct RamCalls {
  static int Open(const char* path, int flags, mode_t mode);
  static int OpenAt(int directory, const char* name, int flags, mode_t mode);
  static int Close(int fd);
  static int Stat(const char* path, struct stat* info, bool follow);
  static int StatAt(int directory, const char* name, struct stat* info, int flags);
  static int Fstat(int fd, struct stat* info);
  static DIR* OpenDirectory(const char* path);
  static dirent* ReadDirectory(DIR* listing);
  static int CloseDirectory(DIR* listing);
  static ssize_t Read(int fd, void* to, size_t size, off_t offset);
  static ssize_t Write(int fd, const void* bytes, size_t size, off_t offset);
  static int Truncate(int fd, off_t size);
  static int Allocate(int fd, int mode, off_t offset, off_t size);
  static int SyncData(int fd);
  static int SyncFile(int fd);
  static int Rename(int from_directory, const char* from, int to_directory, const char* to);
  static int Remove(int directory, const char* name, int flags);
  static int MakeDirectory(const char* path, mode_t mode);
};

}  // namespace roost

#endif  // ROOST_TESTS_LOG_RAM_DISK_H_
