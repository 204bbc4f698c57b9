// What is said of a request that was sent in a session which the broker does not know any more. Any thread.
#ifndef ROOST_CLIENT_LOST_ANSWER_H_
#define ROOST_CLIENT_LOST_ANSWER_H_

#include "base/status.h"

namespace roost {

inline Status LostAnswer() {
  return {
      StatusCode::kUnknownOutcome,
      "the connection to the broker was lost and the broker does not know this session any more: "
      "what was asked may have been done or not; an append with an id can be asked again"};
}

}  // namespace roost

#endif  // ROOST_CLIENT_LOST_ANSWER_H_
