#include "tests/simulation/simulation.h"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/clock.h"
#include "broker/attacher.h"
#include "broker/own_events.h"
#include "broker/waker.h"

namespace roost {
namespace {

constexpr uint64_t kStepsOfStorm = 140;
constexpr int kStorms = 2;
constexpr uint64_t kStepsOfCalmMax = 20'000;
constexpr uint64_t kCalmNsMax = 120 * kNsPerSecond;
constexpr uint32_t kMaxTries = 3;

}  // namespace

Simulation::Simulation(uint64_t seed, const std::string& directory)
    : seed_(seed),
      random_(seed),
      now_ns_(random_.From(1, 1'000'000) * kNsPerMs),
      disk_directory_(directory + "/disk"),
      disk_((::mkdir(disk_directory_.c_str(), 0700), disk_directory_)),
      watched_(disk_directory_, &disk_),
      kernel_(this, seed),
      promises_(kMaxTries) {
  PretendBoot(boot_);
  options_.socket = directory + "/roost.sock";
  options_.log.directory = disk_directory_ + "/data";
  options_.log.durability = random_.OneIn(2) ? Durability::kProcess : Durability::kPower;
  // A large ring takes batches that no message does.
  options_.log.ring_bytes = random_.OneIn(6) ? 1 << 20 : 64 << 10;
  options_.log.segment_bytes = options_.log.ring_bytes;
  switch (random_.Below(3)) {
    case 0:
      options_.log.retain_age_ns = random_.From(1, 8) * kNsPerSecond;
      break;
    case 1:
      options_.log.retain_bytes = 2 * options_.log.segment_bytes;
      break;
  }
  options_.log.streams_max = 64;
  options_.spin_ns = 0;
  options_.max_tries = kMaxTries;
  options_.sync_interval_ns = random_.Of(std::array<uint64_t, 3>{1, 20, 200}) * kNsPerMs;
  options_.policy = directory + "/policy.toml";
  WritePolicy();
  disk_.OnRename([this](const std::string& to) { OnRename(to); });
  world_ = {.random = &random_,
            .promises = &promises_,
            .verdicts = &verdicts_,
            .readings = &readings_,
            .trace = &trace_,
            .head = [this] { return Head(); },
            .oldest = [this] { return oldest_; },
            .socket = options_.socket,
            .data_bytes_max = options_.log.ring_bytes / 6};
  const size_t count = random_.From(1, kClientsMax);
  for (size_t i = 0; i < count; ++i) clients_.emplace_back(i, &world_);
  for (uint64_t& weight : weights_) weight = random_.Of(std::array<uint64_t, 4>{1, 4, 4, 16});
  // Not all faults in each run: some hide others.
  for (uint64_t fault = 0; fault < kFaults; ++fault) {
    if (random_.OneIn(3)) faults_.push_back(static_cast<Fault>(fault));
  }
}

Simulation::~Simulation() {
  for (SimulatedClient& client : clients_) client.Kill();
  // What destructors would do to files is not wanted.
  disk_.Die();
  in_broker_ = true;
  broker_.reset();
  PretendBoot(0);
}

bool Simulation::Run() {
  for (int storm = 0; storm < kStorms && !HasFailed(); ++storm) {
    Storm();
    if (!HasFailed()) Calm();
  }
  if (!HasFailed()) Finale();
  counts_.disk_errors = disk_.failed();
  return !HasFailed();
}

void Simulation::Storm() {
  Note("-- storm");
  for (uint64_t i = 0; i < kStepsOfStorm && !HasFailed(); ++i) {
    if (!faults_.empty() && random_.OneIn(40)) GoWrong();
    // Time goes on by itself, and sometimes far, whatever there is to do.
    now_ns_ +=
        random_.OneIn(16) ? random_.Magnitude(kNsPerUs, 500 * kNsPerMs) : random_.Below(50'000);
    if (Step(/*may_ask=*/true)) continue;
    now_ns_ = std::clamp(NextTimerNs(), now_ns_, now_ns_ + kNsPerSecond);
  }
}

// Nothing goes wrong any more: what did is repaired, as an operator would.
void Simulation::Calm() {
  Note("-- calm");
  // The machine may have slept over it, and all deadlines have passed.
  if (random_.OneIn(4)) now_ns_ += random_.From(1, 40) * kNsPerSecond;
  disk_.Mend();
  network_.SetRefusing(false);
  if (broker_ != nullptr && broker_->degraded()) Crash();
  start_ns_ = std::min(start_ns_, now_ns_ + kNsPerSecond);
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].PauseUntil(0);
    client_start_ns_[i] = std::min(client_start_ns_[i], now_ns_ + kNsPerSecond);
  }
  world_.calm_since_ns = now_ns_;
  const auto is_answered = [](SimulatedClient& client) {
    return client.is_running() && client.unanswered() == 0;
  };
  const auto all_answered = [&] {
    return broker_ != nullptr && std::ranges::all_of(clients_, is_answered);
  };
  if (!RunUntil("requests are answered", all_answered)) return;
  LetPass(2 * OwnEvents::kRetryNs);  // after which what a full disk kept waiting is written
  for (SimulatedClient& client : clients_) client.Attach();
  if (!RunUntil("clients are attached", all_answered)) return;
  for (SimulatedClient& client : clients_) client.Probe();
  if (!RunUntil("probes are answered", all_answered)) return;
  LetPass(100 * Waker::kVagueWakeNs);
  for (SimulatedClient& client : clients_) client.CheckWaits();
  world_.calm_since_ns = UINT64_MAX;
}

