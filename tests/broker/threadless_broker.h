// All of roostd that takes part in a turn of the sequencer, over a log in memory, without its threads and its listening
// socket: the test hands messages over and ends turns. What other threads would do (waking, finding segments, examining
// large questions) is asked for and never done. One thread.
#ifndef ROOST_TESTS_BROKER_THREADLESS_BROKER_H_
#define ROOST_TESTS_BROKER_THREADLESS_BROKER_H_

#include <fcntl.h>
#include <sodium.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "broker/coordination/waiting_budget.h"
#include "broker/groups/group_room.h"
#include "broker/groups/held_events.h"
#include "broker/leases/lease_room.h"
#include "broker/own_events.h"
#include "broker/request_handler.h"
#include "broker/verdicts/verdict_room.h"
#include "ipc/messages.h"
#include "log/verdict_table_writer.h"

namespace roost {

// A connection; the test has the client's end.
struct ThreadlessClient {
  Peer peer;
  UniqueFd socket;
  std::vector<uint64_t> buffer = std::vector<uint64_t>(kReplyBytesMax / 8);

  // nullptr: nothing came. Valid until the next call. What is no reply of the protocol fails.
  const wire::Reply* Receive() {
    auto* const bytes = reinterpret_cast<std::byte*>(buffer.data());
    const Received received = ReceiveSeqpacket(socket.get(), bytes, kReplyBytesMax);
    if (received.outcome != SocketOutcome::kDone) return nullptr;
    const wire::Reply* reply = DecodeReply(Bytes(bytes, received.size));
    ROOST_CHECK(reply != nullptr);
    return reply;
  }
};

class ThreadlessBroker {
 public:
  // `counters` outlives it. The policy: none, so agents decide all but tool.*.
  ThreadlessBroker(CountersWriter* counters, uint64_t ring_bytes)
      : log_(OpenLog(ring_bytes)),
        ring_(OpenRing(*log_)),
        sessions_(log_->session_key(), log_->epoch()),
        turn_(log_.get(), &ids_, counters, &replies_),
        own_events_(log_.get(), &turn_),
        changes_(log_.get(), &own_events_, &turn_, &undo_),
        leases_room_({&leases_, &sessions_, &changes_, &waiting_}),
        groups_room_({log_.get(), &sessions_, &groups_, &changes_, &waiting_}, kTriesMax),
        verdict_writer_(log_->verdict_memory()),
        publisher_(log_.get(), &questions_, &verdict_writer_),
        verdicts_({&questions_, &sessions_, &changes_, &turn_, &waiting_, &publisher_, &examiner_,
                   &held_events_},
                  Policy::None()),
        coordinator_(&turn_, &undo_, Entries()),
        presence_(&sessions_, &own_events_),
        attacher_({log_.get(), &sessions_, &own_events_, &turn_, counters, &replies_, &coordinator_,
                   &presence_},
                  kSessionsMax),
        appender_(log_.get(), &ids_, counters, &turn_),
        waker_(&ring_, counters),
        librarian_(log_.get(), &ring_),
        lanes_(&turn_, &replies_),
        handler_({log_.get(), &sessions_, &turn_, counters, &replies_, &attacher_, &appender_,
                  &waker_, &librarian_, &coordinator_, &presence_, &lanes_}) {
    coordinator_.OnStarted(MonotonicNs());
  }

  LogWriter& log() { return *log_; }
  const RingReader& ring() const { return ring_; }
  RequestHandler& handler() { return handler_; }

