#include "broker/attacher.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "broker/acceptor.h"
#include "broker/logging.h"
#include "broker/own_event.h"

namespace roost {

using wire::RefusalCode;

Attacher::Attacher(const Parts& parts, uint32_t sessions_max)
    : parts_(parts), sessions_max_(sessions_max), started_ns_(MonotonicNs()) {}

std::optional<Refusal> Attacher::Check(const Peer& peer, const wire::Attach& attach) const {
  if (peer.session != nullptr) {
    return Refusal{RefusalCode::Invalid, "this connection is attached already"};
  }
  if (attach.protocol() != kProtocolVersion) {
    return Refusal{RefusalCode::Incompatible,
                   fmt::format("this broker speaks version {} of the control protocol, the client "
                               "version {}; upgrade the older of the two",
                               kProtocolVersion, attach.protocol())};
  }
  if (auto refusal = CheckAgent(attach.agent()->string_view())) return refusal;
  if (attach.client() == nullptr) return std::nullopt;
  return CheckProgram(attach.client()->string_view());
}

void Attacher::Handle(Peer& peer, const wire::Attach& attach) {
  if (auto refusal = Check(peer, attach)) {
    parts_.turn->Refuse(peer, 0, *refusal);
    return;
  }
  peer.agent = attach.agent()->string_view();
  if (attach.client() != nullptr) peer.client = attach.client()->string_view();
  Session* session = FindSession(peer, attach);
  const bool had_left = session != nullptr && session->state == Session::State::kEnded;
  // Each time it left and came back, two more events would wait until there is no room for those of leases.
  if (had_left && (parts_.own_events->HasWaiting() || parts_.log->degraded())) {
    parts_.turn->Refuse(peer, 0,
                        {RefusalCode::Busy,
                         "the log takes no events at the moment, so that this session cannot be "
                         "taken up again; try again, or attach as a new one"});
    return;
  }
  const bool takes_a_place = session == nullptr || had_left;
  const size_t taken = parts_.sessions->attached() + parts_.sessions->away() + joining_;
  if (takes_a_place && taken >= sessions_max_) {
    parts_.turn->Refuse(
        peer, 0,
        {RefusalCode::Busy, fmt::format("{} sessions are attached, which is the limit "
                                        "(--max-sessions); try again when some have left",
                                        taken)});
    return;
  }
  if (session != nullptr) {
    TakeUp(peer, *session);
  } else {
    Join(peer);
  }
}

Session* Attacher::FindSession(const Peer& peer, const wire::Attach& attach) {
  if (attach.session() == 0 || attach.secret() == nullptr) return nullptr;
  const Bytes secret = std::as_bytes(std::span(attach.secret()->data(), attach.secret()->size()));
  Session* session =
      parts_.sessions->FindWithSecret(attach.session(), peer.socket->credentials().uid, secret);
  // Its events bear its label: a session does not change it. One that was found in the journal gets
  // to know it again here.
  if (session == nullptr || (!session->agent.empty() && session->agent != peer.agent)) {
    return nullptr;
  }
  return session;
}

void Attacher::TakeUp(Peer& peer, Session& session) {
  if (session.state == Session::State::kAttached && session.peer != nullptr) {
    // The client knows that connection to be dead before the broker does.
    session.peer->session = nullptr;
    session.peer->socket->HangUp();
    parts_.observer->OnSessionMoved(session);
  }
  const bool had_left = session.state == Session::State::kEnded;
  parts_.sessions->Attach(session);
  session.peer = &peer;
  session.agent = peer.agent;
  session.client = peer.client;
  session.uid = peer.socket->credentials().uid;
  session.pid = static_cast<uint32_t>(peer.socket->credentials().pid);
  session.identity = SessionIdentity(peer.agent, peer.client, peer.socket->credentials());
  peer.session = &session;
  if (had_left) session.idle = false;
  BeginCounting(session);
  parts_.presence->OnAttached(session, MonotonicNs());
  if (had_left && !IsUnlogged(session)) {
    parts_.own_events->Add(kAgentsStream, kRejoinedType,
                           SessionData(session.number, session.identity, {}), session.number);
  }
  Welcome(peer, /*resumed=*/true);
  parts_.observer->OnSessionBack(session);
}

void Attacher::Join(Peer& peer) {
  const std::string data =
      JoinedData(SessionIdentity(peer.agent, peer.client, peer.socket->credentials()));
  const auto stage = [&] {
    return parts_.own_events->StageNow(
        kAgentsStream, kJoinedType, data, 0,
        [this, &peer](const Status& committed, const BatchPlace& place) {
          OnJoined(peer, committed, place);
        });
  };
  StageOutcome outcome = parts_.log->degraded() ? StageOutcome::kTooLarge : stage();
  if (outcome == StageOutcome::kStageFull) {
    parts_.turn->Finish();
    outcome = stage();
  }
  if (outcome == StageOutcome::kStaged) {
    peer.attaching = true;
    ++joining_;
  } else {
    Begin(peer, parts_.sessions->NextUnlogged());
  }
}

void Attacher::OnJoined(Peer& peer, const Status& committed, const BatchPlace& place) {
  peer.attaching = false;
  --joining_;
  // Who can't be written down may still read and wait.
  Begin(peer, committed.ok() ? place.first : parts_.sessions->NextUnlogged());
}

void Attacher::Begin(Peer& peer, uint64_t number) {
  Session& session = parts_.sessions->Add(number);
  session.peer = &peer;
  session.agent = peer.agent;
  session.client = peer.client;
  session.uid = peer.socket->credentials().uid;
  session.pid = static_cast<uint32_t>(peer.socket->credentials().pid);
  session.identity = SessionIdentity(peer.agent, peer.client, peer.socket->credentials());
  session.joined_ns = WallNs();
  peer.session = &session;
  BeginCounting(session);
  parts_.presence->OnAttached(session, MonotonicNs());
  parts_.counters->Add(Counter::kSessionsTotal);
  Welcome(peer, /*resumed=*/false);
}

void Attacher::BeginCounting(Session& session) {
  EndCounting(session);
  session.counters_row = parts_.counters->sessions().Begin(
      {session.number, WallNs(), session.uid, session.pid, session.agent});
}

void Attacher::EndCounting(Session& session) {
  parts_.counters->sessions().End(session.counters_row);
  session.counters_row = nullptr;
}

void Attacher::Welcome(Peer& peer, bool resumed) {
  const Session& session = *peer.session;
  AttachedReply reply;
  reply.session = session.number;
  reply.secret = parts_.sessions->SecretOf(session.number, session.uid);
  reply.resumed = resumed;
  reply.requests_answered = session.answers.highest();
  reply.log_id = parts_.log->log_id();
  reply.epoch = parts_.log->epoch();
  const LogOptions& options = parts_.log->options();
  if (options.durability != Durability::kMemory) reply.data_directory = options.directory;
  if (!peer.socket->TrySend(parts_.replies->Attached(reply), parts_.log->ring_fd())) {
    // The kernel lets a user have only so many descriptors under way.
    SendBusy(peer.socket->fd(),
             "too many descriptors that this broker has passed were not taken yet; try again, or "
             "raise its LimitNOFILE");
    peer.socket->HangUp();
  }
  CountSessions();
}

void Attacher::Leave(Peer& peer) {
  if (peer.session == nullptr) return;
  Session& session = *peer.session;
  parts_.observer->OnSessionEnded(session, "left");
  parts_.presence->OnLeft(session);
  EndCounting(session);
  peer.session = nullptr;
  if (!IsUnlogged(session)) {
    parts_.own_events->Add(kAgentsStream, kLeftType,
                           SessionData(session.number, session.identity, {}), session.number);
  }
  parts_.sessions->End(session, MonotonicNs());
  CountSessions();
}

uint64_t Attacher::EndAway(uint64_t now_ns) {
  if (parts_.sessions->away() == 0) return UINT64_MAX;
  if (now_ns < started_ns_ + kComeBackNs) return started_ns_ + kComeBackNs;
  const std::vector<Session*> gone = parts_.sessions->Away();
  for (Session* session : gone) {
    parts_.observer->OnSessionEnded(*session, "broker restarted");
    parts_.own_events->Add(kAgentsStream, kLeftType,
                           SessionData(session->number, session->identity, "broker restarted"),
                           session->number);
    parts_.sessions->End(*session, now_ns);
  }
  Log(LogLevel::kInfo, "{} sessions did not come back after the broker's restart", gone.size());
  return UINT64_MAX;
}

void Attacher::CountSessions() {
  parts_.counters->Set(Counter::kSessions, parts_.sessions->attached());
}

}  // namespace roost
