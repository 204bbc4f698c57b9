// The tool `read`: events that match, one page.
#include <fmt/core.h>

#include <optional>

#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/page_reader.h"
#include "client/mcp/tools/query_arguments.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

// The same ring, in which what was read has not moved: the stream, or else the whole log.
class NothingMoved : public ResultCache::Condition {
 public:
  // To be made before anything is read. REQUIRES: a ring is mapped.
  NothingMoved(const LogAccess& log, const std::string& stream)
      : log_(log), generation_(log.generation()), oldest_(log.ring()->log_oldest()) {
    if (!stream.empty() && log.ring()->FindStream(stream).has_value()) stream_ = stream;
    last_ = Last();
  }

  // A stream is in the table just before its event can be seen: then the page may not have it yet.
  bool IsVisible() const { return last_ <= log_.ring()->head(); }

  bool Holds() const override {
    return log_.generation() == generation_ && log_.ring()->log_oldest() == oldest_ &&
           Last() == last_;
  }

  size_t bytes() const override { return sizeof(*this) + stream_.capacity(); }

 private:
  uint64_t Last() const {
    const RingReader& ring = *log_.ring();
    // First of all, since whatever was written before this head is seen behind it.
    const uint64_t head = ring.head();
    if (stream_.empty()) return head;
    const auto id = ring.FindStream(stream_);
    return id.has_value() ? ring.Stream(*id).last_sequence : 0;
  }

  const LogAccess& log_;
  uint64_t generation_;
  uint64_t oldest_;
  std::string stream_;  // empty: what matters is the head
  uint64_t last_;       // sequence
};

class ReadOperation : public Operation {
 public:
  // `call`: whose answer is to be kept.
  ReadOperation(Shim* shim, const Responder& responder, ReadQuery query,
                std::optional<ResultCache::Call> call)
      : Operation(shim, responder),
        query_(std::move(query)),
        call_(std::move(call)),
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
    if (call_.has_value()) {
      condition_ = std::make_unique<NothingMoved>(log(), query_.filter.stream);
      if (!condition_->IsVisible()) condition_ = nullptr;
    }
    reader_.Read(query_, DeadlineNs(), Guarded([this](const Status& status) { OnPage(status); }));
  }

  void OnPage(const Status& status) {
    if (!status.ok()) return Failed(status);
    std::string json = PageJson(reader_.page());
    if (condition_ != nullptr && !reader_.page().gap().has_value()) {
      FinishWithToolResult(std::move(json), *call_, ResultCache::Head::kLast,
                           std::move(condition_));
    } else {
      FinishWithToolResult(std::move(json));
    }
    RecordCall(shim(), ClientWork::Read, began_ns());
  }

  ReadQuery query_;
  std::optional<ResultCache::Call> call_;
  std::unique_ptr<NothingMoved> condition_;
  PageReader reader_;
};

}  // namespace

std::unique_ptr<Operation> MakeRead(Shim* shim, const Responder& responder, JsonSlice given) {
  std::optional<ResultCache::Call> call;
  if (AnswerFromCache(shim, responder, "read", given, &call)) {
    RecordCall(*shim, ClientWork::Read, shim->line_received_ns);
    return nullptr;
  }
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
  if (ReadQueryArguments(slices, shim->clock.wall_ns(), &arguments, &query)) call.reset();
  arguments.Number("after", after, 0, UINT64_MAX, &query.after);
  arguments.Number("before", before, 1, UINT64_MAX, &query.before);
  size_t newest = 0;
  arguments.Choice("order", order, {"oldest", "newest"}, &newest);
  query.order = newest == 1 ? Order::kNewestFirst : Order::kOldestFirst;
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<ReadOperation>(shim, responder, std::move(query), std::move(call));
}

}  // namespace roost
