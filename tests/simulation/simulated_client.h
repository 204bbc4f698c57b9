// A client of the simulated broker: the real Connection of the client library, and a program that asks it for this
// and that at random. It tells Promises what it was told.
//
// One thread.
#ifndef ROOST_TESTS_SIMULATION_SIMULATED_CLIENT_H_
#define ROOST_TESTS_SIMULATION_SIMULATED_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/log_reader.h"
#include "tests/simulation/promises.h"
#include "tests/simulation/random_choice.h"
#include "tests/simulation/reading_promises.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/verdict_promises.h"

namespace roost {

class SimulatedClient {
 public:
  struct World {
    RandomChoice* random;
    Promises* promises;
    VerdictPromises* verdicts;
    ReadingPromises* readings;
    Trace* trace;
    std::function<uint64_t()> head;    // of the log, as far as anybody knows
    std::function<uint64_t()> oldest;  // event in the journal
    std::string socket;
    uint64_t data_bytes_max;  // of an event
    // Since when (CLOCK_MONOTONIC) nothing goes wrong; UINT64_MAX: things do.
    uint64_t calm_since_ns = UINT64_MAX;
  };
  SimulatedClient(uint64_t number, World* world);

  // ---- its process ----

  void Kill();
  void Start();
  bool is_running() const { return connection_ != nullptr; }
  // Stopped: it does nothing until then.
  void PauseUntil(uint64_t ns) { paused_until_ns_ = ns; }
  // It runs, and asks for nothing.
  void RestUntil(uint64_t ns) { rests_until_ns_ = ns; }
  bool is_paused(uint64_t now_ns) const { return now_ns < paused_until_ns_; }

  // ---- its poll loop ----

  Connection& connection() { return *connection_; }
  void OnReady();
  void OnTimer();
  bool MayAsk() const;
  void AskAnything();
  size_t unanswered() const { return unanswered_; }  // those that wait for events do not count

  // ---- in calm weather ----

  void Attach();
  // Claims and appends, and must be told of it.
  void Probe();
  // Whoever holds anything has gone: gets every key, and works off every group.
  void ClaimAll();
  void TakeAll();
  bool has_finished() const { return has_finished_; }
  // A wait for an event that is there, and of which it was not told, breaks a promise.
  void CheckWaits();

 private:
  struct Waiting {
    Filter filter;
    uint64_t after = 0;
  };
  struct Held {
    std::string group;
    TakenItem item;
  };

  static constexpr uint64_t kStreams = 3;
  static constexpr const char* kGroup = "workers";  // of each stream
  static std::string StreamOf(uint64_t number);
  static std::string GroupOf(const std::string& stream);
  static std::vector<std::string> AllKeys();
  std::string Label() const;
  size_t AnySize();

  // ---- simulated_client.cc ----
  void Append();
  void AppendAgain();
  void Submit(uint64_t operation);
  void Claim();
  void Release();
  void Take();
  void Settle();
  void Wait();
  void GiveUp();
  void FetchSegment();
  void OnTaken(const std::string& group, const TakeResult& taken);
  void SettleAll(std::vector<Held> items, Outcome outcome, std::function<void()> then);
  // One more request, which is to be answered, at the latest soon after `wait_end_ns` when nothing goes wrong. Its
  // `done` calls first what this returns.
  std::function<void(const Status&)> Expecting(const char* what, uint64_t wait_end_ns);
  void Look();
  uint64_t Deadline(uint64_t wait_ns = 0);
  uint64_t RevisionOf(const std::string& stream) const;

  // ---- simulated_client_asks.cc ----
  void Ask();
  void OnAnswer(const Question& question, const Answer& answer,
                const VerdictPromises::Asked& asked);
  void Decide();
  void LookUp();
  void Read();
  void ReadOn(LogReader::Step step);
  void FetchForReader();

  // ---- simulated_client_calm.cc ----
  void ProbeClaim(int tries);
  void ProbeAppend(int tries);
  bool TriesAgain(const char* what, const Status& why, int tries);
  void TakeRest(size_t stream);

  const uint64_t number_;
  World* const world_;
  const uint64_t tastes_;  // a bit for each kind of request
  std::unique_ptr<Connection> connection_;
  uint64_t paused_until_ns_ = 0;
  uint64_t rests_until_ns_ = 0;
  size_t unanswered_ = 0;
  bool has_finished_ = false;
  uint64_t looked_ = 0;            // up to here, of the ring
  std::vector<uint64_t> with_id_;  // operations
  std::vector<uint64_t> tokens_;   // of claims
  std::vector<uint64_t> tickets_;  // of requests that can be given up
  std::vector<Held> held_;         // events taken
  std::map<uint64_t, Waiting> waits_;
  std::vector<Answer> to_decide_;

  bool reading_ = false;
  std::optional<LogReader> reader_;
  uint64_t reader_generation_ = 0;
  ReadQuery query_;
  Page page_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_SIMULATED_CLIENT_H_
