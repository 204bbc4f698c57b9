// The thread through which everything that changes goes: it takes requests from all clients in turn, stages
// them, commits once a turn, answers. Here is only the loop: who is ready, how much of it is taken, when
// to sleep, when to stop. What a request does is request_handler.h's.
//
// Nobody can starve the others (docs/decisions/0025): who asks little, fewer than kLightMessages and at most kLightBytes at a time,
// is served first and, if others wait, answered before them. Those others (who asked for more at once the last time, and
// who is not attached yet) share what a turn has for them, kBulkMessagesPerTurn messages or kBulkBytesPerTurn bytes, work of
// requests (peer.h) counted as bytes: at most kMessagesPerTurn or kBytesPerTurn each, and who was served longest ago comes
// first. Coming and going is bounded for each turn as well. At most kNewcomersMax clients may be connected and not
// attached, for at most kNewcomerNsMax each.
//
// Run(): one thread. RequestStop(): any thread.
#ifndef ROOST_BROKER_SEQUENCER_H_
#define ROOST_BROKER_SEQUENCER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "broker/acceptor.h"
#include "broker/adaptive_spin.h"
#include "broker/attacher.h"
#include "broker/coordination/coordinator.h"
#include "broker/disposer.h"
#include "broker/gauges.h"
#include "broker/lanes.h"
#include "broker/librarian.h"
#include "broker/own_events.h"
#include "broker/peer.h"
#include "broker/presence.h"
#include "broker/request_handler.h"
#include "broker/sequencer_turn.h"
#include "broker/session_table.h"
#include "broker/syncer.h"
#include "broker/wake_source.h"
#include "broker/waker.h"
#include "log/ring_reader.h"

struct epoll_event;

namespace roost {

class Sequencer {
 public:
  static constexpr size_t kLightMessages = 3;
  static constexpr uint64_t kLightBytes = 16 << 10;
  static constexpr size_t kMessagesPerTurn = 16;
  static constexpr uint64_t kBytesPerTurn = 256 << 10;
  static constexpr size_t kBulkMessagesPerTurn = 32;
  static constexpr uint64_t kBulkBytesPerTurn = 256 << 10;
  static constexpr size_t kAcceptsPerTurn = 16;
  static constexpr size_t kLeavesPerTurn = 8;
  static constexpr size_t kUnreadPerTurn = 64;  // messages of those that leave, which nobody will look at
  static constexpr size_t kNewcomersMax = 1024;
  static constexpr uint64_t kNewcomerNsMax = 5'000'000'000;

  struct Parts {
    LogWriter* log;
    RingReader* ring;  // for counters
    SessionTable* sessions;
    SequencerTurn* turn;
    OwnEvents* own_events;
    Attacher* attacher;
    RequestHandler* handler;
    CountersWriter* counters;
    Waker* waker;
    Librarian* librarian;
    Syncer* syncer;
    Disposer* disposer;
    Coordinator* coordinator;
    Presence* presence;
    Gauges* gauges;
    Lanes* lanes;
    std::vector<WakeSource> wake_sources = {};
    std::function<void()> on_reload_signal = {};  // SIGHUP
  };
  Sequencer(const Parts& parts, int listener, uint64_t spin_ns);
  ~Sequencer();

  // Serves until RequestStop, or until one of the signals of `signal_fd` (a signalfd; -1: none) comes, SIGHUP
  // excepted.
  // What was received is answered.
  Status Run(int signal_fd);
  void RequestStop();

  // The same turn by turn: Begin, then Turn until it is false. It waits for something to do if it `may_wait`.
  Status Begin(int signal_fd);
  bool Turn(bool may_wait);
  // When (CLOCK_MONOTONIC) a turn has something to do though nothing came in; before that fd() says so.
  uint64_t NextTimerNs();
  int fd() const { return epoll_.get(); }