// All go, and one comes who finds everything free and works off what was left.
void Simulation::Finale() {
  Note("-- finale");
  world_.calm_since_ns = now_ns_;
  for (size_t i = 0; i < clients_.size(); ++i) {
    KillClient(i);
    client_start_ns_[i] = UINT64_MAX;
  }
  SimulatedClient& last = clients_[0];
  last.Start();
  const auto is_answered = [&] { return last.unanswered() == 0; };
  last.ClaimAll();
  if (!RunUntil("all keys are claimed", is_answered)) return;
  // Nobody came back of those whom the last power cut took: the broker waits for them.
  LetPass(Attacher::kComeBackNs + kNsPerSecond);
  last.TakeAll();
  if (!RunUntil("all groups are worked off", [&] { return last.has_finished(); })) return;
  last.Kill();
  Stop();
  if (HasFailed()) return;
  ReadLog();
  counts_.events = log_.events().size();
  promises_.Check(log_, /*all_settled=*/true);
  if (HasFailed()) return;
  verdicts_.Check(log_.events());
  readings_.Check(log_.events());
}

void Simulation::LetPass(uint64_t ns) {
  const uint64_t end_ns = now_ns_ + ns;
  while (!HasFailed() && now_ns_ < end_ns) {
    if (!Step(/*may_ask=*/false)) now_ns_ = std::clamp(NextTimerNs(), now_ns_, end_ns);
  }
}

template <typename IsDone>
bool Simulation::RunUntil(const char* what, const IsDone& is_done) {
  const uint64_t end_ns = now_ns_ + kCalmNsMax;
  uint64_t steps = 0;
  while (!HasFailed()) {
    now_ns_ += random_.Below(50'000);
    if (Step(/*may_ask=*/false)) {
      if (++steps < kStepsOfCalmMax) continue;
    } else {
      if (is_done()) return true;
      const uint64_t timer_ns = NextTimerNs();
      if (timer_ns < end_ns) {
        now_ns_ = std::max(now_ns_, timer_ns);
        continue;
      }
    }
    promises_.Violation(fmt::format("it does not come to pass that {}", what));
  }
  return false;
}

// ---- one step ----

bool Simulation::Step(bool may_ask) {
  if (broker_ == nullptr && now_ns_ >= start_ns_) StartBroker();
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i].is_running() || now_ns_ < client_start_ns_[i]) continue;
    Note("client starts", i);
    clients_[i].Start();
  }
  FindCandidates(may_ask);
  while (!candidates_.empty()) {
    uint64_t sum = 0;
    for (const Candidate& candidate : candidates_) sum += WeightOf(candidate);
    uint64_t at = random_.Below(sum);
    size_t chosen = 0;
    for (; at >= WeightOf(candidates_[chosen]); ++chosen) at -= WeightOf(candidates_[chosen]);
    const Candidate candidate = candidates_[chosen];
    if (Do(candidate)) {
      ++counts_.steps;
      network_.Sweep();
      return true;
    }
    candidates_.erase(candidates_.begin() + static_cast<ptrdiff_t>(chosen));
  }
  network_.Sweep();
  return false;
}

