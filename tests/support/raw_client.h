// The control socket, message by message, without libroost: for what no well-behaved client does.
// One thread.
#ifndef ROOST_TESTS_SUPPORT_RAW_CLIENT_H_
#define ROOST_TESTS_SUPPORT_RAW_CLIENT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/unix_socket.h"
#include "schemas/control_generated.h"
#include "tests/support/deadline.h"

namespace roost {

using Message = std::vector<std::byte>;

// ---- requests, as finished buffers ----

struct RawEvent {
  std::string stream = "s";
  std::string type = "t";
  std::string agent = "raw";
  std::string data = "1";
  std::string id;
};
Message AttachMessage(std::string_view agent, uint64_t session = 0, Bytes secret = {},
                      uint32_t protocol = 1);
Message AppendMessage(uint64_t number, const std::vector<RawEvent>& events,
                      const std::vector<std::pair<std::string, uint64_t>>& conditions = {});
Message WaitMessage(uint64_t registration, uint64_t after, std::string_view stream = "");
Message CancelWaitMessage(uint64_t registration);
Message FindSegmentMessage(uint64_t number, uint64_t sequence, uint64_t position = 0);
Message ListSessionsMessage(uint64_t number);
Message InMemoryMessage(uint64_t number, uint64_t length);

// A memfd with this content, sealed against every change unless said otherwise.
UniqueFd MakeMemfd(Bytes content, bool sealed = true);

// A verified reply and what came with it.
struct RawReply {
  Message bytes;
  UniqueFd fd;
  const wire::Reply& reply() const { return *flatbuffers::GetRoot<wire::Reply>(bytes.data()); }
};

class RawClient {
 public:
  // Connects; Attach is a message like the others.
  explicit RawClient(const std::string& socket);

  bool connected() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

  // False when the broker has closed, or has no room for it right now.
  bool Send(Bytes message, int passed_fd = -1);
  // Any number of descriptors, also more than Roost ever passes.
  bool SendWithDescriptors(Bytes message, std::span<const int> descriptors);

  // The next reply, or nothing: closed, or the deadline has passed. A reply that is no valid Reply is a
  // test failure.
  std::optional<RawReply> Receive(Deadline deadline = Deadline::Default());
  // True when the broker closes the connection before the deadline; replies before that are dropped.
  bool WaitClosed(Deadline deadline = Deadline::Default());

  // Attaches and waits for Attached. Nothing if it was refused.
  std::optional<RawReply> Attach(std::string_view agent);
  // Sends an append and waits for the reply with its number.
  std::optional<RawReply> Append(uint64_t number, const std::vector<RawEvent>& events);

 private:
  UniqueFd fd_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_RAW_CLIENT_H_
