// A broker of its own for a benchmark, with an empty log in a scratch
// directory. One thread, which must not end before it: the kernel ends the
// broker with the thread that started it, so that nothing is left behind when a
// benchmark is killed.
#ifndef ROOST_TOOLS_BENCH_BENCH_BROKER_H_
#define ROOST_TOOLS_BENCH_BENCH_BROKER_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/status.h"

namespace roost {

// A directory that goes with all that is in it.
class BenchDirectory {
 public:
  // In $TMPDIR, else /tmp.
  static Result<std::unique_ptr<BenchDirectory>> Make();
  ~BenchDirectory();
  BenchDirectory(const BenchDirectory&) = delete;
  BenchDirectory& operator=(const BenchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit BenchDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

class BenchBroker {
 public:
  // Runs `program` in `directory`, which is there and empty, and waits until it
  // is ready, at most ten seconds. The error has the last line that it said.
  static Result<std::unique_ptr<BenchBroker>> Start(const std::string& program,
                                                    const std::string& directory);
  ~BenchBroker();  // ends it, within ten seconds at most
  BenchBroker(const BenchBroker&) = delete;
  BenchBroker& operator=(const BenchBroker&) = delete;

  const std::string& socket() const { return socket_; }

 private:
  explicit BenchBroker(const std::string& directory)
      : socket_(directory + "/roost.sock"), log_(directory + "/roostd.log") {}

  Status Run(const std::string& program, const std::string& directory);
  Status WaitUntilReady(int ready) const;

  std::string socket_;
  std::string log_;
  pid_t pid_ = -1;
};

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_BENCH_BROKER_H_
