// roostd as a whole: makes the parts, in the order in which they need each other, starts the threads, and
// takes all of it down again. It decides nothing; the parts do.
//
// Open and Run: one thread, which is the sequencer's. Stop: any thread.
#ifndef ROOST_BROKER_BROKER_H_
#define ROOST_BROKER_BROKER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "base/unique_fd.h"
#include "broker/options.h"

namespace roost {

class Broker {
 public:
  // Claims the socket, recovers the log, and listens: clients can connect from here on, and are served
  // when Run() runs. `inherited`: the listening socket of a service manager, if it gave one.
  // kAlreadyExists: another broker has the socket or the data directory. What LogWriter::Open says.
  static Result<std::unique_ptr<Broker>> Open(const BrokerOptions& options,
                                              UniqueFd inherited = UniqueFd());
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Serves until Stop(), or until a signal of `signal_fd` (a signalfd; -1: none) comes other than SIGHUP, which
  // loads the policy anew; then answers what was taken, ends the journal with its closing mark, and removes socket and counters file.
  Status Run(int signal_fd = -1);
  void Stop();

  // The threads of a broker, for whoever goes through their work himself.
  enum class Part { kSequencer, kWaker, kLibrarian, kSyncer, kSweeper, kPolicyLoader };
  // In place of Run(), all by the thread of Open: BeginSteps(), then Step() in any order, then End(), as Run ends
  // (or no End(): a crash, but for the socket's file). No thread is started, so large inputs are not examined.
  // tests/simulation
  Status BeginSteps();
  // Something of what the part has to do, without waiting. False: it had nothing to do.
  bool Step(Part part);
  // Whether Step has something to do at `now_ns` (CLOCK_MONOTONIC), as far as is known without doing it; and when it
  // will by itself.
  uint64_t NextStepNs(Part part);
  // Readable when the sequencer has something to do before its time.
  int sequencer_fd() const;
  // What SIGHUP does.
  void ReloadPolicy();
  uint64_t policy_version() const;  // in force; 0: without a policy
  Status End();
  bool degraded() const;
  const RecoveryReport& recovery() const;

  // For the line that says that it is ready.
  uint64_t head() const;
  const BrokerOptions& options() const;

 private:
  struct Parts;
  explicit Broker(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace roost

#endif  // ROOST_BROKER_BROKER_H_
