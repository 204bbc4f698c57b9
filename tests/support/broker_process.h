// A real roostd with a socket and a data directory of its own in a scratch directory.
//
// One thread starts and ends it. At the end it is killed, and the test fails if it ever said that a
// check failed or a sanitizer found something, whatever else the test looked at.
#ifndef ROOST_TESTS_SUPPORT_BROKER_PROCESS_H_
#define ROOST_TESTS_SUPPORT_BROKER_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

#include "ipc/counters_format.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace roost {

struct BrokerSetup {
  // Besides --socket, --data and --ready-fd; without --config there is one with lenient objectives.
  std::vector<std::string> arguments;
  std::optional<uid_t> uid;                   // whose process it is; needs root
  std::vector<std::string> environment = {};  // additions, as ProcessOptions has them
  std::string data;                           // empty: "data" in the scratch directory
  std::string socket;                         // empty: "roost.sock" in the scratch directory
};

class BrokerProcess {
 public:
  explicit BrokerProcess(BrokerSetup setup = {});
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // Returns when the broker is ready; false, and a test failure with its errors, when it never was.
  bool Start();
  // For a test that ends it before it is ready.
  void StartWithoutWaiting();
  void Kill9();
  // SIGTERM. A test failure unless it ends with exit status 0.
  void Terminate();
  // Kill9 and Start.
  bool Restart();

  // Starts another roostd with the same options, which is expected not to stay; to the end.
  Finished RunAnother(std::vector<std::string> arguments);

  ScratchDirectory& scratch() { return scratch_; }
  const std::string& socket() const { return setup_.socket; }
  const std::string& data() const { return setup_.data; }
  BrokerSetup& setup() { return setup_; }
  Process& process() { return process_; }
  pid_t pid() const { return process_.pid(); }

  // All that it and its predecessors have written to stderr, and to stdout.
  std::string Errors() const;
  std::string Output() const;
  // A value of its counters file; 0 without one.
  uint64_t Count(Counter counter) const;

 private:
  std::string LenientConfig();
  UniqueFd Spawn();  // what becomes readable when it is ready

  ScratchDirectory scratch_;
  BrokerSetup setup_;
  Process process_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_BROKER_PROCESS_H_
