// The connections between simulated clients and the simulated broker. Each is two real sockets with a gap
// between them: what one side sends crosses it when the scheduler says so, in order, and is lost if the
// connection ends before. So a reply is lost with its connection, and a request may have been done all the same.
//
// One thread.
#ifndef ROOST_TESTS_SIMULATION_SIMULATED_NETWORK_H_
#define ROOST_TESTS_SIMULATION_SIMULATED_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "base/unix_socket.h"

namespace roost {

class SimulatedNetwork {
 public:
  enum class Direction { kToBroker, kToClient };

  SimulatedNetwork();

  // What Kernel::Connect says. Refused while `refusing`, and when the broker does not listen.
  int Connect(int socket, const std::string& path);
  void SetRefusing(bool refusing) { refusing_ = refusing; }

  size_t size() const { return links_.size(); }
  // Whose readiness says that something can cross; -1: nothing can for now.
  int SourceOf(size_t link, Direction direction) const;
  // Moves one message across, or the end of the connection. How many bytes; 0: it was no message.
  size_t Deliver(size_t link, Direction direction);
  // Both sides see the end; what was under way is lost.
  void HangUp(size_t link);
  // Forgets the connections that have ended.
  void Sweep();

 private:
  struct Message {
    std::vector<std::byte> bytes;
    UniqueFd fd;
  };
  struct Link {
    UniqueFd client_side, broker_side;            // the gap is between them
    std::optional<Message> to_broker, to_client;  // did not fit yet
  };

  std::vector<Link> links_;
  std::unique_ptr<std::byte[]> buffer_;
  bool refusing_ = false;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_SIMULATED_NETWORK_H_
