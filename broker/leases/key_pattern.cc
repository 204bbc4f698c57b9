#include "broker/leases/key_pattern.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"

namespace roost {
namespace {

constexpr std::string_view kAnySegments = "**";

// Where the segments of a key begin. Not initialized further than needed: it is made for each comparison, of which
// there may be tens of thousands.
class Segments {
 public:
  explicit Segments(std::string_view key) : key_(key) {
    begins_[0] = 0;
    for (size_t at = 0; at < key.size(); ++at) {
      if (key[at] == '/') begins_[++last_] = static_cast<uint16_t>(at + 1);
    }
    begins_[last_ + 1] = static_cast<uint16_t>(key.size() + 1);
  }

  size_t size() const { return last_ + 1; }
  std::string_view operator[](size_t index) const {
    return key_.substr(begins_[index], begins_[index + 1] - 1u - begins_[index]);
  }

 private:
  const std::string_view key_;
  size_t last_ = 0;
  uint16_t begins_[kKeyBytesMax + 2];  // and where one more would begin
};

// Some of them, side by side.
class SegmentList {
 public:
  explicit SegmentList(const Segments& of) : SegmentList(of, 0, of.size()) {}

  size_t size() const { return size_; }
  std::string_view operator[](size_t index) const { return (*of_)[begin_ + index]; }
  SegmentList first(size_t count) const { return {*of_, begin_, count}; }
  SegmentList last(size_t count) const { return {*of_, begin_ + size_ - count, count}; }

 private:
  SegmentList(const Segments& of, size_t begin, size_t size)
      : of_(&of), begin_(begin), size_(size) {}

  const Segments* of_;
  size_t begin_;
  size_t size_;
};

// What it costs to look through so many bytes at a machine word's pace, and to look at each of them alone.
constexpr uint64_t QuickSteps(size_t bytes) { return bytes / 32; }
constexpr uint64_t SlowSteps(size_t bytes) { return bytes / 2; }

// Of what is done once a comparison, mostly fetching a key that is in no cache.
constexpr uint64_t kComparisonSteps = 32;

// Of two segments with wildcards: the text that begins with the longer of their beginnings, ends with the longer
// of their ends, and has all that stands between in its middle is matched by both, whatever stands between.
bool BothWildOverlap(std::string_view a, std::string_view b, MatchBudget* budget) {
  const size_t head = std::min(a.find('*'), b.find('*'));
  const size_t tail = std::min(a.size() - a.rfind('*'), b.size() - b.rfind('*')) - 1;
  budget->Spend(QuickSteps(head + tail));
  return a.substr(0, head) == b.substr(0, head) &&
         a.substr(a.size() - tail) == b.substr(b.size() - tail);
}

// Each run between two wildcards is taken where it is found first, which leaves most for the rest.
bool WildMatches(std::string_view pattern, std::string_view text, MatchBudget* budget) {
  size_t at = 0, in_text = 0;
  size_t star = std::string_view::npos, after_star_in_text = 0;
  while (in_text < text.size()) {
    budget->Spend(1);
    if (budget->exhausted()) return false;
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      after_star_in_text = in_text;
    } else if (at < pattern.size() && pattern[at] == text[in_text]) {
      ++at;
      ++in_text;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_text = ++after_star_in_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

// Neither of them is `**`.
bool SegmentsOverlap(std::string_view a, std::string_view b, MatchBudget* budget) {
  budget->Spend(1 + QuickSteps(a.size() + b.size()));
  const bool a_is_wild = IsGlob(a);
  const bool b_is_wild = IsGlob(b);
  if (a_is_wild && b_is_wild) return BothWildOverlap(a, b, budget);
  if (a_is_wild) return WildMatches(a, b, budget);
  if (b_is_wild) return WildMatches(b, a, budget);
  return a == b;
}

size_t CountBeforeAny(SegmentList list) {
  size_t count = 0;
  while (count < list.size() && list[count] != kAnySegments) ++count;
  return count;
}

size_t CountBehindAny(SegmentList list) {
  size_t count = 0;
  while (count < list.size() && list[list.size() - 1 - count] != kAnySegments) ++count;
  return count;
}

// Pair by pair; as many as the shorter one has, from the front or from the back.
bool PairsOverlap(SegmentList a, SegmentList b, MatchBudget* budget) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!SegmentsOverlap(a[i], b[i], budget)) return false;
  }
  return true;
}

// Both have `**`: as with the wildcards of a segment, only their beginnings and ends have to agree.
bool BothAnyOverlap(SegmentList a, SegmentList b, MatchBudget* budget) {
  const size_t head = std::min(CountBeforeAny(a), CountBeforeAny(b));
  const size_t tail = std::min(CountBehindAny(a), CountBehindAny(b));
  return PairsOverlap(a.first(head), b.first(head), budget) &&
         PairsOverlap(a.last(tail), b.last(tail), budget);
}

// `pattern` has `**`, `list` has not. What each of its segments stands for is independent of the others, so
// that the way of WildMatches holds here too.
bool AnyMatches(SegmentList pattern, SegmentList list, MatchBudget* budget) {
  constexpr size_t kNone = SIZE_MAX;
  size_t at = 0, in_list = 0;
  size_t any = kNone, behind_any = 0;
  while (in_list < list.size()) {
    budget->Spend(1);
    if (budget->exhausted()) return false;
    if (at < pattern.size() && pattern[at] == kAnySegments) {
      any = at++;
      behind_any = in_list;
    } else if (at < pattern.size() && SegmentsOverlap(pattern[at], list[in_list], budget)) {
      ++at;
      ++in_list;
    } else if (any != kNone) {
      at = any + 1;
      in_list = ++behind_any;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == kAnySegments) ++at;
  return at == pattern.size();
}

}  // namespace

std::optional<std::string> KeyProblem(std::string_view key) {
  if (key.empty()) return "a key must not be empty";
  if (key.size() > kKeyBytesMax) {
    return fmt::format("a key may have {} bytes and has {}", kKeyBytesMax, key.size());
  }
  if (!IsPlainUtf8(key)) return "a key must be UTF-8 without control characters";
  if (key.find(kAnySegments) == std::string_view::npos) return std::nullopt;
  const Segments segments(key);
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string_view segment = segments[i];
    if (segment != kAnySegments && segment.find(kAnySegments) != std::string_view::npos) {
      return fmt::format(
          "in key '{}' the wildcard ** must be a whole segment between slashes, like in a/**/b; "
          "within a segment use *",
          key);
    }
  }
  return std::nullopt;
}