  std::unique_ptr<ThreadlessClient> Connect(uint32_t uid = 1000) {
    int pair[2];
    ROOST_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    auto client = std::make_unique<ThreadlessClient>();
    client->peer.socket =
        std::make_shared<PeerSocket>(UniqueFd(pair[0]), PeerCredentials{uid, uid, 7});
    client->socket.Reset(pair[1]);
    return client;
  }
  // Connected, attached as `agent`, and told so.
  std::unique_ptr<ThreadlessClient> Join(const std::string& agent, uint32_t uid = 1000) {
    auto client = Connect(uid);
    RequestEncoder encoder;
    Handle(*client, encoder.Attach(agent, "test/1", 0, {}));
    EndTurn();
    const wire::Reply* reply = client->Receive();
    ROOST_CHECK(reply != nullptr && reply->body_as_Attached() != nullptr);
    return client;
  }

  // One message, on an address divisible by 8, as the sequencer takes it. False: the client was hung up on, and is
  // to Leave.
  bool Handle(ThreadlessClient& client, Bytes message, const UniqueFd& fd = UniqueFd()) {
    if (client.peer.attaching || client.peer.socket->hung_up())
      return !client.peer.socket->hung_up();
    if (turn_.Full()) turn_.Finish();
    handler_.Handle(client.peer, message, fd, MonotonicNs());
    return !client.peer.socket->hung_up();
  }
  void EndTurn() {
    turn_.Finish();
    coordinator_.ServeWaiting();
    own_events_.StageWaiting();
  }
  // In the order of a turn's end.
  void Leave(ThreadlessClient& client) {
    attacher_.Leave(client.peer);
    client.peer.socket->HangUp();
    EndTurn();
  }
  void RunTimers(uint64_t now_ns) {
    coordinator_.OnTimer(now_ns);
    presence_.OnTimer(now_ns);
    EndTurn();
  }

 private:
  static constexpr uint32_t kTriesMax = 3;
  static constexpr uint32_t kSessionsMax = 64;

  static std::unique_ptr<LogWriter> OpenLog(uint64_t ring_bytes) {
    ROOST_CHECK(sodium_init() >= 0);
    LogOptions options;
    options.durability = Durability::kMemory;
    options.ring_bytes = ring_bytes;
    options.streams_max = 1024;
    auto log = LogWriter::Open(options, "/nowhere", nullptr, nullptr);
    ROOST_CHECK(log.ok(), "{}", log.status().message());
    return *std::move(log);
  }
  static RingReader OpenRing(const LogWriter& log) {
    auto ring = RingReader::Open(UniqueFd(::fcntl(log.ring_fd(), F_DUPFD_CLOEXEC, 0)));
    ROOST_CHECK(ring.ok(), "{}", ring.status().message());
    return *std::move(ring);
  }
  std::vector<Coordinator::Entry> Entries() {
    using enum wire::RequestBody;
    using enum KeptAnswer::Kind;
    return {{&leases_room_, {Claim, Release, ListLeases}, {kGranted, kReleased}},
            {&groups_room_,
             {Take, Settle, ListParked, Unpark, ListGroups, RemoveGroup},
             {kTaken, kSettled, kUnparked, kGroupRemoved}},
            {&verdicts_, {Validate, Decide}, {kDecided}}};
  }

  std::unique_ptr<LogWriter> log_;
  RingReader ring_;
  IdTable ids_{{.ids_max = 1000, .ids_per_uid_max = 100}};
  GroupTable groups_;
  LeaseTable leases_;
  HeldEvents held_events_{&groups_};
  QuestionTable questions_;
  SessionTable sessions_;
  ReplyBuilder replies_;
  SequencerTurn turn_;
  OwnEvents own_events_;
  UndoLog undo_;
  WaitingBudget waiting_;
  ChangeWriter changes_;
  LeaseRoom leases_room_;
  GroupRoom groups_room_;
  VerdictTableWriter verdict_writer_;
  VerdictPublisher publisher_;
  Examiner examiner_;
  VerdictRoom verdicts_;
  Coordinator coordinator_;
  Presence presence_;
  Attacher attacher_;
  Appender appender_;
  Waker waker_;
  Librarian librarian_;
  Lanes lanes_;
  RequestHandler handler_;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_THREADLESS_BROKER_H_
