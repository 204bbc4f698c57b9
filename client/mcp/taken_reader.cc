#include "client/mcp/taken_reader.h"

#include "base/check.h"
#include "client/mcp/event_json.h"

namespace roost {
namespace {

// Of an item of which nothing but its place is shown, and of what is added to one that is shown.
constexpr size_t kPlaceBytes = 120;
constexpr size_t kTokenBytes = 80;

constexpr int kFruitlessMax = 100;  // pages without an event, 20 ms each

}  // namespace

TakenReader::TakenReader(LogAccess* log, std::string stream, std::vector<TakenItem> items)
    : reader_(log), stream_(std::move(stream)), items_(std::move(items)) {
  json_ = R"("events":[)";
  if (items_.empty()) json_ += ']';
}

// Revisions that follow one another are read as one.
size_t TakenReader::RunLength() const {
  size_t end = next_ + 1;
  while (end < items_.size() && items_[end].revision == items_[end - 1].revision + 1) ++end;
  return end - next_;
}

void TakenReader::Read(uint64_t deadline_ns, std::function<void(Step)> done) {
  ROOST_CHECK(next_ < items_.size());
  ReadQuery query;
  query.filter.stream = stream_;
  query.from_revision = items_[next_].revision;
  query.limit = static_cast<uint32_t>(RunLength());
  query.bytes_max = kResultBytesMax;
  run_end_ = next_ + RunLength();
  reader_.Read(query, deadline_ns, [this, done = std::move(done)](const Status& status) {
    OnPage(status);
    done(Next());
  });
}

void TakenReader::OnPage(const Status& status) {
  if (!status.ok()) return ShowRest(status.message());
  const Page& page = reader_.page();
  for (size_t i = 0; i < page.size(); ++i) {
    const EventView event = page[i];
    while (next_ < run_end_ && items_[next_].revision < event.revision) ShowMissing("gone");
    if (next_ < run_end_ && items_[next_].revision == event.revision) ShowEvent(event);
  }
  if (!page.empty()) return;
  if (!page.more()) {
    while (next_ < run_end_) ShowMissing("gone");
  } else if (++fruitless_ > kFruitlessMax) {
    ShowRest("reading it takes too long at the moment");
  }
}

TakenReader::Step TakenReader::Next() {
  if (next_ < items_.size()) return Step::kGoOn;
  json_ += ']';
  return Step::kDone;
}

size_t TakenReader::Room() const {
  const size_t kept = (items_.size() - next_ - 1) * kPlaceBytes + kTokenBytes;
  const size_t used = json_.size() + kept;
  return used < kListBytesMax ? kListBytesMax - used : 0;
}

void TakenReader::ShowEvent(const EventView& event) {
  const size_t room = Room();
  BeginItem();
  const size_t begin = json_.size();
  bool whole = AppendEvent(&json_, event, room);
  // Its data was left out if need be, but its ids may be too long, too.
  if (json_.size() - begin > room) {
    json_.resize(begin);
    json_ += '{';
    AppendMember(&json_, "sequence", event.sequence);
    AppendMember(&json_, "revision", event.revision);
    AppendFlag(&json_, "truncated", true);
    json_ += '}';
    whole = false;
  }
  truncated_ = truncated_ || !whole;
  json_.pop_back();
  EndItem();
}

void TakenReader::ShowMissing(std::string_view why) {
  BeginItem();
  json_ += '{';
  AppendMember(&json_, "revision", items_[next_].revision);
  AppendFlag(&json_, why, true);
  missing_ = true;
  EndItem();
}

void TakenReader::ShowRest(std::string trouble) {
  trouble_ = std::move(trouble);
  while (next_ < items_.size()) ShowMissing("unreadable");
}

void TakenReader::BeginItem() {
  if (next_ > 0) json_ += ',';
}

void TakenReader::EndItem() {
  AppendMember(&json_, "token", items_[next_].token.ToString());
  AppendMember(&json_, "tries", items_[next_].tries);
  json_ += '}';
  ++next_;
}

}  // namespace roost
