// Replies about questions as bytes. One builder a room; what it returns is valid until its next call. Sequencer
// thread.
#ifndef ROOST_BROKER_VERDICTS_VERDICT_REPLIES_H_
#define ROOST_BROKER_VERDICTS_VERDICT_REPLIES_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "broker/verdicts/question_event.h"
#include "schemas/control_generated.h"

namespace roost {

// One wire::Answer.
struct QuestionAnswer {
  wire::Verdict verdict = wire::Verdict::Undecided;
  bool you_decide = false;
  uint64_t token = 0;
  VerdictKey key{};
  std::string reason = {};
  std::string by = {};
  uint64_t decided_ns = 0;
  uint64_t sequence = 0;
  bool cached = false;
  std::string error = {};  // not empty: there is no key either
};

class VerdictReplies {
 public:
  Bytes Queued(uint64_t number);
  Bytes Validated(uint64_t number, std::span<const QuestionAnswer> answers);
  Bytes Decided(uint64_t number, bool recorded, wire::Verdict verdict, std::string_view reason);

 private:
  template <typename Body>
  Bytes Finish(uint64_t number, wire::ReplyBody type, flatbuffers::Offset<Body> body);

  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_VERDICT_REPLIES_H_
