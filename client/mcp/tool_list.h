// What a model reads about the tools: names, descriptions, the schemas of their arguments. Each tool's
// code is in tools/. All of it together is sent to every model that uses Roost: each word costs.
#ifndef ROOST_CLIENT_MCP_TOOL_LIST_H_
#define ROOST_CLIENT_MCP_TOOL_LIST_H_

#include <string_view>

#include "client/mcp/joined_text.h"

namespace roost {
namespace tool_list {  // such names are those of kinds of requests too

inline constexpr std::string_view kReadOnly =
    R"(},"annotations":{"readOnlyHint":true,"openWorldHint":false}})";
inline constexpr std::string_view kChanges =
    R"(},"annotations":{"destructiveHint":false,"openWorldHint":false}})";

inline constexpr std::string_view kAppend =
    R"({"name":"append","description":"Append one event (stream, type, data), or with events several: )"
    R"(all or none. With expect only if the stream is at that revision (0: does not exist yet), else )"
    R"(conflict shows its last event. Repeating the call with the same id appends once.",)"
    R"("inputSchema":{"type":"object","properties":{)"
    R"("stream":{"type":"string","description":"e.g. task/42, inbox/<agent>, topic/<name>"},)"
    R"("type":{"type":"string","description":"what happened, e.g. task.done"},)"
    R"("data":{"description":"any JSON value"},"expect":{"type":"integer"},)"
    R"("id":{"type":"string"},"correlation_id":{"type":"string"},)"
    R"("causation_id":{"type":"string","description":"what caused it"},)"
    R"("events":{"type":"array","description":"instead of stream, type, data",)"
    R"("items":{"type":"object","properties":{"stream":{"type":"string"},)"
    R"("type":{"type":"string"},"data":{},"correlation_id":{"type":"string"},)"
    R"("causation_id":{"type":"string"}},"required":["stream","type"]}},)"
    R"("conditions":{"type":"array","description":"revisions that streams must be at",)"
    R"("items":{"type":"object","properties":{"stream":{"type":"string"},)"
    R"("expect":{"type":"integer"}},"required":["stream","expect"]}}})";

// Properties by which read and wait choose events.
inline constexpr std::string_view kFilterProperties =
    R"("types":{"type":"array","items":{"type":"string"}},"agent":{"type":"string"},)"
    R"("since":{"type":"string","description":"RFC 3339, or age: 10m"},)"
    R"("limit":{"type":"integer","maximum":500,"default":50},)";

inline constexpr std::string_view kReadBegin =
    R"({"name":"read","description":"Events that match all that is given, a page at a time. To go )"
    R"(on pass next as after (newest first: as before); more: there may be more right now.",)"
    R"("inputSchema":{"type":"object","properties":{)"
    R"("stream":{"type":"string","description":"exact, or a prefix ending in *; default all"},)";
inline constexpr std::string_view kReadEnd =
    R"("after":{"type":"integer","description":"sequence"},)"
    R"("before":{"type":"integer","description":"sequence"},)"
    R"("order":{"type":"string","enum":["oldest","newest"],"default":"oldest"}})";

inline constexpr std::string_view kWaitBegin =
    R"({"name":"wait","description":"Like read, but if nothing matches yet, waits for it. No events: )"
    R"(the time is over, call again with next as after.",)"
    R"("inputSchema":{"type":"object","properties":{"stream":{"type":"string"},)";
inline constexpr std::string_view kWaitEnd =
    R"("after":{"type":"integer","description":"default: the newest"},)"
    R"("timeout_ms":{"type":"integer","maximum":50000,"default":25000}})";

inline constexpr std::string_view kClaim =
    R"({"name":"claim","description":"Make keys yours alone until released or expired: all or none. )"
    R"(Any names, e.g. file/src/a.cc, task/7; globs: * within a segment, ** for segments. Claiming )"
    R"(the same keys again renews, with a new token. Not granted: held says by whom.",)"
    R"("inputSchema":{"type":"object","properties":{)"
    R"("keys":{"type":"array","items":{"type":"string"},"maxItems":64},)"
    R"("ttl_ms":{"type":"integer","default":60000},)"
    R"("wait_ms":{"type":"integer","maximum":50000,"default":0},)"
    R"("note":{"type":"string"}},"required":["keys"])";

