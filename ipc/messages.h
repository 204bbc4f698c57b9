// The messages of schemas/control.fbs as bytes: requests as a client makes them, replies checked as they
// come in. One thread an encoder. The caller keeps to the limits: what is too much or no sense goes out as it
// is, and the broker refuses it.
//
// An event's body inside a request is aligned to 8 within it, so that whoever holds the request in
// aligned memory can check and copy the body where it lies.
#ifndef ROOST_IPC_MESSAGES_H_
#define ROOST_IPC_MESSAGES_H_

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

// A finished request, owned.
class OwnedRequest {
 public:
  OwnedRequest() = default;
  explicit OwnedRequest(flatbuffers::DetachedBuffer buffer) : buffer_(std::move(buffer)) {}

  size_t size() const { return buffer_.size(); }
  std::byte* begin() { return reinterpret_cast<std::byte*>(buffer_.data()); }
  std::byte* end() { return begin() + size(); }
  const std::byte* begin() const { return reinterpret_cast<const std::byte*>(buffer_.data()); }
  const std::byte* end() const { return begin() + size(); }

 private:
  flatbuffers::DetachedBuffer buffer_;
};

// Makes one request after another in memory that it keeps. What a function returns lives until the next
// call; copy it to keep it, or have it handed over.
class RequestEncoder {
 public:
  RequestEncoder();

  // An append: BeginAppend, then the events and conditions in any order, then FinishAppend. `bytes_expected` saves moving it
  // while it grows.
  void BeginAppend(size_t bytes_expected = 0);
  void AddEvent(const EventFields& event);
  void AddCondition(std::string_view stream, uint64_t expect);
  // The body that AddEvent made last, for whoever wants to know how large it is.
  size_t last_body_bytes() const { return last_body_bytes_; }
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

  // ---- what agents share: ipc/coordination_messages.cc ----

  struct ClaimFields {
    std::span<const std::string> keys = {};
    uint32_t ttl_ms = 0;
    uint32_t wait_ms = 0;
    std::string_view note = {};
  };
  Bytes Claim(uint64_t number, const ClaimFields& claim);
  Bytes Release(uint64_t number, uint64_t token, std::string_view note);

  struct TakeFields {
    std::string_view stream = {};
    std::string_view group = {};
    bool from_head = false;
    uint32_t max = 1;
    uint32_t lease_ms = 0;
    uint32_t wait_ms = 0;
  };
  Bytes Take(uint64_t number, const TakeFields& take);
  Bytes Settle(uint64_t number, std::span<const wire::ItemToken> tokens, wire::Outcome outcome,
               std::string_view note);
  Bytes ListParked(uint64_t number, std::string_view stream, std::string_view group, uint64_t after,
                   uint32_t limit);

  struct UnparkFields {
    std::string_view stream = {};
    std::string_view group = {};
    std::span<const uint64_t> revisions = {};  // empty: all
    bool drop = false;
    std::string_view note = {};
  };
  Bytes Unpark(uint64_t number, const UnparkFields& unpark);
  Bytes RemoveGroup(uint64_t number, std::string_view stream, std::string_view group,
                    std::string_view note);

  struct QuestionFields {
    std::string_view kind = {};
    std::string_view input = {};
  };
  Bytes Validate(uint64_t number, std::span<const QuestionFields> questions, uint32_t wait_ms,
                 bool only_known);

  struct DecideFields {
    std::span<const uint8_t> key = {};
    wire::ItemToken token = {};
    wire::Verdict verdict = wire::Verdict::Undecided;
    std::string_view reason = {};
    uint64_t ttl_ms = 0;
  };
  Bytes Decide(uint64_t number, const DecideFields& decide);

  // `request` is the number of the one that is given up.
  Bytes CancelRequest(uint64_t request);

  struct ReportFields {
    std::span<const wire::WorkDuration> durations = {};
    uint64_t durations_lost = 0;
    uint64_t cache_hits = 0;
    uint64_t cache_misses = 0;
    uint64_t overtaken = 0;
  };
  Bytes Active(const ReportFields& report);  // of which all may be empty

  Bytes OpenLane(uint64_t number);
  Bytes LaneBell();
  Bytes ListLeases(uint64_t number, std::string_view prefix, uint64_t after, uint32_t limit);

  struct ListGroupsFields {
    std::string_view prefix = {};
    std::string_view after_stream = {};
    std::string_view after_group = {};
    uint32_t limit = 0;
  };
  Bytes ListGroups(uint64_t number, const ListGroupsFields& list);

  // The request that was made last, once.
  OwnedRequest HandOver();

  // Gives back what a large request took.
  void Shrink();

 private:
  template <typename T>
  Bytes Finish(uint64_t number, flatbuffers::Offset<T> body) {
    builder_.Finish(wire::CreateRequest(builder_, number, wire::RequestBodyTraits<T>::enum_value,
                                        body.Union()));
    return {reinterpret_cast<const std::byte*>(builder_.GetBufferPointer()), builder_.GetSize()};
  }
  // 0, which leaves the field out, for an empty text.
  flatbuffers::Offset<flatbuffers::String> Optional(std::string_view text);
  flatbuffers::Offset<flatbuffers::String> Required(std::string_view text);
  void BuildEvent(const EventFields& event);
  bool IsLikeBuilt(const EventFields& event) const;
  void AddNewEvent(flatbuffers::Offset<flatbuffers::Vector<uint8_t>> body);

  flatbuffers::FlatBufferBuilder builder_;
  flatbuffers::FlatBufferBuilder event_builder_;
  EventFields built_;       // what the body there has; point into it
  size_t frame_bytes_ = 0;  // of that body (ipc/event_frame.h); 0: it has none
  size_t last_body_bytes_ = 0;
  flatbuffers::uoffset_t new_event_vtable_ = 0;  // where it lies in the builder
  std::vector<flatbuffers::Offset<wire::NewEvent>> events_;
  std::vector<flatbuffers::Offset<wire::Condition>> conditions_;
};

// Gives a finished request another number. `request` came from a RequestEncoder, with a number that was
// not 0.
void RenumberRequest(std::span<std::byte> request, uint64_t number);

// Gives a finished Claim, Take or Validate, whose wait was not 0, another one.
void SetRequestWait(std::span<std::byte> request, uint32_t wait_ms);

// The reply in `message`, checked by the FlatBuffers verifier, its body there and of a kind that we know;
// else nullptr. Points into `message`, which is aligned to 8.
const wire::Reply* DecodeReply(Bytes message);

}  // namespace roost

#endif  // ROOST_IPC_MESSAGES_H_