void Simulation::FindCandidates(bool may_ask) {
  using CandidateKind = Candidate::Kind;
  candidates_.clear();
  std::array<pollfd, 64> polled;
  std::array<Candidate, 64> meaning;
  nfds_t count = 0;
  const auto watch = [&](int fd, short events, const Candidate& candidate) {
    if (fd < 0 || count == polled.size()) return;
    meaning[count] = candidate;
    polled[count++] = {fd, events, 0};
  };
  if (broker_ != nullptr) {
    watch(broker_->sequencer_fd(), POLLIN, {.kind = CandidateKind::kPart});
    for (const Part part : kParts) {
      if (part == Part::kSequencer && broker_->NextStepNs(part) > now_ns_) continue;
      candidates_.push_back({.kind = CandidateKind::kPart, .part = part});
    }
  }
  for (size_t link = 0; link < network_.size(); ++link) {
    for (const Direction direction : {Direction::kToBroker, Direction::kToClient}) {
      watch(network_.SourceOf(link, direction), POLLIN,
            {.kind = CandidateKind::kDeliver, .number = link, .direction = direction});
    }
  }
  for (size_t i = 0; i < clients_.size(); ++i) {
    SimulatedClient& client = clients_[i];
    if (!client.is_running() || client.is_paused(now_ns_)) continue;
    watch(client.connection().fd(), client.connection().events(),
          {.kind = CandidateKind::kClientReady, .number = i});
    if (client.connection().NextTimerNs() <= now_ns_) {
      candidates_.push_back({.kind = CandidateKind::kClientTimer, .number = i});
    }
    if (may_ask && client.MayAsk()) {
      candidates_.push_back({.kind = CandidateKind::kClientAsks, .number = i});
    }
  }
  if (::poll(polled.data(), count, 0) <= 0) return;
  for (nfds_t i = 0; i < count; ++i) {
    if (polled[i].revents != 0) candidates_.push_back(meaning[i]);
  }
}

uint64_t Simulation::WeightOf(const Candidate& candidate) const {
  const auto kind = static_cast<size_t>(candidate.kind);
  switch (candidate.kind) {
    case Candidate::Kind::kPart:
      return weights_[static_cast<size_t>(candidate.part)];
    case Candidate::Kind::kDeliver:
      return weights_[kParts.size() + candidate.number % 3];
    default:
      return weights_[8 + (kind + candidate.number) % 8];
  }
}

bool Simulation::Do(const Candidate& candidate) {
  SimulatedClient* const client =
      candidate.kind > Candidate::Kind::kDeliver ? &clients_[candidate.number] : nullptr;
  switch (candidate.kind) {
    case Candidate::Kind::kPart:
      return DoPart(candidate.part);
    case Candidate::Kind::kDeliver:
      Note(candidate.direction == Direction::kToBroker ? "to the broker: link"
                                                       : "to the client: link",
           candidate.number, network_.Deliver(candidate.number, candidate.direction));
      return true;
    case Candidate::Kind::kClientReady:
      Note("receives: client", candidate.number);
      client->OnReady();
      return true;
    case Candidate::Kind::kClientTimer:
      Note("timer: client", candidate.number);
      client->OnTimer();
      return true;
    case Candidate::Kind::kClientAsks:
      Note("asks: client", candidate.number);
      client->AskAnything();
      return true;
  }
  return false;
}

bool Simulation::DoPart(Part part) {
  const uint64_t failed = disk_.failed();
  const uint64_t synced = disk_.synced();
  const uint64_t head = broker_->head();
  in_broker_ = true;
  const bool did = broker_->Step(part);
  in_broker_ = false;
  if (!did) return false;
  Note("broker's part", static_cast<uint64_t>(part), broker_->head());
  NoticePolicy(head);
  if (disk_.is_dead()) {
    NoticeDeath();
    return true;
  }
  const bool was_synced =
      part == Part::kSyncer && disk_.synced() > synced && disk_.failed() == failed;
  if (was_synced && !broker_->degraded()) promises_.Lasts(head);
  if (options_.log.durability == Durability::kPower) promises_.Lasts(broker_->head());
  return true;
}

uint64_t Simulation::NextTimerNs() {
  uint64_t next_ns = broker_ == nullptr ? start_ns_ : UINT64_MAX;
  if (broker_ != nullptr) {
    for (const Part part : kParts) next_ns = std::min(next_ns, broker_->NextStepNs(part));
  }
  for (size_t i = 0; i < clients_.size(); ++i) {
    next_ns = std::min(next_ns, clients_[i].is_running() ? clients_[i].connection().NextTimerNs()
                                                         : client_start_ns_[i]);
  }
  return next_ns;
}

}  // namespace roost
