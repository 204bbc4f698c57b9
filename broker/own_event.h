// The broker's own events: bodies for the streams $agents and $broker, and the JSON that they carry. Pure
// functions, any thread.
#ifndef ROOST_BROKER_OWN_EVENT_H_
#define ROOST_BROKER_OWN_EVENT_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/unix_socket.h"
#include "schemas/event_generated.h"

namespace roost {

inline constexpr std::string_view kAgentsStream = "$agents";
inline constexpr std::string_view kBrokerStream = "$broker";
inline constexpr std::string_view kBrokerLabel = "$broker";  // the agent of the broker's own events
inline constexpr std::string_view kJoinedType = "agent.joined";
inline constexpr std::string_view kRejoinedType = "agent.rejoined";
inline constexpr std::string_view kLeftType = "agent.left";
inline constexpr std::string_view kWorkingType = "agent.working";
inline constexpr std::string_view kIdleType = "agent.idle";
inline constexpr std::string_view kStartedType = "broker.started";
inline constexpr std::string_view kStoppedType = "broker.stopped";

// With quotes. REQUIRES: plain UTF-8 (base/utf8.h); the broker's own texts and checked labels are.
std::string JsonString(std::string_view text);

// `"agent":"a","client":"c","pid":1,"uid":2,"gid":3`: what is told of a session, without braces.
std::string SessionIdentity(std::string_view agent, std::string_view client,
                            const PeerCredentials& credentials);

// The data of agent.joined. It can't name the session: that is the event's own sequence.
std::string JoinedData(std::string_view identity);
// The data of agent.rejoined and agent.left; `reason` may be empty.
std::string SessionData(uint64_t session, std::string_view identity, std::string_view reason);
// The identity in what JoinedData or SessionData made; empty if it is neither.
std::string_view IdentityIn(std::string_view data);

// The agent in what SessionIdentity made; empty if there is none.
std::string AgentIn(std::string_view identity);

// The data of a decoded event; empty if it has none.
std::string_view DataOf(const wire::Event& event);

// A body for EventToStage. `agent`: whose request caused it. Valid until `builder` is used again.
Bytes BuildOwnEvent(flatbuffers::FlatBufferBuilder& builder, std::string_view stream,
                    std::string_view type, std::string_view data,
                    std::string_view agent = kBrokerLabel);

}  // namespace roost

#endif  // ROOST_BROKER_OWN_EVENT_H_
