// A file that a program finds in the place of one of its own: its own from an earlier run, or something that
// somebody has put there so that the program would write, or wait, somewhere else. Any thread.
#ifndef ROOST_BASE_OWN_FILE_H_
#define ROOST_BASE_OWN_FILE_H_

#include <sys/stat.h>

#include <string>

#include "base/status.h"

namespace roost {

// Whether what `info` tells of is of this kind (S_IFREG, S_IFSOCK), belongs to this process's user and, when it
// is a plain file, has no other name that would change with it. kPermissionDenied says what it is and what
// to do.
Status CheckOwnFile(const struct stat& info, const std::string& path, mode_t kind = S_IFREG);

// The same for a name in a directory (AT_FDCWD: `name` is a path), without opening it. No file there is
// fine. `path` is for messages.
Status CheckOwnFileAt(int directory, const std::string& name, const std::string& path,
                      mode_t kind = S_IFREG);

// kInvalidArgument: a symbolic link, or what is no plain file. To open such a thing may wait for whoever
// made it. No file there is fine.
Status CheckPlainFile(const std::string& path);

}  // namespace roost

#endif  // ROOST_BASE_OWN_FILE_H_
