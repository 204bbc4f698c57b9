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
