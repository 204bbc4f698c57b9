#include "broker/broker.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "broker/coordination/waiting_budget.h"
#include "broker/counters_writer.h"
#include "broker/gauges.h"
#include "broker/groups/group_room.h"
#include "broker/groups/held_events.h"
#include "broker/leases/lease_room.h"
#include "broker/leases/recovered_leases.h"
#include "broker/logging.h"
#include "broker/own_event.h"
#include "broker/recovered_state.h"
#include "broker/sequencer.h"
#include "broker/sla/monitor.h"
#include "broker/socket_guard.h"
#include "broker/verdicts/policy_file.h"
#include "broker/verdicts/policy_reload.h"
#include "broker/verdicts/verdict_room.h"
#include "broker/version.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

constexpr mode_t kPrivateMode = 0600;
constexpr mode_t kGroupMode = 0660;

mode_t SocketMode(const BrokerOptions& options) {
  if (options.socket_mode.has_value()) return *options.socket_mode;
  return options.socket.starts_with("/run/roost/") ? kGroupMode : kPrivateMode;
}

Result<RingReader> OpenRing(const LogWriter& log) {
  const UniqueFd fd(::fcntl(log.ring_fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) return Status::FromErrno(errno, "duplicate the ring's descriptor");
  return RingReader::Open(fd);
}

std::string StartedData(const LogWriter& log, const RecoveryReport& report) {
  return fmt::format(
      R"({{"version":{},"pid":{},"durability":{},"epoch":{},"clean":{},"cut":{},"damage":{}}})",
      JsonString(kBrokerVersion), ::getpid(), JsonString(DurabilityName(log.options().durability)),
      log.epoch(), report.clean, JsonString(Printable(report.cut)),
      JsonString(Printable(report.damage)));
}

void LogRecovery(const LogWriter& log, const RecoveryReport& report) {
  Log(LogLevel::kInfo, "recovered {} events in {} ms, head {}, epoch {}", report.events,
      report.duration_ns / kNsPerMs, log.head(), log.epoch());
  if (!report.clean) Log(LogLevel::kWarning, "the last broker did not end cleanly");
  if (!report.cut.empty()) Log(LogLevel::kWarning, "{}", report.cut);
  if (!report.damage.empty()) Log(LogLevel::kError, "left out: {}", report.damage);
}

constexpr char kMonitorFile[] = "monitor";

LastLife LastLifeOf(const LogWriter& log, const RingReader& ring, const RecoveryReport& report) {
  LastLife life;
  life.ended_cleanly = report.clean;
  RecordHeader newest;
  uint64_t position;
  if (log.head() > 0 &&
      ring.ReadHeader(log.head(), &newest, &position) == RingReader::Outcome::kEvent) {
    life.last_event_ns = newest.time_ns;
  }
  return life;
}

}  // namespace

// In the order in which they are made; taken down in the other.
struct Broker::Parts {
  Parts(const BrokerOptions& said, SocketGuard claimed)
      : options(said), guard(std::move(claimed)) {}

  Status OpenPolicy();
  Status OpenLog();
  Status MakeCounters();
  void MakeParts();
  void MakeMonitor();
  void MakeVerdicts();
  std::vector<WakeSource> WakeSources();
  Status Begin(mode_t mode, UniqueFd inherited);
  void WriteStopped();
  WorkerLoop& LoopOf(Part part);

