#include "tools/dashboard/event_stream.h"

#include <fmt/core.h>

#include <utility>

#include "tools/dashboard/event_json.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr uint32_t kPageEvents = 250;  // twenty times a second
constexpr uint64_t kStreamPageBytes = 512 << 10;
// So far behind the head it is skipped: what more come of than can be sent, and what few of are found in.
constexpr uint64_t kBehindMax = 5'000;
constexpr uint64_t kSearchedMax = 10'000'000;
constexpr uint64_t kShownBeforeHead = 100;

void AppendMessage(std::string_view name, std::string_view json, std::string* out) {
  *out += "event: ";
  *out += name;
  *out += "\ndata: ";
  *out += json;  // in one line: strings in it have their line breaks escaped
  *out += "\n\n";
}

std::string StandingJson(const LogStanding& standing, uint64_t after) {
  std::string json;
  JsonObject object(&json);
  object.Bool("reachable", standing.reachable);
  if (!standing.reachable) object.Text("why", standing.why);
  object.Text("log_id", standing.log_id);
  object.Number("epoch", standing.epoch);
  object.Number("head", standing.head);
  object.Number("streams", standing.streams);
  object.Number("after", after);
  object.End();
  return json;
}

// Whether it holds all that it may. Else the search was long enough.
bool IsFull(const Page& page, const ReadQuery& query) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < page.size(); ++i) bytes += page.record(i).size();
  return page.size() >= query.limit || bytes >= query.bytes_max;
}

}  // namespace

void EventStreams::OnLook(const LogStanding& standing) {
  for (EventStream* stream : streams_) stream->OnLook(standing);
}

void EventStreams::OnState(std::shared_ptr<const std::string> json) {
  for (EventStream* stream : streams_) stream->OnState(json);
}

EventStream::EventStream(ReadQuery query, LogThread* log, EventStreams* streams,
                         std::shared_ptr<const std::string> state)
    : query_(std::move(query)), log_(log), streams_(streams), state_(std::move(state)) {
  query_.limit = kPageEvents;
  query_.bytes_max = kStreamPageBytes;
  query_.order = Order::kOldestFirst;
  query_.before = 0;
}

EventStream::~EventStream() {
  if (sink_ != nullptr) streams_->Remove(this);
}

void EventStream::Begin(StreamSink* sink) {
  sink_ = sink;
  streams_->Add(this);
  // The last look may be older than events that who asks knows of.
  log_->LookThen([weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->Follow();
  });
  Send();
}

void EventStream::Follow() {
  looked_ = true;
  OnLook(standing_);
}

void EventStream::OnWritten() {
  writing_ = false;
  Send();
}

void EventStream::OnLook(const LogStanding& standing) {
  if (!looked_) {
    standing_ = standing;
    return;
  }
  const bool other_log = !standing.log_id.empty() && !standing.SameLog(standing_);
  log_is_new_ = log_is_new_ || other_log || standing.reachable != standing_.reachable;
  if (!follows_ && !standing.log_id.empty()) {
    BeginAt(standing.head);
  } else if (other_log) {
    query_.after = standing.head;
    page_.clear();
    // What a job under way brings is of the log before.
    asked_ = false;
    self_ = std::make_shared<EventStream*>(this);
  }
  standing_ = standing;
  if (follows_ && standing_.head > query_.after && page_.empty() && !asked_) AskForPage();
  Send();
}

void EventStream::OnState(std::shared_ptr<const std::string> json) {
  state_ = std::move(json);
  Send();
}

// An `after` that there can't be yet, or none: from now on.
void EventStream::BeginAt(uint64_t head) {
  follows_ = true;
  if (query_.after == 0 || query_.after > head) query_.after = head;
}

EventStream::Read EventStream::ReadPage(Client& client, const ReadQuery& query) {
  Page page;
  if (!client.Read(query, &page).ok()) return {"", query.after};  // and at the next look again
  Read read{"", page.next()};
  std::string json = page.empty() && !page.gap() ? "" : PageJson(page);
  const uint64_t behind_max = IsFull(page, query) ? kBehindMax : kSearchedMax;
  if (page.more() && page.head() > page.next() + behind_max) {
    read.next = page.head() - kShownBeforeHead;
    if (json.empty()) json = PageJson(page);
    json.pop_back();
    json += fmt::format(R"(,"skipped":{{"first":{},"last":{}}}}})", page.next() + 1, read.next);
  }
  if (!json.empty()) AppendMessage("events", json, &read.text);
  return read;
}

void EventStream::AskForPage() {
  asked_ = true;
  log_->Do([query = query_, weak = std::weak_ptr(self_)](Client& client) -> LogThread::Task {
    return [weak, read = ReadPage(client, query)]() mutable {
      const auto self = weak.lock();
      if (self == nullptr) return;
      EventStream& stream = **self;
      stream.asked_ = false;
      stream.page_after_ = stream.query_.after;
      stream.query_.after = read.next;
      stream.page_ = std::move(read.text);
      stream.Send();
    };
  });
}

void EventStream::Send() {
  if (sink_ == nullptr || writing_) return;
  std::string text;
  if (looked_ && log_is_new_) {
    const uint64_t after = page_.empty() ? query_.after : page_after_;
    AppendMessage("log", StandingJson(standing_, follows_ ? after : 0), &text);
    log_is_new_ = false;
  }
  if (state_ != nullptr) AppendMessage("state", *std::exchange(state_, nullptr), &text);
  text += std::exchange(page_, {});
  if (text.empty()) return;
  writing_ = true;
  sink_->Write(std::move(text));
}

}  // namespace roost
