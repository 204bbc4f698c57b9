#include "broker/presence.h"

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/own_event.h"
#include "broker/peer.h"

namespace roost {
namespace {

bool Waits(const Session& session) {
  return session.waiting_requests > 0 ||
         (session.peer != nullptr &&
          session.peer->socket->waits.load(std::memory_order_relaxed) > 0);
}

}  // namespace

void Presence::OnAttached(Session& session, uint64_t now_ns) {
  OnLeft(session);
  session.active_ns = now_ns;
  if (!session.idle) LookAgainAt(session, now_ns + idle_after_ns_);
}

void Presence::OnLeft(Session& session) {
  due_.erase({session.presence_due_ns, session.number});
  session.presence_due_ns = 0;
}

void Presence::LookAgainAt(Session& session, uint64_t due_ns) {
  session.presence_due_ns = due_ns;
  due_.emplace(due_ns, session.number);
}

void Presence::SetWorking(Session& session, uint64_t now_ns) {
  if (own_events_->HasWaiting()) return;
  session.idle = false;
  LookAgainAt(session, now_ns + idle_after_ns_);
  Tell(session, kWorkingType);
}

void Presence::OnTimer(uint64_t now_ns) {
  while (NextTimerNs() <= now_ns) {
    Session* session = sessions_->Find(due_.begin()->second);
    ROOST_CHECK(session != nullptr, "session={}", due_.begin()->second);
    due_.erase(due_.begin());
    const uint64_t idle_ns = session->active_ns + idle_after_ns_;
    if (idle_ns > now_ns) {
      LookAgainAt(*session, idle_ns);
    } else if (Waits(*session)) {
      // All who wait are looked at together, so that a thousand of them do not wake the thread each by itself.
      LookAgainAt(*session, (now_ns / idle_after_ns_ + 1) * idle_after_ns_);
    } else if (own_events_->HasWaiting()) {
      LookAgainAt(*session, now_ns + idle_after_ns_);
    } else {
      session->presence_due_ns = 0;
      session->idle = true;
      Tell(*session, kIdleType);
    }
  }
}

void Presence::Tell(const Session& session, std::string_view type) {
  if (IsUnlogged(session)) return;
  own_events_->Add(
      kAgentsStream, type,
      fmt::format(R"({{"session":{},"agent":{}}})", session.number, JsonString(session.agent)),
      session.number);
}

}  // namespace roost
