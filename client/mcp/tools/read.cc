// The tool `read`: events that match, one page.
#include <fmt/core.h>

#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/page_reader.h"
#include "client/mcp/tools/query_arguments.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

class ReadOperation : public Operation {
 public:
  ReadOperation(Shim* shim, const Responder& responder, ReadQuery query)
      : Operation(shim, responder),
        began_ns_(shim->line_received_ns),
        query_(std::move(query)),
        reader_(shim->log) {}

  void Start() override {
    WithRing([this] { Read(); });
  }

 private:
  void Read() {
    const uint64_t head = log().ring()->head();
    if (query_.after > head) {
      return FinishWithToolError(fmt::format(
          "after is {}, but the newest event of the log is {}: another log, or its end was lost; "
          "read again without after",
          query_.after, head));
    }
    reader_.Read(query_, DeadlineNs(), Guarded([this](const Status& status) { OnPage(status); }));
  }

  void OnPage(const Status& status) {
    if (!status.ok()) return Failed(status);
    FinishWithToolResult(PageJson(reader_.page()));
    shim().read_latency->Record(NowNs() - began_ns_);
  }

  uint64_t began_ns_;
  ReadQuery query_;
  PageReader reader_;
};

}  // namespace

std::unique_ptr<Operation> MakeRead(Shim* shim, const Responder& responder, JsonSlice given) {
  QueryArguments slices;
  JsonSlice after, before, order;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"stream", &slices.stream},
                  {"after", &after},
                  {"before", &before},
                  {"types", &slices.types},
                  {"agent", &slices.agent},
                  {"since", &slices.since},
                  {"limit", &slices.limit},
                  {"order", &order}});
  ReadQuery query;
  ReadQueryArguments(slices, shim->clock.wall_ns(), &arguments, &query);
  arguments.Number("after", after, 0, UINT64_MAX, &query.after);
  arguments.Number("before", before, 1, UINT64_MAX, &query.before);
  size_t newest = 0;
  arguments.Choice("order", order, {"oldest", "newest"}, &newest);
  query.order = newest == 1 ? Order::kNewestFirst : Order::kOldestFirst;
  if (!arguments.ok()) {
    responder.ToolError(arguments.trouble());
    return nullptr;
  }
  return std::make_unique<ReadOperation>(shim, responder, std::move(query));
}

}  // namespace roost
