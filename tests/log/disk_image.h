// A directory that is made to hold given files, again and again: what a disk has after a power cut.
//
// One thread. Not watched (tests/log/disk_calls.h).
#ifndef ROOST_TESTS_LOG_DISK_IMAGE_H_
#define ROOST_TESTS_LOG_DISK_IMAGE_H_

#include <string>

#include "tests/log/disk_model.h"
#include "tests/log/log_fixture.h"

namespace roost {

class DiskImage {
 public:
  const std::string& path() const { return scratch_.path(); }

  // `contents` are by paths below `directory`, which this directory stands for.
  void Write(const std::string& directory, const DiskModel::Contents& contents);
  // All files that it has.
  DiskModel::Contents Read() const;

 private:
  ScratchDirectory scratch_{ScratchDirectory::Place::kMemory};
};

}  // namespace roost

#endif  // ROOST_TESTS_LOG_DISK_IMAGE_H_
