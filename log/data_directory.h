// The data directory of a broker: made, checked, locked; and the identity of the log in it. What the
// files are is in log/segment_format.h.
//
// One thread. The lock is held as long as the object lives, and ends with the process at the latest.
#ifndef ROOST_LOG_DATA_DIRECTORY_H_
#define ROOST_LOG_DATA_DIRECTORY_H_

#include <optional>
#include <string>

#include "base/status.h"
#include "base/unique_fd.h"
#include "log/segment_format.h"

namespace roost {

// What WriteIdentity writes before it takes the identity's place.
inline constexpr std::string_view kNewIdentityName = "identity.new";

class DataDirectory {
 public:
  // Makes the directory and its missing parents (0700), durably, and takes its lock for `socket`.
  // kAlreadyExists: another broker has it, with its pid and socket. kPermissionDenied: it is not ours
  // alone to write, or no directory of its own (a symbolic link).
  static Result<DataDirectory> Open(const std::string& path, const std::string& socket);

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }
  std::string PathOf(std::string_view file) const;

  // nullopt: there is none. kCorruption, kIncompatible.
  Result<std::optional<IdentityFile>> ReadIdentity() const;
  // Replaces it whole and durably, and names the log in the lock file. Fills in magic, version and
  // checksum.
  Status WriteIdentity(IdentityFile identity);

  // Opens a file of the directory as base/own_file.h's OpenPlainFileAt. For writing: kPermissionDenied when what is
  // there is no plain file, not ours or has another name too.
  Result<UniqueFd> OpenFile(std::string_view name, int flags) const;
  Status Rename(std::string_view from, std::string_view to) const;
  // No error if there is none.
  Status Remove(std::string_view name) const;
  // The same for what a broker or a tool that died may have left under a name that is only used for a while. What is
  // none of ours stays: kPermissionDenied.
  Status RemoveLeftover(std::string_view name) const;
  // Makes names durable.
  Status Sync() const;

 private:
  DataDirectory() = default;

  Status Lock();
  Status SyncParents() const;
  Status WriteLockText(std::string_view log_id) const;

  std::string path_;
  std::string socket_;
  UniqueFd fd_;
  UniqueFd lock_;
};

// The identity file at `path`, without a broker. As DataDirectory::ReadIdentity.
Result<std::optional<IdentityFile>> ReadIdentityFile(const std::string& path);
// Whether the last broker ended cleanly: all that it wrote is on the disk.
bool WasClosed(const IdentityFile& identity);
// Whether everything that was ever written is there: the log was closed, or the kernel runs since it was
// opened.
bool WasClosedOrSameBoot(const IdentityFile& identity);

// What the lock file says of who has the directory: pid and socket; "" when it says nothing.
std::string DescribeLockHolder(const std::string& directory);

// A new log's: random id and key, epoch 1.
IdentityFile NewIdentity();
// /proc/sys/kernel/random/boot_id; all 0xff where there is none.
void ReadBootId(uint8_t (&boot_id)[16]);
// 32 hexadecimal digits.
std::string FormatLogId(const uint8_t (&log_id)[16]);

}  // namespace roost

#endif  // ROOST_LOG_DATA_DIRECTORY_H_
