#include "client/mcp/result_cache.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace roost {
namespace {

constexpr std::string_view kHeadInText = R"(\"head\":)";
constexpr std::string_view kHead = R"("head":)";

size_t DigitsAt(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end - at;
}

}  // namespace

ResultCache::Call::Call(Era the_era, std::string_view tool, std::string_view arguments)
    : era(the_era) {
  text.reserve(tool.size() + 1 + arguments.size());
  text.append(tool).append(" ").append(arguments);
  hash = std::hash<std::string_view>()(text) * 2 + (era == Era::kModern ? 1 : 0);
}

size_t ResultCache::Entry::bytes() const {
  constexpr size_t kAllocations = 4 * 16;  // what the allocator keeps for each
  return sizeof(Entry) + 2 * sizeof(void*) + call.text.capacity() + result.capacity() +
         condition->bytes() + kAllocations;
}

bool ResultCache::SeenLately(uint64_t hash) {
  if (std::find(seen_.begin(), seen_.end(), hash) != seen_.end()) return true;
  seen_[next_seen_] = hash;
  next_seen_ = (next_seen_ + 1) % kSeenMax;
  return false;
}

void ResultCache::Drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes();
  entries_.erase(entry);
}

ResultCache::Outcome ResultCache::Answer(const Call& call, uint64_t head,
                                         const Responder& responder) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.call == call; });
  if (entry == entries_.end()) {
    ++misses_;
    return SeenLately(call.hash) ? Outcome::kRepeated : Outcome::kNew;
  }
  if (!entry->condition->Holds()) {
    ++misses_;
    Drop(entry);
    return Outcome::kRepeated;
  }
  ++hits_;
  entries_.splice(entries_.end(), entries_, entry);
  const std::string_view result = entry->result;
  if (entry->text_head == 0) {
    responder.Prebuilt({result});
    return Outcome::kAnswered;
  }
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), head);
  const std::string_view number(digits, static_cast<size_t>(end - digits));
  responder.Prebuilt({result.substr(0, entry->text_head), number,
                      result.substr(entry->text_head, entry->value_head - entry->text_head), number,
                      result.substr(entry->value_head)});
  return Outcome::kAnswered;
}

// Copies the answer without the digits of its head, and remembers where they stood.
void ResultCache::Entry::TakeResult(const ToolAnswer& answer, Head head) {
  const std::string_view bytes = answer.result;
  if (head == Head::kNone) {
    result = bytes;
    return;
  }
  const size_t text_digits = bytes.rfind(kHeadInText, answer.text_end) + kHeadInText.size();
  const size_t text_rest = text_digits + DigitsAt(bytes, text_digits);
  const size_t value_digits = bytes.rfind(kHead, answer.value_end) + kHead.size();
  const size_t value_rest = value_digits + DigitsAt(bytes, value_digits);
  result.reserve(bytes.size());
  result.append(bytes.substr(0, text_digits));
  text_head = result.size();
  result.append(bytes.substr(text_rest, value_digits - text_rest));
  value_head = result.size();
  result.append(bytes.substr(value_rest));
}

void ResultCache::Keep(const Call& call, const ToolAnswer& answer, Head head,
                       std::unique_ptr<Condition> condition) {
  if (answer.result.size() > kBytesMax) return;
  // The same call may have been under way twice.
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.call == call; });
  if (known != entries_.end()) Drop(known);
  Entry entry;
  entry.call = call;
  entry.condition = std::move(condition);
  entry.TakeResult(answer, head);
  if (entry.bytes() > kBytesMax) return;
  entries_.push_back(std::move(entry));
  bytes_ += entries_.back().bytes();
  while (bytes_ > kBytesMax) Drop(entries_.begin());
}

}  // namespace roost
