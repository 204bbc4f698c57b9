// Who wants to know what becomes of sessions. Sequencer thread.
#ifndef ROOST_BROKER_SESSION_OBSERVER_H_
#define ROOST_BROKER_SESSION_OBSERVER_H_

#include <string_view>

#include "broker/session_table.h"

namespace roost {

class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  // It is about to end; `reason` is "left" or "broker restarted".
  virtual void OnSessionEnded(Session& session, std::string_view reason) = 0;
  // It was taken up over another connection, and keeps what it holds.
  virtual void OnSessionMoved(Session& session) = 0;
  // It was taken up, and can be sent something.
  virtual void OnSessionBack(Session& session) = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SESSION_OBSERVER_H_
