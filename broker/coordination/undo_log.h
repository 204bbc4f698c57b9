// What has to be done to take back the changes of this turn, should its commit fail: each change of a table
// of coordination leaves behind how to undo it. The same idea as the savepoints of log/stream_directory.h.
// Sequencer thread.
#ifndef ROOST_BROKER_COORDINATION_UNDO_LOG_H_
#define ROOST_BROKER_COORDINATION_UNDO_LOG_H_

#include <functional>
#include <utility>
#include <vector>

namespace roost {

class UndoLog {
 public:
  void Add(std::function<void()> undo) { undos_.push_back(std::move(undo)); }
  bool empty() const { return undos_.empty(); }

  // The changes are final.
  void Accept() { undos_.clear(); }
  // Takes all of them back, newest first.
  void RollBack() {
    for (; !undos_.empty(); undos_.pop_back()) undos_.back()();
  }

 private:
  std::vector<std::function<void()>> undos_;
};

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_UNDO_LOG_H_