 private:
  static constexpr uint32_t kTurnsBetweenLooks = 2;
  static constexpr size_t kReadyMax = 256;
  static constexpr uint64_t kAcceptPauseNs = 100'000'000;
  static constexpr uint64_t kReleaseNs = 10'000'000'000;
  // With lanes that are awake the kernel is asked this often who else is ready.
  static constexpr uint64_t kLookGapNs = 10'000;

  Status Watch(int fd, void* tag);
  int Poll(epoll_event* ready, bool may_wait);
  bool LanesBring(uint64_t* now_ns);
  void TakeTurn(const epoll_event* ready, int count);
  // False: the descriptor is none of theirs.
  bool Wake(const void* tag);
  void ReadSignal();
  void AcceptSome();
  struct Taken {
    size_t messages = 0;
    uint64_t bytes = 0;  // and work
  };
  // One of the two ways in which a peer's requests come.
  struct Inlet {
    Peer* peer;
    bool is_lane;
    bool& is_bulk() const { return is_lane ? peer->lane->is_bulk : peer->is_bulk; }
  };
  // At once, or put into bulk_.
  void ServeLight(const Inlet& inlet);
  // True: they had something.
  bool ServeLanes();
  void ServeBulk();
  // At most so many messages and kBytesPerTurn; adds what they came to, and sees whether it is one of those who ask little.
  void Receive(const Inlet& inlet, size_t messages_max, Taken* taken);
  // False: there was none.
  bool ReceiveOne(const Inlet& inlet, uint64_t* bytes);
  bool ReceiveFromSocket(Peer& peer, uint64_t* bytes);
  bool ReceiveFromLane(Peer& peer, uint64_t* bytes);
  // What was received; how many bytes of work that was.
  uint64_t Take(Peer& peer, Bytes message, const UniqueFd& fd);
  void TurnAway(std::shared_ptr<PeerSocket> socket);
  void Close(Peer& peer);
  bool HasLeavers() const { return !closed_.empty() || !turned_away_.empty(); }
  void LeaveClosed();
  void DestroyClosed();
  void Announce();
  void CountTurn();
  void UpdateGauges();
  void RunTimers();
  void RunNewcomerTimer(uint64_t now_ns);
  void PauseAccepting(uint64_t now_ns);

  const Parts parts_;
  AdaptiveSpin spin_;
  Acceptor acceptor_;
  UniqueFd epoll_;
  UniqueFd stop_;
  int signal_fd_ = -1;
  bool stopping_ = false;

  std::list<std::unique_ptr<Peer>> newcomers_;  // longest here first; may be attached by now
  std::list<std::unique_ptr<Peer>> peers_;
  std::vector<Inlet> bulk_;    // ready in this turn, to be served behind the others
  std::deque<Peer*> closed_;   // to leave
  std::vector<Peer*> leaving_;  // in this turn
  std::deque<std::shared_ptr<PeerSocket>> turned_away_;  // hung up on, with more unread than a turn has time for
  size_t unread_left_ = 0;  // of kUnreadPerTurn, for those
  uint64_t turn_ = 0;
  std::vector<std::byte> buffer_;
  std::vector<UniqueFd> surplus_;
  uint64_t turn_ns_ = 0;      // CLOCK_MONOTONIC, in this turn
  uint64_t answered_ns_ = 0;  // CLOCK_MONOTONIC, when the last turn had answered; 0: not known
  uint64_t requests_in_turn_ = 0;
  size_t own_events_waiting_ = 0;  // at the end of the last turn

  uint64_t announced_head_ = 0;
  uint64_t announced_bytes_ = 0;
  uint64_t looked_ns_ = 0;  // when the kernel was asked last who is ready
  uint64_t accept_again_ns_ = 0;  // 0: accepting
  uint64_t away_timer_ns_ = 0;
  uint64_t release_ns_ = UINT64_MAX;
};

}  // namespace roost

#endif  // ROOST_BROKER_SEQUENCER_H_
