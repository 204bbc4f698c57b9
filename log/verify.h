// Checks a journal thoroughly: every checksum and every rule, also those which recovery takes on trust
// (the bodies, footers, indexes). Reads only, takes no lock: beside a running broker the newest records
// may be half written, which is said as a warning.
//
// One thread. Memory grows with the number of streams, not with that of events.
#ifndef ROOST_LOG_VERIFY_H_
#define ROOST_LOG_VERIFY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace roost {

struct VerifyFinding {
  // A warning: something that the next start mends or that an operator has accepted already.
  enum class Severity { kWarning, kError };
  Severity severity = Severity::kError;
  std::string file;
  uint64_t offset = 0;
  std::string text;
};

struct VerifyReport {
  static constexpr size_t kFindingsMax = 1000;

  std::vector<VerifyFinding> findings;  // in order of files and offsets
  uint64_t findings_dropped = 0;        // those over kFindingsMax
  uint64_t errors = 0;                  // also those dropped
  uint64_t warnings = 0;

  std::string log_id;  // hexadecimal
  uint64_t epoch = 0;
  uint64_t segments = 0;
  uint64_t segments_closed = 0;
  uint64_t segments_compressed = 0;
  uint64_t file_bytes = 0;
  uint64_t record_bytes = 0;
  uint64_t records = 0;  // events and closing marks
  uint64_t events = 0;
  uint64_t batches = 0;
  uint64_t streams = 0;
  uint64_t first_sequence = 0;  // 0: there is no event
  uint64_t last_sequence = 0;
  uint64_t time_ns_min = 0;
  uint64_t time_ns_max = 0;
  bool ends_with_mark = false;  // the broker ended cleanly, or there is no event
  std::string broker;           // "pid 12, socket /run/..." of the last one, from the lock file
};

// The Status is for what cannot be read at all: kNotFound (no directory, or nothing of a log in it),
// kPermissionDenied, kIoError. Damage is a finding.
Result<VerifyReport> VerifyJournal(const std::string& directory);

}  // namespace roost

#endif  // ROOST_LOG_VERIFY_H_
