// Replies as bytes. One builder a thread; what it returns is valid until its next call. Allocates when a
// reply is larger than all before, never more than kReplyBytesMax.
#ifndef ROOST_BROKER_REPLY_BUILDER_H_
#define ROOST_BROKER_REPLY_BUILDER_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "broker/answer_window.h"
#include "broker/append_request.h"
#include "broker/session_table.h"
#include "log/log_writer.h"
#include "schemas/control_generated.h"

namespace roost {

struct AttachedReply {
  uint64_t session = 0;
  SessionSecret secret{};
  bool resumed = false;
  uint64_t requests_answered = 0;
  const uint8_t* log_id = nullptr;  // 16 bytes
  uint64_t epoch = 0;
  std::string_view data_directory;  // empty: none
};

class ReplyBuilder {
 public:
  ReplyBuilder();

  Bytes Attached(const AttachedReply& reply);
  // REQUIRES: the answer is no conflict.
  Bytes Appended(const KeptAnswer& answer, uint64_t head);
  Bytes Conflict(const KeptAnswer& answer, std::string_view stream, uint64_t head);
  Bytes Woken(uint64_t registration);
  Bytes Segment(uint64_t number, const SegmentPlace& place);
  Bytes Gone(uint64_t number, uint64_t oldest);
  // Of the attached sessions after the given one at most `limit`, and no more than fit a reply.
  Bytes Sessions(uint64_t number, const SessionTable& sessions, uint64_t after, uint32_t limit);
  Bytes LaneOpened(uint64_t number);
  Bytes LaneBell();
  Bytes Refused(uint64_t number, const Refusal& refusal, uint64_t registration = 0);

 private:
  template <typename Body>
  Bytes Finish(uint64_t number, wire::ReplyBody type, flatbuffers::Offset<Body> body);

  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace roost

#endif  // ROOST_BROKER_REPLY_BUILDER_H_
