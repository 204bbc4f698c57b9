// Which examination comes next, so that nobody waits for what another asks: users in turn, within a user its sessions
// in turn, a session's in their order. Small ones go before large ones, whose ever they are; after kSmallInARowMax of
// them comes a large one if one waits, so that those are not put off for ever.
//
// Pure state, one thread. How much there may be is the Examiner's to say.
#ifndef ROOST_BROKER_VERDICTS_EXAMINATION_QUEUE_H_
#define ROOST_BROKER_VERDICTS_EXAMINATION_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "broker/verdicts/examination.h"

namespace roost {

struct ExaminationJob {
  uint64_t id = 0;
  uint64_t session = 0;
  uint32_t uid = 0;
  std::shared_ptr<const Policy> policy;
  std::vector<AskedQuestion> questions;
  std::vector<Examination> done;  // filled by the thread, one a question

  static constexpr uint64_t kSmallBytesMax = 4096;
  uint64_t bytes() const;  // of its questions
  bool is_small() const { return bytes() <= kSmallBytesMax; }
};

class ExaminationQueue {
 public:
  using Job = std::unique_ptr<ExaminationJob>;

  static constexpr size_t kSmallInARowMax = 32;

  void Add(Job job);
  Job Next();  // nullptr: none waits

 private:
  // All of one size. Whoever has none is in no map.
  struct Line {
    struct User {
      std::map<uint64_t, std::deque<Job>> sessions;
      uint64_t last_session = 0;  // served last
    };
    std::map<uint32_t, User> users;
    uint32_t last_user = 0;

    bool empty() const { return users.empty(); }
    Job Next();  // REQUIRES: !empty()
  };

  Line small_;
  Line large_;
  size_t small_in_a_row_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_EXAMINATION_QUEUE_H_
