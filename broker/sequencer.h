// The thread through which everything that changes goes: it takes requests from all clients in turn, stages
// them, commits once a turn, answers. Here is only the loop: who is ready, how much of it is taken, when
// to sleep, when to stop. What a request does is request_handler.h's.
//
// A turn takes from each client at most kMessagesPerTurn messages or kBytesPerTurn bytes, work of requests
// (peer.h) counted as bytes, so nobody can starve the others. At most kNewcomersMax clients may be connected and not attached, for at most
// kNewcomerNsMax each.
//
// Run(): one thread. RequestStop(): any thread.
#ifndef ROOST_BROKER_SEQUENCER_H_
#define ROOST_BROKER_SEQUENCER_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "broker/acceptor.h"
#include "broker/attacher.h"
#include "broker/coordination/coordinator.h"
#include "broker/disposer.h"
#include "broker/gauges.h"
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
  static constexpr size_t kMessagesPerTurn = 16;
  static constexpr uint64_t kBytesPerTurn = 256 << 10;
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
  static constexpr size_t kAcceptsPerTurn = 64;
  static constexpr uint64_t kAcceptPauseNs = 100'000'000;
  static constexpr uint64_t kReleaseNs = 10'000'000'000;
  // Who had to wait longer than this for something to do does not look on when it is done.
  static constexpr uint64_t kSpinGapNsMax = 2'000'000;

  Status Watch(int fd, void* tag);
  int Poll(epoll_event* ready, bool may_wait);
  void TakeTurn(const epoll_event* ready, int count);
  // False: the descriptor is none of theirs.
  bool Wake(const void* tag);
  void ReadSignal();
  void AcceptAll();
  void Receive(Peer& peer);
  void Close(Peer& peer);
  void LeaveClosed();
  void DestroyClosed();
  void Announce();
  void CountTurn();
  void RunTimers();
  void RunNewcomerTimer(uint64_t now_ns);
  void PauseAccepting(uint64_t now_ns);

  const Parts parts_;
  const uint64_t spin_ns_;
  Acceptor acceptor_;
  UniqueFd epoll_;
  UniqueFd stop_;
  int signal_fd_ = -1;
  bool stopping_ = false;

  std::list<std::unique_ptr<Peer>> newcomers_;  // longest here first; may be attached by now
  std::list<std::unique_ptr<Peer>> peers_;
  std::vector<Peer*> closed_;
  std::vector<std::byte> buffer_;
  std::vector<UniqueFd> surplus_;
  uint64_t turn_ns_ = 0;  // CLOCK_MONOTONIC, in this turn
  uint64_t requests_in_turn_ = 0;

  uint64_t announced_head_ = 0;
  uint64_t announced_bytes_ = 0;
  uint64_t busy_until_ns_ = 0;  // looks on until then
  uint64_t last_work_ns_ = 0;
  uint64_t accept_again_ns_ = 0;  // 0: accepting
  uint64_t away_timer_ns_ = 0;
  uint64_t release_ns_ = UINT64_MAX;
};

}  // namespace roost

#endif  // ROOST_BROKER_SEQUENCER_H_
