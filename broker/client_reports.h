// What clients say that they did by themselves (schemas/control.fbs, WorkReport), added up in the counters file: in the
// session's own row, and in the counters and histograms of all clients together, which have `client_` in their names. Nothing
// else is counted by a client's word, and nothing is decided by it.
//
// A client can say what it likes of itself, but no more than a process could have done in the time (the last minute, as far as
// it was not used up by earlier reports), and no duration that there is not: else the report is ignored as a whole, and counted
// as that. Sequencer thread.
#ifndef ROOST_BROKER_CLIENT_REPORTS_H_
#define ROOST_BROKER_CLIENT_REPORTS_H_

#include <cstdint>
#include <optional>

#include "broker/counters_writer.h"
#include "broker/session_table.h"
#include "schemas/control_generated.h"

namespace roost {

class ClientReports {
 public:
  // A client that does one thing in less than this is not to be believed.
  static constexpr uint64_t kNsPerWorkMin = 50;

  explicit ClientReports(CountersWriter* counters) : counters_(counters) {}

  // `now_ns` is CLOCK_MONOTONIC. Returns what it cost, in bytes (Peer::work).
  uint64_t Take(Session& session, const wire::WorkReport& report, uint64_t now_ns);

 private:
  // How much it says was done; nullopt: more than `works_max`, or what can't be.
  static std::optional<uint64_t> WorksOf(const wire::WorkReport& report, uint64_t works_max);
  void AddDurations(const Session& session, const wire::WorkReport& report);
  void Add(const Session& session, Counter counter, SessionCounter of_session, uint64_t more);

  CountersWriter* const counters_;
};

}  // namespace roost

#endif  // ROOST_BROKER_CLIENT_REPORTS_H_
