#include "tools/dashboard/dashboard.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "ipc/socket_path.h"
#include "tools/dashboard/event_json.h"
#include "tools/dashboard/page_files.h"
#include "tools/dashboard/query_string.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr uint32_t kEventsMax = 4000;
constexpr uint64_t kPageBytes = 2 << 20;
constexpr size_t kStreamsLookedAt = 100'000;
constexpr size_t kStreamsShown = 500;
// Attaching included: what the log's thread may be held up by a broker that does not answer.
constexpr std::chrono::milliseconds kClientTimeout{1'000};

HttpResponse ErrorResponse(const Status& status) {
  unsigned code = 500;
  if (status.code() == StatusCode::kInvalidArgument) code = 400;
  if (status.code() == StatusCode::kNotFound || status.code() == StatusCode::kGone) code = 404;
  if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kTimedOut) {
    code = 503;
  }
  HttpResponse response;
  response.status = code;
  JsonObject object(&response.body);
  object.Text("error", status.message());
  object.End();
  return response;
}

HttpResponse EventsResponse(Client& client, const ReadQuery& query) {
  Page page;
  if (const Status read = client.Read(query, &page); !read.ok()) return ErrorResponse(read);
  return {.body = PageJson(page)};
}

HttpResponse EventResponse(Client& client, uint64_t sequence) {
  ReadQuery query;
  query.after = sequence - 1;
  query.before = sequence + 1;
  query.limit = 1;
  Page page;
  if (const Status read = client.Read(query, &page); !read.ok()) return ErrorResponse(read);
  if (page.empty()) return ErrorResponse({StatusCode::kGone, "that event is not there (any more)"});
  HttpResponse response;
  AppendDashboardEvent(page[0], SIZE_MAX, &response.body);
  return response;
}

HttpResponse StreamsResponse(Client& client, const std::string& prefix) {
  auto streams = client.ListStreams(prefix, kStreamsLookedAt);
  if (!streams.ok()) return ErrorResponse(streams.status());
  const auto info = client.Info();
  if (!info.ok()) return ErrorResponse(info.status());
  return {.body = StreamsJson(*std::move(streams), kStreamsShown, info->streams)};
}

}  // namespace

Dashboard::Dashboard(DashboardOptions options)
    : options_(std::move(options)),
      guard_(options_.token, options_.token_for_all, options_.names, ::getuid()),
      server_([this](const HttpRequest& request,
                     Exchange exchange) { Answer(request, std::move(exchange)); },
              options_.limits) {}

Status Dashboard::Listen() {
  auto socket = ChooseSocketPath(options_.socket);
  if (!socket.ok()) return socket.status();
  options_.socket = *std::move(socket);
  return server_.Listen(options_.address, options_.port);
}

Status Dashboard::Run(bool until_signal) {
  const auto post = [this](std::function<void()> task) { server_.Post(std::move(task)); };
  log_ = std::make_unique<LogThread>(
      ClientOptions{.socket = options_.socket,
                    .agent = "dashboard",
                    .program = "roost-dashboard " ROOST_VERSION,
                    .timeout = kClientTimeout},
      post, [this](const LogStanding& standing) { streams_.OnLook(standing); });
  broker_ = std::make_unique<StateThread>(CountersPath(options_.socket), post,
                                          [this](StateThread::Text state) {
                                            state_ = state;
                                            streams_.OnState(std::move(state));
                                          });
  const Status done = server_.Run(until_signal);
  broker_.reset();
  log_.reset();
  return done;
}

void Dashboard::Answer(const HttpRequest& request, Exchange exchange) {
  if (auto refusal = guard_.Refuse(request)) return exchange->Reply(*std::move(refusal));
  if (request.path == "/api/events") return AnswerEvents(request, std::move(exchange));
  if (request.path == "/api/event") return AnswerEvent(request, std::move(exchange));
  if (request.path == "/api/streams") return AnswerStreams(request, std::move(exchange));
  if (request.path == "/api/follow") return AnswerFollow(request, std::move(exchange));
  if (request.path == "/api/history") return exchange->Reply({.body = broker_->HistoryJson()});
  for (const PageFile& file : PageFiles()) {
    if (request.path == file.path) {
      return exchange->Reply({200, file.content_type, std::string(file.content)});
    }
  }
  exchange->Reply({404, "text/plain", "there is no such page\n"});
}

void Dashboard::AnswerEvents(const HttpRequest& request, Exchange exchange) {
  auto query = ParseReadQuery(request.query, kEventsMax);
  if (!query.ok()) return exchange->Reply(ErrorResponse(query.status()));
  query->bytes_max = kPageBytes;
  AnswerByLog(std::move(exchange), [query = *std::move(query)](Client& client) {
    return EventsResponse(client, query);
  });
}

void Dashboard::AnswerEvent(const HttpRequest& request, Exchange exchange) {
  const auto fields = SplitQuery(request.query);
  if (!fields.ok()) return exchange->Reply(ErrorResponse(fields.status()));
  Result<uint64_t> sequence =
      fields->size() == 1 && fields->front().first == "sequence"
          ? ParseNumber(fields->front().second)
          : Status(StatusCode::kInvalidArgument, "say which: ?sequence=N");
  if (sequence.ok() && (*sequence == 0 || *sequence == UINT64_MAX)) {
    sequence = Status(StatusCode::kInvalidArgument, "events are numbered from 1 on");
  }
  if (!sequence.ok()) return exchange->Reply(ErrorResponse(sequence.status()));
  AnswerByLog(std::move(exchange),
              [sequence = *sequence](Client& client) { return EventResponse(client, sequence); });
}

void Dashboard::AnswerStreams(const HttpRequest& request, Exchange exchange) {
  const auto fields = SplitQuery(request.query);
  if (!fields.ok()) return exchange->Reply(ErrorResponse(fields.status()));
  std::string prefix;
  for (const auto& [name, value] : *fields) {
    if (name != "prefix") {
      return exchange->Reply(
          ErrorResponse({StatusCode::kInvalidArgument, "there is only ?prefix= to ask for"}));
    }
    prefix = value;
  }
  AnswerByLog(std::move(exchange),
              [prefix](Client& client) { return StreamsResponse(client, prefix); });
}

void Dashboard::AnswerFollow(const HttpRequest& request, Exchange exchange) {
  auto query = ParseReadQuery(request.query, kEventsMax);
  if (!query.ok()) return exchange->Reply(ErrorResponse(query.status()));
  exchange->ReplyStream("text/event-stream",
                        std::make_unique<EventStream>(*std::move(query), log_.get(), &streams_, state_));
}

void Dashboard::AnswerByLog(Exchange exchange, std::function<HttpResponse(Client& client)> make) {
  log_->Do([exchange = std::move(exchange),
            make = std::move(make)](Client& client) mutable -> LogThread::Task {
    return [exchange = std::move(exchange), response = make(client)]() mutable {
      exchange->Reply(std::move(response));
    };
  });
}

}  // namespace roost
