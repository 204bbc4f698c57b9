// A file that a program finds in the place of one of its own: its own from an earlier run, or something that
// somebody has put there so that the program would write, or wait, somewhere else. Any thread.
#ifndef ROOST_BASE_OWN_FILE_H_
#define ROOST_BASE_OWN_FILE_H_

#include <sys/stat.h>

#include <string>

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

// Whether what `info` tells of is of this kind (S_IFREG, S_IFSOCK), belongs to this process's user and, when it
// is a plain file, has no other name that would change with it. kPermissionDenied says what it is and what
// to do.
Status CheckOwnFile(const struct stat& info, const std::string& path, mode_t kind = S_IFREG);

// The same for a name in a directory (AT_FDCWD: `name` is a path), without opening it. No file there is
// fine. `path` is for messages.
Status CheckOwnFileAt(int directory, const std::string& name, const std::string& path,
                      mode_t kind = S_IFREG);

// The same, but for whose it is and how many names it has, and kInvalidArgument: for files that are only read.
Status CheckPlainFile(const std::string& path);

// Opens a plain file as open(2) with `flags`, close-on-exec, 0600 if it is made. Neither follows a symbolic link nor
// waits: for whoever is to open a fifo's other end, for a device, or for the holder of a lease (kBusy, as when there are
// no descriptors or no memory for it). What is no plain file is kInvalidArgument, and is not even opened: that alone
// may have an effect on a device.
Result<UniqueFd> OpenPlainFileAt(int directory, const std::string& name, const std::string& path,
                                 int flags);
Result<UniqueFd> OpenPlainFile(const std::string& path, int flags);

}  // namespace roost

#endif  // ROOST_BASE_OWN_FILE_H_