  BrokerOptions options;
  SocketGuard guard;
  Disposer disposer;
  IdTable ids;
  GroupTable group_table;
  LeaseTable leases;
  HeldEvents held_events{&group_table};
  QuestionTable questions;
  std::shared_ptr<const Policy> policy = Policy::None();  // that it starts with
  RecoveryReport report;
  std::unique_ptr<LogWriter> log;
  std::optional<RingReader> sequencer_ring, waker_ring, librarian_ring;
  std::optional<SessionTable> sessions;
  std::optional<CountersWriter> counters;
  ReplyBuilder replies;
  std::optional<SequencerTurn> turn;
  std::optional<OwnEvents> own_events;
  UndoLog undo;
  WaitingBudget waiting;
  std::optional<ChangeWriter> changes;
  std::optional<GroupRoom> groups;
  std::optional<LeaseRoom> lease_room;
  std::optional<VerdictTableWriter> verdict_writer;
  std::optional<VerdictPublisher> verdict_publisher;
  Examiner examiner;
  std::optional<PolicyLoader> policy_loader;  // none without a policy
  std::optional<VerdictRoom> verdicts;
  std::optional<PolicyReload> policy_reload;
  std::optional<Coordinator> coordinator;
  std::optional<Presence> presence;
  std::optional<Gauges> gauges;
  std::optional<Attacher> attacher;
  std::optional<Appender> appender;
  std::optional<Lanes> lanes;
  std::optional<Waker> waker;
  LastLife last_life;
  std::optional<Monitor> monitor;
  std::optional<Sweeper> sweeper;  // none without a journal
  std::optional<Librarian> librarian;
  std::optional<Syncer> syncer;
  std::optional<RequestHandler> handler;
  std::optional<Sequencer> sequencer;
};

Status Broker::Parts::OpenPolicy() {
  if (options.policy.empty()) return {};
  auto loaded = LoadPolicy(options.policy);
  if (!loaded.ok()) return loaded.status();
  policy = *std::move(loaded);
  policy_loader.emplace(options.policy);
  return {};
}

Status Broker::Parts::OpenLog() {
  RecoveredLeases recovered_leases(&leases);
  RecoveredState recovered(&ids, {&group_table, &recovered_leases, &questions});
  auto opened = LogWriter::Open(options.log, options.socket, &recovered, &report);
  if (!opened.ok()) return opened.status();
  log = *std::move(opened);
  LogRecovery(*log, report);
  ROOST_RETURN_IF_ERROR(guard.WriteHolder(log->log_id()));
  sessions.emplace(log->session_key(), log->epoch());
  recovered.FillSessions(&*sessions);
  for (auto* ring : {&sequencer_ring, &waker_ring, &librarian_ring}) {
    Result<RingReader> reader = OpenRing(*log);
    if (!reader.ok()) return reader.status();
    ring->emplace(*std::move(reader));
  }
  return {};
}

Status Broker::Parts::MakeCounters() {
  CountersIdentity identity{log->log_id(), log->options().durability, {}, 0};
  if (identity.durability != Durability::kMemory) {
    identity.data_directory = log->options().directory;
    identity.segment_bytes = log->options().segment_bytes;
  }
  last_life = LastLifeOf(*log, *sequencer_ring, report);
  last_life.last_sign_ns = LastSignIn(CountersPath(options.socket), log->log_id());
  Result<CountersWriter> made = CountersWriter::Create(CountersPath(options.socket), identity);
  if (!made.ok()) return made.status();
  counters.emplace(*std::move(made));
  return {};
}

void Broker::Parts::MakeMonitor() {
  Monitor::Parts parts{&*counters, CountersPath(options.socket), {}, {}, options.sla.shifts};
  std::copy_n(log->log_id(), parts.log_id.size(), parts.log_id.begin());
  const Durability durability = log->options().durability;
  if (durability != Durability::kMemory) {
    parts.state_path = log->options().directory + "/" + kMonitorFile;
  }
  monitor.emplace(std::move(parts),
                  options.sla.objectives ? *options.sla.objectives : DefaultObjectives(durability),
                  last_life);
}

void Broker::Parts::MakeVerdicts() {
  verdict_writer.emplace(log->verdict_memory());
  verdict_publisher.emplace(log.get(), &questions, &*verdict_writer);
  verdicts.emplace(VerdictRoom::Parts{&questions, &*sessions, &*changes, &*turn, &waiting,
                                      &*verdict_publisher, &examiner, &held_events},
                   policy);
  policy_reload.emplace(policy_loader ? &*policy_loader : nullptr, &*verdicts, &*own_events);
}

std::vector<WakeSource> Broker::Parts::WakeSources() {
  std::vector<WakeSource> sources = {
      {examiner.fd(), [this] { verdicts->OnExamined(); }},
      {monitor->mailbox().fd(), [this] { monitor->mailbox().Deliver(&*own_events); }}};
  if (policy_loader) {
    sources.push_back({policy_loader->fd(), [this] { policy_reload->OnLoaded(); }});
  }
  return sources;
}

