// One whole Roost in one thread: a broker, some clients, the network between them, the disk below, and the clocks, all
// driven step by step in an order that a seed decides, with faults that it decides too. The same seed is the same run.
//
// A run is a few storms, in which everything goes wrong that can, each followed by a calm, in which all must come
// right again in bounded (simulated) time; then the log is read and compared with what was promised (promises.h).
#ifndef ROOST_TESTS_SIMULATION_SIMULATION_H_
#define ROOST_TESTS_SIMULATION_SIMULATION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "tests/simulation/kernel_calls.h"
#include "tests/simulation/promises.h"
#include "tests/simulation/random_choice.h"
#include "tests/simulation/simulated_client.h"
#include "tests/simulation/simulated_disk.h"
#include "tests/simulation/simulated_network.h"
#include "tests/simulation/trace.h"

namespace roost {

class Simulation : private Kernel {
 public:
  // What happened how often, to show that a run was not idle.
  struct Counts {
    uint64_t steps = 0;
    uint64_t starts = 0;
    uint64_t crashes = 0;
    uint64_t power_cuts = 0;
    uint64_t disk_errors = 0;
    uint64_t clients_killed = 0;
    uint64_t hang_ups = 0;
    uint64_t events = 0;
    uint64_t checkpoints = 0;
  };

  // `directory` is empty; its path has the same length in each run.
  Simulation(uint64_t seed, const std::string& directory);
  ~Simulation() override;

  // Once. True: all promises were kept.
  bool Run();

  const Trace& trace() const { return trace_; }
  const std::vector<std::string>& violations() const { return promises_.violations(); }
  const Counts& counts() const { return counts_; }
  const WholeLog& log() const { return log_; }  // empty if it did not come so far
  uint64_t ContentHash() const { return disk_.ContentHash(); }  // of the disk in the end

 private:
  using Part = Broker::Part;
  using Direction = SimulatedNetwork::Direction;
  static constexpr std::array kParts = {Part::kSequencer, Part::kWaker, Part::kLibrarian,
                                        Part::kSyncer,    Part::kSweeper, Part::kPolicyLoader};
  static constexpr size_t kClientsMax = 5;

  enum class Fault : uint8_t {
    kCrash,
    kCrashAtCall,
    kPowerCut,
    kPowerCutAtCall,
    kStop,
    kDiskError,
    kSyncError,
    kShortWrite,
    kFullDisk,
    kKillClient,
    kPauseClient,
    kHangUp,
    kRefuse,
    kTimeLeaps,
    kWallClockSteps,
    kNewPolicy,
  };
  static constexpr uint64_t kFaults = 16;

  // Something that may be done next.
  struct Candidate {
    enum class Kind : uint8_t { kPart, kDeliver, kClientReady, kClientTimer, kClientAsks };
    Kind kind;
    Part part = Part::kSequencer;
    size_t number = 0;  // of the link, or of the client
    Direction direction = Direction::kToBroker;
  };

  // Kernel
  uint64_t MonotonicNs() override { return now_ns_; }
  uint64_t WallNs() override {
    return static_cast<uint64_t>(static_cast<int64_t>(now_ns_) + wall_offset_ns_);
  }
  int Connect(int socket, const std::string& path) override {
    return network_.Connect(socket, path);
  }
  bool IsAlive() override { return !in_broker_ || !disk_.is_dead(); }

  // ---- simulation.cc: the schedule ----
  void Storm();
  void Calm();
  void Finale();
  // Does something. False: there is nothing to do before the time of NextTimerNs().
  bool Step(bool may_ask);
  void FindCandidates(bool may_ask);
  bool Do(const Candidate& candidate);
  bool DoPart(Part part);
  uint64_t WeightOf(const Candidate& candidate) const;
  uint64_t NextTimerNs();
  // Steps until nothing is left to do at this time, then goes to the next timer, until `is_done`.
  template <typename IsDone>
  bool RunUntil(const char* what, const IsDone& is_done);
  void LetPass(uint64_t ns);
  bool HasFailed() const { return !promises_.violations().empty(); }
  uint64_t Head() const { return broker_ == nullptr ? last_head_ : broker_->head(); }
  void Note(std::string_view what, uint64_t who = 0, uint64_t number = 0) {
    trace_.Note(now_ns_, what, who, number);
  }

  // ---- simulation_faults.cc: what goes wrong, and the broker's lives ----
  void GoWrong();
  void DoFault(Fault fault);
  void StartBroker();
  void OnOpened(std::unique_ptr<Broker> broker);
  // The process ends, as it is.
  void Crash();
  void CutPower();
  void Stop();
  void KillClient(size_t number);
  // After a step of the broker, or an attempt to open it, in which its process may have died.
  void NoticeDeath();
  void ReadLog();
  void WritePolicy();
  void NoticePolicy(uint64_t head_before);
  // Step 2 of log/checkpoint_format.h: what the checkpoint stands for goes from here on.
  void OnRename(const std::string& to);

  const uint64_t seed_;
  RandomChoice random_;
  Trace trace_;
  Counts counts_;
  uint64_t now_ns_;
  int64_t wall_offset_ns_ = 1'700'000'000'000'000'000;
  bool in_broker_ = false;

  std::string disk_directory_;
  SimulatedDisk disk_;
  WatchedDisk watched_;
  SimulatedNetwork network_;
  KernelInForce kernel_;
  BrokerOptions options_;
  std::unique_ptr<Broker> broker_;
  uint64_t boot_ = 1;
  uint64_t start_ns_ = 0;     // when the broker is to be started, if there is none
  bool power_fails_ = false;  // when the broker dies at a call
  bool after_power_cut_ = false;
  uint64_t last_head_ = 0;  // of a broker that has gone

  Promises promises_;
  VerdictPromises verdicts_{promises_.mutable_violations()};
  ReadingPromises readings_{promises_.mutable_violations()};
  size_t policy_ = 0;            // in the file, of SimulatedPolicies()
  uint64_t policy_version_ = 0;  // in force when it was looked at last
  uint64_t oldest_ = 1;          // event in the journal, at most
  SimulatedClient::World world_;
  std::vector<SimulatedClient> clients_;
  std::array<uint64_t, kClientsMax> client_start_ns_ = {};

  std::vector<Fault> faults_;  // of this run
  std::array<uint64_t, 16> weights_ = {};
  std::vector<Candidate> candidates_;
  WholeLog log_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_SIMULATION_H_
