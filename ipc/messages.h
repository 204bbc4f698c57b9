// The messages of schemas/control.fbs as bytes: requests as a client makes them, replies checked as they
// come in. One thread an encoder.
//
// An event's body inside a request is aligned to 8 within it, so that whoever holds the request in
// aligned memory can check and copy the body where it lies.
#ifndef ROOST_IPC_MESSAGES_H_
#define ROOST_IPC_MESSAGES_H_

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "schemas/control_generated.h"

namespace roost {

// What the body of an event has. Empty: absent (the first three must not be empty).
struct EventFields {
  std::string_view stream = {};
  std::string_view type = {};
  std::string_view agent = {};
  std::string_view id = {};
  std::string_view correlation_id = {};
  std::string_view causation_id = {};
  std::string_view content_type = {};  // absent means application/json
  std::string_view data = {};
};

// Makes one request after another in memory that it keeps. What a function returns lives until the next
// call; copy it to keep it.
class RequestEncoder {
 public:
  RequestEncoder();

  // An append: BeginAppend, then the events and conditions in any order, then FinishAppend.
  void BeginAppend();
  void AddEvent(const EventFields& event);
  void AddCondition(std::string_view stream, uint64_t expect);
  // The body that AddEvent made last, for whoever wants to know how large it is.
  size_t last_body_bytes() const { return event_builder_.GetSize(); }
  Bytes FinishAppend(uint64_t number);

  // `secret` is empty for a new session.
  Bytes Attach(std::string_view agent, std::string_view client, uint64_t session, Bytes secret);

  struct WaitFields {
    uint64_t registration = 0;
    uint64_t after = 0;
    std::string_view stream = {};  // or
    std::string_view stream_prefix = {};
    std::span<const std::string> types = {};
    std::string_view agent = {};
  };
  Bytes Wait(const WaitFields& wait);
  Bytes CancelWait(uint64_t registration);
  Bytes FindSegment(uint64_t number, uint64_t sequence, uint64_t position);
  Bytes ListSessions(uint64_t number, uint64_t after, uint32_t limit);
  // The message that a request in a memfd travels with. `number` is that of the request.
  Bytes InMemory(uint64_t number, uint64_t length);

  // Gives back what a large request took.
  void Shrink();

 private:
  template <typename T>
  Bytes Finish(uint64_t number, flatbuffers::Offset<T> body);

  flatbuffers::FlatBufferBuilder builder_;
  flatbuffers::FlatBufferBuilder event_builder_;
  std::vector<flatbuffers::Offset<wire::NewEvent>> events_;
  std::vector<flatbuffers::Offset<wire::Condition>> conditions_;
};

// Gives a finished request another number. `request` came from a RequestEncoder, with a number that was
// not 0.
void RenumberRequest(std::span<std::byte> request, uint64_t number);

// The reply in `message`, checked by the FlatBuffers verifier, its body there and of a kind that we know;
// else nullptr. Points into `message`, which is aligned to 8.
const wire::Reply* DecodeReply(Bytes message);

}  // namespace roost

#endif  // ROOST_IPC_MESSAGES_H_