void Broker::Parts::MakeParts() {
  turn.emplace(log.get(), &ids, &*counters, &replies);
  own_events.emplace(log.get(), &*turn);
  changes.emplace(log.get(), &*own_events, &*turn, &undo);
  lease_room.emplace(LeaseRoom::Parts{&leases, &*sessions, &*changes, &waiting});
  groups.emplace(GroupRoom::Parts{log.get(), &*sessions, &group_table, &*changes, &waiting},
                 options.max_tries);
  MakeVerdicts();
  MakeMonitor();
  coordinator.emplace(
      &*turn, &undo,
      std::vector<Coordinator::Entry>{
          {&*lease_room,
           {wire::RequestBody::Claim, wire::RequestBody::Release, wire::RequestBody::ListLeases},
           {KeptAnswer::Kind::kGranted, KeptAnswer::Kind::kReleased}},
          {&*groups,
           {wire::RequestBody::Take, wire::RequestBody::Settle, wire::RequestBody::ListParked,
            wire::RequestBody::Unpark, wire::RequestBody::ListGroups,
            wire::RequestBody::RemoveGroup},
           {KeptAnswer::Kind::kTaken, KeptAnswer::Kind::kSettled, KeptAnswer::Kind::kUnparked,
            KeptAnswer::Kind::kGroupRemoved}},
          {&*verdicts,
           {wire::RequestBody::Validate, wire::RequestBody::Decide},
           {KeptAnswer::Kind::kDecided}}});
  presence.emplace(&*sessions, &*own_events, options.idle_after_ns);
  attacher.emplace(Attacher::Parts{log.get(), &*sessions, &*own_events, &*turn, &*counters,
                                   &replies, &*coordinator, &*presence},
                   options.sessions_max);
  appender.emplace(log.get(), &ids, &*counters, &*turn);
  lanes.emplace(&*turn, &replies);
  waker.emplace(&*waker_ring, &*counters);
  turn->SetOnCommitted([this](uint64_t batches) { waker->OnCommit(batches); });
  if (log->options().durability != Durability::kMemory) sweeper.emplace(log.get(), &*counters);
  librarian.emplace(log.get(), &*librarian_ring, sweeper ? &*sweeper : nullptr);
  gauges.emplace(Gauges::Parts{log.get(), &leases, &group_table, &waiting, &*waker, &*librarian,
                               &examiner, &*own_events, &*counters, [this] { monitor->OnWork(); }});
  syncer.emplace(log.get(), &*counters, options.sync_interval_ns);
  handler.emplace(RequestHandler::Parts{log.get(), &*sessions, &*turn, &*counters, &replies,
                                        &*attacher, &*appender, &*waker, &*librarian, &*coordinator,
                                        &*presence, &*lanes});
}

Status Broker::Parts::Begin(mode_t mode, UniqueFd inherited) {
  own_events->Add(kBrokerStream, kStartedType, StartedData(*log, report), 0);
  policy_reload->TellOfFirst(*policy);
  coordinator->OnStarted(MonotonicNs());
  turn->Finish();
  if (log->degraded()) {
    return {StatusCode::kIoError, "the journal can't be written; see the line before"};
  }
  ROOST_RETURN_IF_ERROR(guard.Listen(mode, std::move(inherited)));
  sequencer.emplace(Sequencer::Parts{log.get(), &*sequencer_ring, &*sessions, &*turn, &*own_events,
                                     &*attacher, &*handler, &*counters, &*waker, &*librarian,
                                     &*syncer, &disposer, &*coordinator, &*presence, &*gauges,
                                     &*lanes, WakeSources(), [this] { policy_reload->OnSignal(); }},
                    guard.listener(), options.spin_ns);
  return {};
}

void Broker::Parts::WriteStopped() {
  if (log->degraded()) return;
  own_events->Add(kBrokerStream, kStoppedType, "{}", 0);
  turn->Finish();
  // What could not be written until now is not going to be.
  if (log->HasStaged()) log->Abandon();
}