inline constexpr std::string_view kRelease =
    R"({"name":"release","description":"End a claim of yours.","inputSchema":{"type":"object",)"
    R"("properties":{"token":{"type":"integer"},"note":{"type":"string"}},)"
    R"("required":["token"])";

inline constexpr std::string_view kTake =
    R"({"name":"take","description":"Take events of a stream used as work queue: each goes to one )"
    R"(consumer of the group. settle each token before lease_ms is over, else it goes to another; )"
    R"(after too many tries it is parked.","inputSchema":{"type":"object","properties":{)"
    R"("stream":{"type":"string"},"group":{"type":"string"},)"
    R"("from":{"type":"string","enum":["first","head"],"default":"first","description":"where a )"
    R"(new group begins"},)"
    R"("max":{"type":"integer","maximum":500,"default":1},)"
    R"("lease_ms":{"type":"integer","default":30000},)"
    R"("wait_ms":{"type":"integer","maximum":50000,"default":0}},)"
    R"("required":["stream","group"])";

inline constexpr std::string_view kSettle =
    R"({"name":"settle","description":"Say what became of events that you took. retry: give it to )"
    R"(another; park: put it aside for a person.","inputSchema":{"type":"object","properties":{)"
    R"("token":{"type":"string"},"tokens":{"type":"array","items":{"type":"string"}},)"
    R"("outcome":{"type":"string","enum":["done","retry","park"]},"note":{"type":"string"}},)"
    R"("required":["outcome"])";

inline constexpr std::string_view kValidate =
    R"({"name":"validate","description":"Ask whether something is allowed or right: answered by )"
    R"(rules, or as it was decided before. deny: don't; ask: ask your user. )"
    R"(you_decide: find out, then call decide; others wait for you.",)"
    R"("inputSchema":{"type":"object","properties":{)"
    R"("kind":{"type":"string","description":"e.g. tool.Bash"},)"
    R"("input":{"description":"any JSON value"},)"
    R"("questions":{"type":"array","items":{"type":"object",)"
    R"("properties":{"kind":{"type":"string"},"input":{}},"required":["kind","input"]}},)"
    R"("wait_ms":{"type":"integer","maximum":50000,"default":25000}})";

inline constexpr std::string_view kDecide =
    R"({"name":"decide","description":"Answer a question for everybody, with key and token of )"
    R"(validate, or of a question taken from stream $questions.",)"
    R"("inputSchema":{"type":"object","properties":{)"
    R"("key":{"type":"string"},"token":{"type":"string"},)"
    R"("verdict":{"type":"string","enum":["allow","deny","ask"]},"reason":{"type":"string"},)"
    R"("ttl_ms":{"type":"integer","default":0,"description":"0: for ever"}},)"
    R"("required":["key","token","verdict"])";

inline constexpr std::string_view kStatus =
    R"({"name":"status","description":"Your agent label and session, how broker and log are doing; )"
    R"(or with what a list.","inputSchema":{"type":"object","properties":{)"
    R"("what":{"type":"string","enum":["agents","streams","claims","groups"]},)"
    R"("prefix":{"type":"string"}})";

inline constexpr std::string_view kListBegin = R"("tools":[)";
inline constexpr std::string_view kListNext = ",";
inline constexpr std::string_view kListEnd = "]";

// "tools":[…], a member of the result of tools/list.
inline constexpr std::string_view kToolList =
    kJoinedText<kListBegin, kAppend, kChanges, kListNext, kReadBegin, kFilterProperties, kReadEnd,
                kReadOnly, kListNext, kWaitBegin, kFilterProperties, kWaitEnd, kReadOnly, kListNext,
                kClaim, kChanges, kListNext, kRelease, kChanges, kListNext, kTake, kChanges,
                kListNext, kSettle, kChanges, kListNext, kValidate, kChanges, kListNext, kDecide,
                kChanges, kListNext, kStatus, kReadOnly, kListEnd>;

}  // namespace tool_list

using tool_list::kToolList;

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_TOOL_LIST_H_
