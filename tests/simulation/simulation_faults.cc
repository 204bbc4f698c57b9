// What goes wrong in a simulation, and the lives of its broker.
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/check.h"
#include "base/clock.h"
#include "broker/folded_state.h"
#include "broker/verdicts/policy_file.h"
#include "log/checkpoint_file.h"
#include "log/verify.h"
#include "tests/log/log_fixture.h"
#include "tests/simulation/simulation.h"

namespace roost {

namespace {

// What recovery finds, for the log that is checked, and for what the broker knows by it.
class FinalReader : public RecoveryObserver {
 public:
  explicit FinalReader(WholeLog* log) : log_(log) {}
  void OnEvent(const RecordHeader& header, Bytes body) override {
    log_->OnEvent(header, body);
    state_.OnEvent(header, body);
  }
  void SaveState(std::vector<StateSection>* sections) const override { state_.SaveState(sections); }
  Status LoadState(const Checkpoint& checkpoint) override { return state_.LoadState(checkpoint); }

 private:
  WholeLog* const log_;
  FoldedState state_;
};

}  // namespace

void Simulation::GoWrong() {
  const Fault fault = random_.Of(faults_);
  Note("-- fault", static_cast<uint64_t>(fault));
  DoFault(fault);
}

void Simulation::DoFault(Fault fault) {
  switch (fault) {
    case Fault::kCrash:
      if (broker_ != nullptr) Crash();
      break;
    case Fault::kPowerCut:
      CutPower();
      break;
    case Fault::kCrashAtCall:
    case Fault::kPowerCutAtCall:
      power_fails_ = fault == Fault::kPowerCutAtCall;
      disk_.Kill(random_.Below(12), random_.OneIn(2));
      break;
    case Fault::kStop:
      if (broker_ != nullptr) Stop();
      break;
    case Fault::kDiskError:
      disk_.Arm({.calls = random_.Below(8),
                 .error = random_.OneIn(3) ? ENOSPC : EIO,
                 .for_good = random_.OneIn(3)});
      break;
    case Fault::kSyncError:
      disk_.Arm({.calls = random_.Below(4), .error = EIO, .only_syncs = true});
      break;
    case Fault::kShortWrite:
      disk_.Arm({.calls = random_.Below(4), .error = DiskWatcher::kShort});
      break;
    case Fault::kFullDisk:
      if (random_.OneIn(2)) disk_.Mend();
      disk_.SetFull(random_.OneIn(2));
      break;
    case Fault::kKillClient:
      KillClient(random_.Below(clients_.size()));
      break;
    case Fault::kPauseClient: {
      SimulatedClient& client = clients_[random_.Below(clients_.size())];
      const uint64_t until_ns = now_ns_ + random_.Magnitude(kNsPerMs, 40 * kNsPerSecond);
      if (random_.OneIn(2)) {
        client.PauseUntil(until_ns);
      } else {
        client.RestUntil(until_ns);
      }
      break;
    }
    case Fault::kHangUp:
      if (network_.size() == 0) break;
      ++counts_.hang_ups;
      network_.HangUp(random_.Below(network_.size()));
      network_.Sweep();
      break;
    case Fault::kRefuse:
      network_.SetRefusing(random_.OneIn(2));
      break;
    case Fault::kTimeLeaps:
      now_ns_ += random_.Magnitude(10 * kNsPerMs, 30 * kNsPerSecond);
      break;
    case Fault::kNewPolicy:
      policy_ = 1 - policy_;
      WritePolicy();
      if (broker_ != nullptr && random_.OneIn(2)) broker_->ReloadPolicy();
      break;
    case Fault::kWallClockSteps:
      wall_offset_ns_ += static_cast<int64_t>(random_.Below(120 * kNsPerSecond)) -
                         static_cast<int64_t>(60 * kNsPerSecond);
      break;
  }
}

void Simulation::StartBroker() {
  ++counts_.starts;
  const uint64_t failed = disk_.failed();
  disk_.Revive();
  in_broker_ = true;
  Result<std::unique_ptr<Broker>> opened = Broker::Open(options_);
  if (opened.ok() && !disk_.is_dead()) ROOST_CHECK((*opened)->BeginSteps().ok());
  in_broker_ = false;
  Note("broker starts", static_cast<uint64_t>(opened.status().code()),
       opened.ok() ? (*opened)->head() : 0);
  start_ns_ = now_ns_ + random_.Magnitude(kNsPerMs, 4 * kNsPerSecond);
  if (opened.ok()) OnOpened(*std::move(opened));
  if (disk_.is_dead()) return NoticeDeath();
  if (broker_ == nullptr && disk_.failed() == failed) {
    promises_.Violation("a broker does not start: " + opened.status().message());
  }
}

void Simulation::OnOpened(std::unique_ptr<Broker> broker) {
  broker_ = std::move(broker);
  if (disk_.is_dead()) return;
  // Recovery counts what it reads behind the newest checkpoint.
  const uint64_t oldest = WholeLog::OldestIn(options_.log.directory);
  const uint64_t head = oldest - 1 + broker_->recovery().events;
  if (after_power_cut_) {
    promises_.FoundAfterPowerCut(head);
    verdicts_.FoundAfterPowerCut(head);
    readings_.FoundAfterPowerCut(head);
    log_.CutAfter(head);
    oldest_ = oldest;
  } else {
    promises_.FoundAfterDeath(head);
  }
  after_power_cut_ = false;
  NoticePolicy(head);
}

void Simulation::WritePolicy() {
  const std::string fresh = options_.policy + ".new";
  WriteFile(fresh, SimulatedPolicies()[policy_].text);
  ROOST_CHECK(std::rename(fresh.c_str(), options_.policy.c_str()) == 0, "errno={}", errno);
}

void Simulation::NoticePolicy(uint64_t head_before) {
  if (broker_->policy_version() == policy_version_) return;
  policy_version_ = broker_->policy_version();
  for (size_t i = 0; i < SimulatedPolicies().size(); ++i) {
    const auto policy = ParsePolicy(SimulatedPolicies()[i].text, "policy");
    if (policy.ok() && (*policy)->version() == policy_version_) {
      verdicts_.PolicyChanges(i, head_before, broker_->head());
    }
  }
}

void Simulation::OnRename(const std::string& to) {
  const auto first = ParseCheckpointName(to.substr(to.rfind('/') + 1));
  if (!first.has_value()) return;
  log_.ReadWhatGoes(options_.log.directory, *first);
  oldest_ = std::max(oldest_, *first);
  ++counts_.checkpoints;
}

void Simulation::Crash() {
  ++counts_.crashes;
  Note("broker dies");
  disk_.Die();
  in_broker_ = true;
  last_head_ = broker_ == nullptr ? last_head_ : broker_->head();
  broker_.reset();
  in_broker_ = false;
  start_ns_ = now_ns_ + random_.Magnitude(kNsPerMs, 4 * kNsPerSecond);
}

void Simulation::NoticeDeath() {
  if (!power_fails_) return Crash();
  CutPower();
}

void Simulation::CutPower() {
  ++counts_.power_cuts;
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i].is_running()) KillClient(i);
  }
  Crash();
  while (network_.size() > 0) {
    network_.HangUp(0);
    network_.Sweep();
  }
  disk_.Mend();
  disk_.Revive();
  disk_.CutPower(&random_);
  PretendBoot(++boot_);
  // The clock begins anew with the machine.
  const uint64_t before_ns = now_ns_;
  now_ns_ = random_.From(1, 60) * kNsPerSecond;
  wall_offset_ns_ += static_cast<int64_t>(before_ns) - static_cast<int64_t>(now_ns_);
  start_ns_ = now_ns_ + random_.Magnitude(kNsPerMs, kNsPerSecond);
  for (uint64_t& start_ns : client_start_ns_) start_ns = start_ns_ + random_.Below(kNsPerSecond);
  after_power_cut_ = true;
  Note("power is back", boot_);
}

