#include "tools/open_question.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>

#include "tools/json_text.h"

namespace roost {
namespace {

constexpr char kQuestions[] = "$questions";
constexpr char kGroup[] = "roost-decide";
constexpr uint32_t kTakeMax = 500;
constexpr int kTakesMax = 20;
constexpr size_t kAskMax = 64;
constexpr uint64_t kScanMax = 100'000;  // events of $questions

// Of a question.asked: its members as text. Empty where there is none.
std::string MemberOf(const EventView& event, std::string_view name) {
  const auto members = SplitObject(event.data);
  if (!members.ok()) return "";
  for (const JsonMember& member : *members) {
    if (member.name == name) return std::string(member.value);
  }
  return "";
}

std::string TextMemberOf(const EventView& event, std::string_view name) {
  const auto text = ParseJsonString(MemberOf(event, name));
  return text.ok() ? *text : "";
}

// What it asks, to be asked again; nullopt: it asks nothing.
std::optional<Question> QuestionOf(const EventView& event) {
  if (event.type != "question.asked") return std::nullopt;
  Question question{TextMemberOf(event, "kind"), MemberOf(event, "input")};
  if (question.kind.empty() || question.input.empty()) return std::nullopt;
  return question;
}

}  // namespace

Result<uint64_t> QuestionDesk::FindRevision(const VerdictKey& key) {
  const std::string text = KeyText(key);
  ReadQuery query;
  query.filter.stream = kQuestions;
  query.filter.types = {"question.asked"};
  query.order = Order::kNewestFirst;
  query.limit = 500;
  Page page;
  for (uint64_t seen = 0; seen < kScanMax; seen += page.size()) {
    ROOST_RETURN_IF_ERROR(client_->Read(query, &page));
    for (size_t i = 0; i < page.size(); ++i) {
      if (TextMemberOf(page[i], "key") == text) return page[i].revision;
    }
    if (!page.more()) break;
    query.before = page.next();
  }
  return {StatusCode::kNotFound,
          "no such question was asked; roost read '$questions' shows those that were"};
}

// What was decided meanwhile is done for this group; what is open goes back when all is over.
Status QuestionDesk::SortOut(const TakeResult& taken) {
  Page page;
  ROOST_RETURN_IF_ERROR(client_->ReadTaken(kQuestions, taken, &page));
  std::vector<ItemToken> closed;
  std::vector<ItemToken> asked;
  std::vector<Question> questions;
  size_t next = 0;
  for (const TakenItem& item : taken.items) {
    std::optional<Question> question;
    if (next < page.size() && page[next].revision == item.revision) {
      question = QuestionOf(page[next++]);
    }
    if (question.has_value()) {
      asked.push_back(item.token);
      questions.push_back(*std::move(question));
    } else {
      closed.push_back(item.token);
    }
  }
  for (size_t at = 0; at < questions.size(); at += kAskMax) {
    const size_t count = std::min(kAskMax, questions.size() - at);
    const auto answers =
        client_->Validate(std::span(questions).subspan(at, count), {}, Asking::kOnlyKnown);
    if (!answers.ok()) return answers.status();
    for (size_t i = 0; i < count; ++i) {
      const bool is_open = (*answers)[i].verdict == Verdict::kUndecided;
      (is_open ? returns_ : closed).push_back(asked[at + i]);
    }
  }
  if (closed.empty()) return {};
  return client_->Settle(closed, Outcome::kDone).status();
}

Result<ItemToken> QuestionDesk::TakeRevision(uint64_t revision) {
  TakeRequest request{.stream = kQuestions, .group = kGroup, .max = kTakeMax};
  bool was_unparked = false;
  for (int i = 0; i < kTakesMax; ++i) {
    Result<TakeResult> taken = client_->Take(request);
    if (!taken.ok()) return taken.status();
    const auto found = std::ranges::find(taken->items, revision, &TakenItem::revision);
    if (found != taken->items.end()) {
      const ItemToken token = found->token;
      taken->items.erase(found);
      ROOST_RETURN_IF_ERROR(SortOut(*taken));
      return token;
    }
    if (!taken->items.empty()) {
      ROOST_RETURN_IF_ERROR(SortOut(*taken));
      continue;
    }
    // Taken too often on the way to others.
    if (was_unparked) break;
    const auto unparked = client_->Unpark(kQuestions, kGroup, std::span(&revision, 1), false);
    if (!unparked.ok()) return unparked.status();
    if (*unparked == 0) break;
    was_unparked = true;
  }
  return {StatusCode::kBusy,
          "the question is decided already, or somebody else is deciding it just now; roost "
          "validate shows what was decided"};
}

Result<ItemToken> QuestionDesk::Take(const VerdictKey& key) {
  const Result<uint64_t> revision = FindRevision(key);
  if (!revision.ok()) return revision.status();
  Result<ItemToken> token = TakeRevision(*revision);
  if (!token.ok() && !returns_.empty()) (void)client_->Settle(returns_, Outcome::kRetry);
  return token;
}

Status QuestionDesk::Finish(const ItemToken& token) {
  const auto settled = client_->Settle(std::span(&token, 1), Outcome::kDone);
  if (!settled.ok()) return settled.status();
  for (size_t at = 0; at < returns_.size(); at += kTakeMax) {
    const size_t count = std::min<size_t>(kTakeMax, returns_.size() - at);
    const auto returned =
        client_->Settle(std::span(returns_).subspan(at, count), Outcome::kRetry, "not decided");
    if (!returned.ok()) return returned.status();
  }
  return {};
}

}  // namespace roost
