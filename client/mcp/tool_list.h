// What a model reads about the tools: names, descriptions, the schemas of their arguments. Each tool's
// code is in tools/.
#ifndef ROOST_CLIENT_MCP_TOOL_LIST_H_
#define ROOST_CLIENT_MCP_TOOL_LIST_H_

#include <string_view>

#include "client/mcp/joined_text.h"

namespace roost {

// Properties of an event, alone or in a batch.
inline constexpr std::string_view kEventProperties =
    R"("stream":{"type":"string","description":"e.g. task/42, inbox/<agent>, topic/<name>"},)"
    R"("type":{"type":"string","description":"what happened, e.g. task.done"},)"
    R"("data":{"description":"any JSON value"},)"
    R"("correlation_id":{"type":"string","description":"what it belongs to"},)"
    R"("causation_id":{"type":"string","description":"what caused it"})";

inline constexpr std::string_view kAppendBegin =
    R"({"name":"append","title":"Append events","description":"Append one event (stream, type, data), )"
    R"(or several side by side with events: all or none, over any streams. With expect, only if the )"
    R"(stream is at that revision (0: does not exist yet); else nothing is appended and conflict shows )"
    R"(its revision and last event. With id, repeating the call does not append twice.",)"
    R"("inputSchema":{"type":"object","properties":{)";
inline constexpr std::string_view kAppendMiddle =
    R"(,"expect":{"type":"integer","minimum":0,"description":"revision the stream must be at"},)"
    R"("id":{"type":"string","description":"idempotency key, in the scope of the stream"},)"
    R"("events":{"type":"array","description":"several events instead of stream, type, data",)"
    R"("minItems":1,"items":{"type":"object","properties":{)";
inline constexpr std::string_view kAppendEnd =
    R"(},"required":["stream","type"],"additionalProperties":false}},)"
    R"("conditions":{"type":"array","description":"further streams and their expected revisions",)"
    R"("items":{"type":"object","properties":{)"
    R"("stream":{"type":"string"},"expect":{"type":"integer","minimum":0})"
    R"(},"required":["stream","expect"],"additionalProperties":false}}},)"
    R"("additionalProperties":false},"annotations":{"readOnlyHint":false,)"
    R"("destructiveHint":false,"idempotentHint":false,"openWorldHint":false}})";

// Properties by which read and wait choose events.
inline constexpr std::string_view kFilterProperties =
    R"("stream":{"type":"string","description":"exactly this one, or a prefix ending in *; )"
    R"(default: all"},)"
    R"("types":{"type":"array","items":{"type":"string"},"description":"any of these"},)"
    R"("agent":{"type":"string","description":"who appended"},)"
    R"("since":{"type":"string","description":"RFC 3339 time, or age like 10m"},)"
    R"("limit":{"type":"integer","minimum":1,"maximum":500,"default":50},)";

inline constexpr std::string_view kReadBegin =
    R"({"name":"read","title":"Read events","description":"Events that match, a page at a time. To go )"
    R"(on pass next as after (newest first: as before), also when nothing matched; more says there may )"
    R"(be more right now. Order newest without before shows the latest.",)"
    R"("inputSchema":{"type":"object","properties":{)";
inline constexpr std::string_view kReadEnd =
    R"("after":{"type":"integer","minimum":0,"description":"sequence; only later events"},)"
    R"("before":{"type":"integer","minimum":1,"description":"sequence; only earlier events"},)"
    R"("order":{"type":"string","enum":["oldest","newest"],"default":"oldest"}},)"
    R"("additionalProperties":false},)";

inline constexpr std::string_view kWaitBegin =
    R"({"name":"wait","title":"Wait for events","description":"Like read, but if nothing matches yet, )"
    R"(waits for it. Without after: for what is appended from now on. No events means the time is )"
    R"(over: call again with next as after.",)"
    R"("inputSchema":{"type":"object","properties":{)";
inline constexpr std::string_view kWaitEnd =
    R"("after":{"type":"integer","minimum":0,"description":"sequence; default: the newest"},)"
    R"("timeout_ms":{"type":"integer","minimum":0,"maximum":50000,"default":25000}},)"
    R"("additionalProperties":false},)";

inline constexpr std::string_view kStatus =
    R"({"name":"status","title":"Status","description":"Your own agent label and session, and how )"
    R"(broker and log are doing; or with what a list: agents that are attached, or streams with their )"
    R"(revisions.","inputSchema":{"type":"object","properties":{)"
    R"("what":{"type":"string","enum":["agents","streams"]},)"
    R"("prefix":{"type":"string","description":"only names that begin like this"}},)"
    R"("additionalProperties":false},)";

inline constexpr std::string_view kReadOnly =
    R"("annotations":{"readOnlyHint":true,"openWorldHint":false}})";

inline constexpr std::string_view kListBegin = R"("tools":[)";
inline constexpr std::string_view kListNext = ",";
inline constexpr std::string_view kListEnd = "]";

// "tools":[…], a member of the result of tools/list.
inline constexpr std::string_view kToolList =
    kJoinedText<kListBegin, kAppendBegin, kEventProperties, kAppendMiddle, kEventProperties,
                kAppendEnd, kListNext, kReadBegin, kFilterProperties, kReadEnd, kReadOnly,
                kListNext, kWaitBegin, kFilterProperties, kWaitEnd, kReadOnly, kListNext, kStatus,
                kReadOnly, kListEnd>;

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_TOOL_LIST_H_