void Simulation::Stop() {
  Note("broker stops");
  const uint64_t failed = disk_.failed();
  in_broker_ = true;
  const Status ended = broker_->End();
  in_broker_ = false;
  if (disk_.is_dead()) return NoticeDeath();
  if (ended.ok()) {
    promises_.Lasts(broker_->head());
  } else if (disk_.failed() == failed && !broker_->degraded()) {
    promises_.Violation("a broker does not end: " + ended.message());
  }
  last_head_ = broker_->head();
  broker_.reset();
  start_ns_ = now_ns_ + random_.Magnitude(kNsPerMs, kNsPerSecond);
}

void Simulation::KillClient(size_t number) {
  if (!clients_[number].is_running()) return;
  ++counts_.clients_killed;
  Note("client dies", number);
  clients_[number].Kill();
  client_start_ns_[number] = now_ns_ + random_.Magnitude(kNsPerMs, 2 * kNsPerSecond);
}

void Simulation::ReadLog() {
  disk_.Revive();
  const auto verified = VerifyJournal(options_.log.directory);
  if (!verified.ok() || verified->errors != 0) {
    return promises_.Violation(
        "verify: " + (verified.ok() ? verified->findings[0].text : verified.status().message()));
  }
  FinalReader reader(&log_);
  const auto opened = LogWriter::Open(options_.log, options_.socket, &reader, nullptr);
  if (!opened.ok()) {
    return promises_.Violation("the log can't be read: " + opened.status().message());
  }
  log_.Join(promises_.mutable_violations());
  std::vector<StateSection> state;
  reader.SaveState(&state);
  log_.CheckState(state, promises_.mutable_violations());
}

}  // namespace roost
