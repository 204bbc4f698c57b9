// Reading and writing a file at an offset, whole: short transfers are continued, EINTR is tried again.
// Any thread. `name` is for messages.
#ifndef ROOST_LOG_FILE_IO_H_
#define ROOST_LOG_FILE_IO_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"

namespace roost {

// How many bytes there were: fewer than asked for at the end of the file alone.
Result<size_t> ReadAt(int fd, std::span<std::byte> to, uint64_t offset, std::string_view name);

// `written`, if there, says how far it came, also when it failed.
Status WriteAt(int fd, Bytes bytes, uint64_t offset, std::string_view name,
               size_t* written = nullptr);

// Makes the file `size` bytes long with space behind each: fallocate, or zeros where the file system
// cannot. What the file has stays. kExhausted when there is no room.
Status Preallocate(int fd, uint64_t size, std::string_view name);

// fdatasync, and fsync, which is also for directories. After one that failed nobody knows what is on the
// disk, and the kernel says so only once: the next one would go well and mean nothing. So any failure is
// kIoError, also one for want of room, and whoever asked must not ask again.
Status SyncData(int fd, std::string_view name);
Status SyncFile(int fd, std::string_view name);

Result<uint64_t> FileSize(int fd, std::string_view name);

}  // namespace roost

#endif  // ROOST_LOG_FILE_IO_H_
