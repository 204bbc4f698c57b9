#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace roost {
namespace {

TEST(Utf8Test, AcceptsWellFormedText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x90\x94\n"));
}

TEST(Utf8Test, RefusesOverlongSurrogateTooLargeAndTruncated) {
  for (const char* text : {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(text));
  }
}

TEST(Utf8Test, PlainTextHasNoControlCharacters) {
  EXPECT_TRUE(IsPlainUtf8("task/\xC3\xBC"));
  for (const char* text : {"a\nb", "a\x1b[0m", "\x7f", "\xC2\x85"}) EXPECT_FALSE(IsPlainUtf8(text));
  EXPECT_FALSE(IsPlainUtf8(std::string_view("a\0b", 3)));
}

TEST(Utf8Test, FindsEachControlCharacterAtEachPlace) {
  for (size_t size = 1; size <= 17; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 0x80; ++byte) {
        std::string text(size, '~');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(IsPlainUtf8(text), byte >= 0x20 && byte != 0x7F) << size << ' ' << at << ' ' << byte;
      }
    }
  }
  EXPECT_TRUE(IsPlainUtf8({}));
}

TEST(Utf8Test, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("a\x1b[31mb\n"), "a\\x1b[31mb\\n");
  EXPECT_EQ(Printable("\xE2\x80\xAE" "x\xC2\x9B" "y\xFF"), "\\u202ex\\x9by\\xff");
  EXPECT_EQ(Printable("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
}

}  // namespace
}  // namespace roost
