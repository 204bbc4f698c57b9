// Shows committed verdicts in shared memory. Sequencer thread.
#ifndef ROOST_BROKER_VERDICTS_VERDICT_PUBLISHER_H_
#define ROOST_BROKER_VERDICTS_VERDICT_PUBLISHER_H_

#include <cstdint>
#include <vector>

#include "broker/verdicts/question_table.h"
#include "log/log_writer.h"
#include "log/verdict_table_writer.h"

namespace roost {

class VerdictPublisher {
 public:
  // `writer`: nullptr where there is no shared memory.
  VerdictPublisher(const LogWriter* log, const QuestionTable* table, VerdictTableWriter* writer)
      : log_(log), table_(table), writer_(writer) {}

  void SetPolicy(uint64_t version);
  // Its event was staged; it is shown once that is committed.
  void Note(const QuestionId& id) { noted_.push_back(id); }
  // All that the table has, the newest last.
  void NoteAll();
  void Publish(uint64_t now_ns);

 private:
  const LogWriter* const log_;
  const QuestionTable* const table_;
  VerdictTableWriter* const writer_;
  std::vector<QuestionId> noted_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_VERDICT_PUBLISHER_H_