Result<std::unique_ptr<Broker>> Broker::Open(const BrokerOptions& options, UniqueFd inherited) {
  ROOST_CHECK(sodium_init() >= 0);
  Result<SocketGuard> guard = SocketGuard::Claim(options.socket);
  if (!guard.ok()) return guard.status();
  auto parts = std::make_unique<Parts>(options, *std::move(guard));
  ROOST_RETURN_IF_ERROR(parts->OpenPolicy());
  ROOST_RETURN_IF_ERROR(parts->OpenLog());
  ROOST_RETURN_IF_ERROR(parts->MakeCounters());
  parts->MakeParts();
  ROOST_RETURN_IF_ERROR(parts->Begin(SocketMode(options), std::move(inherited)));
  return std::unique_ptr<Broker>(new Broker(std::move(parts)));
}

Broker::Broker(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Broker::~Broker() = default;

Status Broker::Run(int signal_fd) {
  Parts& parts = *parts_;
  parts.waker->loop().Start();
  parts.librarian->loop().Start();
  if (parts.sweeper) parts.sweeper->loop().Start();
  parts.examiner.Start();
  parts.monitor->loop().Start();
  if (parts.policy_loader) parts.policy_loader->Start();
  if (parts.log->options().durability != Durability::kMemory) parts.syncer->loop().Start();
  const Status served = parts.sequencer->Run(signal_fd);
  const Status ended = End();
  return served.ok() ? ended : served;
}

Status Broker::End() {
  Parts& parts = *parts_;
  Log(LogLevel::kInfo, "stopping");
  parts.monitor->loop().Stop();
  parts.monitor->mailbox().Deliver(&*parts.own_events);
  parts.WriteStopped();
  parts.monitor->End();
  parts.examiner.Stop();
  if (parts.policy_loader) parts.policy_loader->Stop();
  parts.waker->loop().Stop();
  parts.librarian->loop().Stop();
  if (parts.sweeper) parts.sweeper->loop().Stop();
  parts.syncer->loop().Stop();
  // A clean end takes the counters with it; after a crash they stay, for whoever wants to know.
  ::unlink(CountersPath(parts.options.socket).c_str());
  return parts.log->Close();
}

WorkerLoop& Broker::Parts::LoopOf(Part part) {
  switch (part) {
    case Part::kWaker:
      return waker->loop();
    case Part::kLibrarian:
      return librarian->loop();
    case Part::kSweeper:
      ROOST_CHECK(sweeper.has_value(), "without a journal there is none");
      return sweeper->loop();
    case Part::kSyncer:
    case Part::kSequencer:  // have loops of their own
    case Part::kPolicyLoader:
      break;
  }
  return syncer->loop();
}

Status Broker::BeginSteps() { return parts_->sequencer->Begin(/*signal_fd=*/-1); }

bool Broker::Step(Part part) {
  if (part == Part::kSequencer) return parts_->sequencer->Turn(/*may_wait=*/false);
  if (part == Part::kPolicyLoader) return parts_->policy_loader && parts_->policy_loader->Step();
  return parts_->LoopOf(part).Step(/*sleep_ns_max=*/0);
}

uint64_t Broker::NextStepNs(Part part) {
  if (part == Part::kSequencer) return parts_->sequencer->NextTimerNs();
  if (part == Part::kPolicyLoader) {
    return parts_->policy_loader && parts_->policy_loader->wanted() ? 0 : UINT64_MAX;
  }
  return parts_->LoopOf(part).NextStepNs();
}

int Broker::sequencer_fd() const { return parts_->sequencer->fd(); }

void Broker::ReloadPolicy() { parts_->policy_reload->OnSignal(); }

uint64_t Broker::policy_version() const { return parts_->questions.policy(); }

bool Broker::degraded() const { return parts_->log->degraded(); }

void Broker::Stop() { parts_->sequencer->RequestStop(); }

const RecoveryReport& Broker::recovery() const { return parts_->report; }

uint64_t Broker::head() const { return parts_->log->head(); }

const BrokerOptions& Broker::options() const { return parts_->options; }

}  // namespace roost
