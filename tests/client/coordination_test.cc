#include "roost/coordination.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

TEST(ItemTokenTest, IsReadAsItIsWritten) {
  for (const ItemToken& token :
       {ItemToken{}, ItemToken{1, 0}, ItemToken{4711, 63}, ItemToken{UINT64_MAX, UINT32_MAX}}) {
    EXPECT_EQ(ItemToken::Parse(token.ToString()), token) << token.ToString();
  }
  EXPECT_EQ((ItemToken{12, 3}.ToString()), "12.3");
}

TEST(ItemTokenTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", ".", "1", "1.", ".1", "1.2.3", "-1.0", "1.-1", "+1.0", " 1.0", "1.0 ", "01.0", "1.00",
        "1e1.0", "0x1.0", "18446744073709551616.0", "1.4294967296", "one.two"}) {
    EXPECT_FALSE(ItemToken::Parse(text).has_value()) << text;
  }
}

TEST(VerdictTest, IsReadAsItIsNamed) {
  for (const Verdict verdict :
       {Verdict::kUndecided, Verdict::kAllow, Verdict::kDeny, Verdict::kAsk}) {
    EXPECT_EQ(ParseVerdict(VerdictName(verdict)), verdict);
  }
  for (const char* name : {"", "Allow", "allow ", "maybe"}) EXPECT_FALSE(ParseVerdict(name));
}

TEST(VerdictKeyTest, IsReadAsItIsWritten) {
  VerdictKey key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i * 37);
  const std::string text = KeyText(key);
  EXPECT_EQ(text.size(), 64u);
  EXPECT_EQ(text.substr(0, 8), "00254a6f");
  EXPECT_EQ(ParseVerdictKey(text), key);
  std::string upper = text;
  for (char& c : upper) c = static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
  EXPECT_EQ(ParseVerdictKey(upper), key);
}

TEST(VerdictKeyTest, RefusesWhatIsNone) {
  const std::string text(64, '0');
  EXPECT_TRUE(ParseVerdictKey(text).has_value());
  EXPECT_FALSE(ParseVerdictKey(text.substr(1)).has_value());
  EXPECT_FALSE(ParseVerdictKey(text + "0").has_value());
  EXPECT_FALSE(ParseVerdictKey(text.substr(1) + "g").has_value());
  EXPECT_FALSE(ParseVerdictKey("").has_value());
}

}  // namespace
}  // namespace roost
