// The whole log of a simulation: what recovery reads in the end, and before it what retention has deleted, which is
// read just before.
//
// One thread.
#ifndef ROOST_TESTS_SIMULATION_WHOLE_LOG_H_
#define ROOST_TESTS_SIMULATION_WHOLE_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "log/log_writer.h"
#include "log/record_format.h"

namespace roost {

struct LogEvent {
  RecordHeader header{};
  std::string stream, type, agent, id, data;
  std::vector<std::byte> body = {};

  std::string Text() const;  // a line for people
};

class WholeLog : public RecoveryObserver {
 public:
  // ---- while it runs ----

  // The events of the segments in `directory` before the one that begins with `first`, which are about to go.
  void ReadWhatGoes(const std::string& directory, uint64_t first);
  // A power cut left these events, and none after them.
  void CutAfter(uint64_t head);
  // The oldest event in the journal: the newest checkpoint in `directory` says so.
  static uint64_t OldestIn(const std::string& directory);

  // ---- in the end ----

  void OnEvent(const RecordHeader& header, Bytes body) override;
  // From event 1 on. Once, after the last OnEvent.
  void Join(std::vector<std::string>* violations);
  const std::vector<LogEvent>& events() const { return events_; }
  // What the broker knows is the same with and without the events that went. As recovery left it: `state`.
  void CheckState(const std::vector<StateSection>& state,
                  std::vector<std::string>* violations) const;

 private:
  std::map<uint64_t, LogEvent> gone_;
  std::vector<LogEvent> events_;
  std::vector<std::string> trouble_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_WHOLE_LOG_H_
