#include "ipc/question_key.h"

#include <gtest/gtest.h>

#include <string>

namespace roost {
namespace {

std::string Hex(const VerdictKey& key) {
  std::string text;
  for (const uint8_t byte : key) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

TEST(QuestionKeyTest, IsTheHashOfKindAndCanonicalInput) {
  // printf 'tool.Bash\0{"command":"ls"}' | sha256sum
  const Result<VerdictKey> key = QuestionKey("tool.Bash", R"( {"command" : "l\u0073"} )");
  ASSERT_TRUE(key.ok()) << key.status().message();
  EXPECT_EQ(Hex(*key), "c1afd129d54ae5a6e09536b19a53db1b66ba911fc817cf3fef660b6df20d4947");
}

TEST(QuestionKeyTest, IsTheSameForTheSameValue) {
  const auto key = [](const char* kind, const char* input) {
    return Hex(*QuestionKey(kind, input));
  };
  EXPECT_EQ(key("k", R"({"a":1,"b":[2.0]})"), key("k", R"({"b":[2],"a":1.0})"));
  EXPECT_NE(key("k", "1"), key("k", "2"));
  EXPECT_NE(key("k", "1"), key("l", "1"));
  EXPECT_NE(key("k", "11"), key("k1", "1"));
}

TEST(QuestionKeyTest, RefusesKindsAndInputsThatCantBeAsked) {
  EXPECT_EQ(QuestionKey("", "1").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(QuestionKey("a\nb", "1").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(QuestionKey(std::string_view("a\0b", 3), "1").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(QuestionKey(std::string(129, 'k'), "1").status().code(), StatusCode::kTooLarge);
  EXPECT_TRUE(QuestionKey(std::string(128, 'k'), "1").ok());
  const Status wrong = QuestionKey("k", "9007199254740993").status();
  EXPECT_EQ(wrong.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(wrong.message(),
            "the input can't be judged: the integer 9007199254740993 is beyond 2^53; give it as a "
            "string");
}

}  // namespace
}  // namespace roost
