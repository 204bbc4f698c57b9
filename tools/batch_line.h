// One line of what `roost append --batch` reads: an event as a JSON object. Pure functions, any thread.
//
//   {"stream":"tasks/1","type":"task.created","data":{"any":"JSON"},"correlation_id":"c","causation_id":"c",
//    "id":"i","content_type":"text/plain","data_base64":"aGVsbG8="}
//
// What `roost dump --json` prints is such a line too: what the broker decided (sequence, revision, agent,
// session, uid, time) is accepted and ignored. Any other member is an error, since it would be lost.
#ifndef ROOST_TOOLS_BATCH_LINE_H_
#define ROOST_TOOLS_BATCH_LINE_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "roost/event.h"

namespace roost {

struct BatchLine {
  NewEvent event;
  std::string id;
};

// `stream` and `type` are for lines that do not say them. `data` is kept byte for byte.
// kInvalidArgument: the message says what is wrong, without the line's number.
Result<BatchLine> ParseBatchLine(std::string_view line, const std::string& stream,
                                 const std::string& type);

}  // namespace roost

#endif  // ROOST_TOOLS_BATCH_LINE_H_
