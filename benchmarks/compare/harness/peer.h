// What a peer's adapter says of itself and can do. An adapter is one file in peers/, which defines Describe() and
// MakePeer(); the lines at its head, "// packages:" (Debian's) and "// links:" (libraries), are read by
// benchmarks/compare/run and by CMake.
#ifndef ROOST_BENCHMARKS_COMPARE_HARNESS_PEER_H_
#define ROOST_BENCHMARKS_COMPARE_HARNESS_PEER_H_

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/compare/harness/event.h"

namespace roost::compare {

enum class Waiting { kSpin, kSleep };

// What there is to be measured now.
struct Run {
  std::string work;
  std::string mode;
  uint32_t publishers = 1;
  uint32_t batch = 1;
  uint32_t readers = 1;
  uint32_t clients = 1;
  Waiting waiting = Waiting::kSleep;
  double seconds = 0.5;
  uint64_t events = 1'000'000;
  uint32_t streams = 1;
  std::filesystem::path scratch;  // this run's own directory, empty
  std::filesystem::path bin;      // where the programs of Roost are
};

// A way to run the peer. With the same guarantee modes of several peers are beside each other.
struct Mode {
  std::string name;
  std::string guarantee;  // of what is acknowledged: "memory", "process", "power"
  std::vector<std::string>
      works;          // that this mode is measured in; of latency "latency-spin", "latency-sleep"
  std::string means;  // what an acknowledgement promises, in a few words
  bool keeps_all = true;      // false: only the newest events can be read again
  bool needs_reader = false;  // true: it is a queue, and full without somebody who takes
  uint32_t clients_max = 1'000'000;
  uint32_t fan_out_part = 1;  // it is given this part of the events there: it is slow
};

// What is not measured, and why.
struct Absence {
  std::string work;  // as in Mode::works, or "append power", a work and a guarantee
  std::string why;
};

struct Description {
  std::string peer;
  std::string client_library;
  std::vector<Mode> modes;
  std::vector<Absence> absences = {};
};

// One client, in the process that it was made in. Whatever fails ends the process.
class Client {
 public:
  virtual ~Client() = default;

  // Returns when all of them are acknowledged. Each names its stream.
  virtual void Publish(std::span<const Event> events) = 0;

  // Makes this client a reader of stream 0: what is published after the return, and nothing older than what a peer
  // keeps, comes out of Receive.
  virtual void Subscribe(Waiting) { Unsupported("Subscribe"); }
  // Hands on what has come. When nothing has, waits in the way that was said, for at most about 100 ms.
  virtual void Receive(EventSink*) { Unsupported("Receive"); }

  // All that is kept of stream 0, oldest first.
  virtual void Replay(EventSink*) { Unsupported("Replay"); }
  // How many events stream 0 was given.
  virtual uint64_t Count() { Unsupported("Count"); }

  // Up to `count` events of a stream, from the one at `position` (0: its first) on. Streams were filled in turn by
  // one publisher: `position * streams + stream` is the place in all of them.
  virtual void ReadFrom(uint32_t, uint64_t, uint32_t, EventSink*) { Unsupported("ReadFrom"); }
  // Its newest ones, newest first. False: the peer does not offer it.
  virtual bool ReadNewest(uint32_t, uint32_t, EventSink*) { return false; }

 private:
  [[noreturn]] static void Unsupported(const char* what) {
    CheckFailed(__FILE__, __LINE__, what, "this peer does not do that");
  }
};

// A server, with its data in run.scratch.
class Peer {
 public:
  virtual ~Peer() = default;
  // Returns when clients can connect. After Stop() it starts again on the data that is there.
  virtual void Start() = 0;
  virtual void Stop() = 0;
  virtual std::vector<pid_t> Servers() const = 0;
  // REQUIRES: called in the process that uses it, by one thread, index below kPublishersMax.
  virtual std::unique_ptr<Client> Connect(uint32_t index) = 0;
  // "7.0.15"; without a server running.
  virtual std::string Version() const = 0;
};

// The adapter's.
Description Describe();
std::unique_ptr<Peer> MakePeer(const Run& run);

}  // namespace roost::compare

#endif  // ROOST_BENCHMARKS_COMPARE_HARNESS_PEER_H_
