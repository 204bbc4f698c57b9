// Appends very many events as a row of batches, several of them under way at once. One thread.
//
// Each batch is appended whole or not at all; the row is not: when one fails, those before it are there
// and those that were under way may be. Without a condition batches of others may come between them.
#ifndef ROOST_TOOLS_BATCH_APPENDER_H_
#define ROOST_TOOLS_BATCH_APPENDER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "roost/client.h"
#include "tools/batch_line.h"

namespace roost {

class BatchAppender {
 public:
  // A batch ends when it has so many events or its data so many bytes: fixed, so that the same input gives
  // the same batches, and repeating it with an id repeats nothing.
  static constexpr uint64_t kBatchBytes = 512 << 10;

  struct Options {
    uint64_t batch_events = 1000;
    std::string id;                      // batch k gets the id "<id>.<k>"; empty: none
    std::optional<Condition> condition;  // of the first batch, which is then waited for
  };

  struct Totals {
    uint64_t events = 0;  // appended, duplicates included
    uint64_t batches = 0;
    uint64_t duplicates = 0;  // batches that had been appended before
    uint64_t first = 0;       // sequences
    uint64_t last = 0;
    std::optional<AppendResult::Conflict> conflict;
    Status failure;  // of the first batch that failed
    uint64_t failed_line_first = 0, failed_line_last = 0;
  };

  // `client` outlives the appender.
  BatchAppender(Client* client, Options options) : client_(client), options_(std::move(options)) {}

  // False once something failed or conflicted: stop. `line_number` is for the report.
  bool Add(BatchLine line, uint64_t line_number);
  // Drops the batch that is being filled. Returns the line that it began with, `otherwise` if there is none.
  uint64_t DropUnsent(uint64_t otherwise);
  // Sends what is left and waits for all answers.
  const Totals& Finish();
  const Totals& totals() const { return totals_; }

 private:
  bool Send();
  bool fine() const { return totals_.failure.ok() && !totals_.conflict; }
  void OnAnswer(const Result<AppendResult>& answer, uint64_t line_first, uint64_t line_last);

  Client* client_;
  Options options_;
  Totals totals_;
  Batch batch_;
  uint64_t batch_bytes_ = 0;
  uint64_t batches_sent_ = 0;
  uint64_t line_first_ = 0, line_last_ = 0;  // of the batch being filled
};

}  // namespace roost

#endif  // ROOST_TOOLS_BATCH_APPENDER_H_