std::string_view LiteralPrefix(std::string_view key) {
  const size_t star = key.find('*');
  if (star == std::string_view::npos) return key;
  // `a/**` matches `a` too.
  const bool is_any = key.substr(star).starts_with(kAnySegments);
  return key.substr(0, is_any && star > 0 ? star - 1 : star);
}

bool KeysOverlap(std::string_view a, std::string_view b, MatchBudget* budget) {
  budget->Spend(kComparisonSteps + QuickSteps(a.size() + b.size()));
  if (!IsGlob(a) && !IsGlob(b)) return a == b;
  // Nearly all that do not overlap are told apart here.
  const std::string_view a_begin = LiteralPrefix(a);
  const std::string_view b_begin = LiteralPrefix(b);
  const size_t common = std::min(a_begin.size(), b_begin.size());
  if (a_begin.substr(0, common) != b_begin.substr(0, common)) return false;

  budget->Spend(SlowSteps(a.size() + b.size()));
  const Segments a_segments(a), b_segments(b);
  const SegmentList a_list(a_segments), b_list(b_segments);
  budget->Spend(a_list.size() + b_list.size());
  const bool a_has_any = CountBeforeAny(a_list) < a_list.size();
  const bool b_has_any = CountBeforeAny(b_list) < b_list.size();
  if (a_has_any && b_has_any) return BothAnyOverlap(a_list, b_list, budget);
  if (a_has_any) return AnyMatches(a_list, b_list, budget);
  if (b_has_any) return AnyMatches(b_list, a_list, budget);
  return a_list.size() == b_list.size() && PairsOverlap(a_list, b_list, budget);
}

}  // namespace roost
