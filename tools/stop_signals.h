// SIGINT and SIGTERM as something to poll, for commands that have to put things in order before they end. One thread;
// once a process, before anything else looks at these signals.
#ifndef ROOST_TOOLS_STOP_SIGNALS_H_
#define ROOST_TOOLS_STOP_SIGNALS_H_

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

class StopSignals {
 public:
  // From here on neither signal ends the process.
  static Result<StopSignals> Catch();

  int fd() const { return fd_.get(); }  // readable: one came
  // True once one has come; looks without waiting.
  bool Came();

 private:
  explicit StopSignals(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  bool came_ = false;
};

}  // namespace roost

#endif  // ROOST_TOOLS_STOP_SIGNALS_H_
