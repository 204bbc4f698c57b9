// Which keys are keys, and which of them overlap: by examples, and by comparison with trying all texts.
#include "broker/leases/key_pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace roost {
namespace {

bool Overlap(std::string_view a, std::string_view b) {
  MatchBudget budget(1'000'000);
  const bool overlap = KeysOverlap(a, b, &budget);
  EXPECT_FALSE(budget.exhausted());
  return overlap;
}

TEST(KeyPatternTest, RefusesWhatIsNoKey) {
  EXPECT_NE(KeyProblem(""), std::nullopt);
  EXPECT_NE(KeyProblem(std::string(256, 'a')), std::nullopt);
  EXPECT_NE(KeyProblem("a\nb"), std::nullopt);
  EXPECT_NE(KeyProblem("\xff"), std::nullopt);
  EXPECT_NE(KeyProblem("a**"), std::nullopt);
  EXPECT_NE(KeyProblem("a/**b/c"), std::nullopt);
  EXPECT_NE(KeyProblem("***"), std::nullopt);
}

TEST(KeyPatternTest, TakesWhatIsAKey) {
  for (const std::string key :
       {"a", "/", "**", "a/**", "**/a", "*", "a*b*c/*", "ä/ö*", "a//b", "?[x]{y}"}) {
    EXPECT_EQ(KeyProblem(key), std::nullopt) << key;
  }
  EXPECT_EQ(KeyProblem(std::string(255, '/')), std::nullopt);
}

TEST(KeyPatternTest, SaysWhatEveryMatchBeginsWith) {
  EXPECT_EQ(LiteralPrefix("a/b"), "a/b");
  EXPECT_EQ(LiteralPrefix("a/b*"), "a/b");
  EXPECT_EQ(LiteralPrefix("a/**/b"), "a");
  EXPECT_EQ(LiteralPrefix("**"), "");
  EXPECT_EQ(LiteralPrefix("/**"), "");
}

TEST(KeyPatternTest, OverlapsAsItsExamplesSay) {
  EXPECT_TRUE(Overlap("src/a.cc", "src/a.cc"));
  EXPECT_FALSE(Overlap("src/a.cc", "src/a.h"));
  EXPECT_TRUE(Overlap("src/*", "src/a.cc"));
  EXPECT_FALSE(Overlap("src/*", "src/sub/a.cc"));
  EXPECT_FALSE(Overlap("src/*", "src"));
  EXPECT_TRUE(Overlap("src/**", "src"));
  EXPECT_TRUE(Overlap("src/**", "src/sub/a.cc"));
  EXPECT_FALSE(Overlap("src/**", "srcs"));
  EXPECT_TRUE(Overlap("**/test", "a/b/test"));
  EXPECT_TRUE(Overlap("**/test", "src/**"));
  EXPECT_TRUE(Overlap("a*c", "ab*"));
  EXPECT_FALSE(Overlap("a*c", "*d"));
  EXPECT_FALSE(Overlap("a/*/c", "a/**/d"));
  EXPECT_FALSE(Overlap("?", "x"));
  EXPECT_TRUE(Overlap("**", "a*"));
}

TEST(KeyPatternTest, StopsWhenTheBudgetIsExhausted) {
  MatchBudget budget(250);
  EXPECT_FALSE(KeysOverlap("*a*a*a*a*b", std::string(200, 'a'), &budget));
  EXPECT_TRUE(budget.exhausted());
  EXPECT_EQ(budget.left(), 0u);
}

TEST(KeyPatternTest, SpendsWhatTakesTimeAlsoWhereNoCharactersAreMatched) {
  const auto cost = [](const std::string& a, const std::string& b) {
    MatchBudget budget(1'000'000);
    KeysOverlap(a, b, &budget);
    return 1'000'000 - budget.left();
  };
  // Both are looked through from end to end for where their segments begin.
  EXPECT_GE(cost("*" + std::string(200, 'x'), "1*" + std::string(200, 'y')), 200u);
  EXPECT_GE(cost("a", "b"), 30u);
}

// The worst there is costs no more than the product of the lengths says, many times over.
TEST(KeyPatternTest, IsBoundedForTheWorstKeys) {
  std::string stars, slashes, many;
  while (stars.size() < 250) stars += "*a";
  while (slashes.size() < 250) slashes += "**/*a/";
  slashes += "b";
  while (many.size() < 250) many += "a/";
  const std::vector<std::string> keys = {stars,        stars + "b",           slashes,
                                         many,         std::string(255, 'a'), std::string(255, '/'),
                                         "**/*a*a*a*b"};
  for (const std::string& a : keys) {
    for (const std::string& b : keys) {
      MatchBudget budget(4 * kKeyBytesMax * kKeyBytesMax);
      KeysOverlap(a, b, &budget);
      EXPECT_FALSE(budget.exhausted()) << a << " " << b;
    }
  }
}

// ---- comparison with enumeration ----

// Whether the pattern matches the text, straight from what the header says; slow.
bool SegmentMatches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return SegmentMatches(pattern.substr(1), text) ||
           (!text.empty() && SegmentMatches(pattern, text.substr(1)));
  }
  return !text.empty() && pattern[0] == text[0] &&
         SegmentMatches(pattern.substr(1), text.substr(1));
}

std::vector<std::string> Split(const std::string& key) {
  std::vector<std::string> segments{""};
  for (const char c : key) {
    if (c == '/') {
      segments.emplace_back();
    } else {
      segments.back() += c;
    }
  }
  return segments;
}

bool ListMatches(const std::vector<std::string>& pattern, size_t at,
                 const std::vector<std::string>& text, size_t in_text) {
  if (at == pattern.size()) return in_text == text.size();
  if (pattern[at] == "**") {
    return ListMatches(pattern, at + 1, text, in_text) ||
           (in_text < text.size() && ListMatches(pattern, at, text, in_text + 1));
  }
  return in_text < text.size() && SegmentMatches(pattern[at], text[in_text]) &&
         ListMatches(pattern, at + 1, text, in_text + 1);
}

std::vector<std::string> AllTexts(const std::string& alphabet, size_t length_max) {
  std::vector<std::string> texts{""};
  for (size_t begin = 0; texts.back().size() < length_max;) {
    const size_t end = texts.size();
    for (; begin < end; ++begin) {
      for (const char c : alphabet) texts.push_back(texts[begin] + c);
    }
  }
  return texts;
}

TEST(KeyPatternTest, AgreesWithTryingAllTexts) {
  // Two keys of 4 characters overlap, if at all, in a text of at most 8.
  std::vector<std::string> keys;
  for (const std::string& text : AllTexts("ab/*", 4)) {
    if (!KeyProblem(text).has_value()) keys.push_back(text);
  }
  std::vector<std::vector<std::string>> texts;
  for (const std::string& text : AllTexts("ab/", 7)) texts.push_back(Split(text));
  std::vector<std::vector<bool>> matches;
  for (const std::string& key : keys) {
    std::vector<bool> of_key;
    for (const auto& text : texts) of_key.push_back(ListMatches(Split(key), 0, text, 0));
    matches.push_back(std::move(of_key));
  }
  std::mt19937 random(20261123);
  uint64_t overlapping = 0;
  for (int i = 0; i < 40'000; ++i) {
    const size_t a = random() % keys.size(), b = random() % keys.size();
    bool expected = false;
    for (size_t t = 0; t < texts.size() && !expected; ++t)
      expected = matches[a][t] && matches[b][t];
    ASSERT_EQ(Overlap(keys[a], keys[b]), expected) << keys[a] << " and " << keys[b];
    ASSERT_EQ(Overlap(keys[b], keys[a]), expected) << keys[b] << " and " << keys[a];
    overlapping += expected;
    if (!expected) continue;
    // What begins otherwise can't overlap: the index relies on it.
    const auto prefix_a = LiteralPrefix(keys[a]), prefix_b = LiteralPrefix(keys[b]);
    ASSERT_TRUE(prefix_a.starts_with(prefix_b) || prefix_b.starts_with(prefix_a));
  }
  EXPECT_GT(overlapping, 1000u);
}

}  // namespace
}  // namespace roost
