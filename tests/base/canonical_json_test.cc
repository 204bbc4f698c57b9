#include "base/canonical_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>

namespace roost {
namespace {

std::string Canonical(std::string_view text) {
  const Result<std::string> result = CanonicalJson(text);
  return result.ok() ? *result : "refused: " + result.status().message();
}

StatusCode CodeOf(std::string_view text) { return CanonicalJson(text).status().code(); }

TEST(CanonicalJsonTest, SortsMembersByTheirNamesAsUtf16) {
  EXPECT_EQ(Canonical(R"( { "b" : 1, "a" : [ 2 , { "y":null, "x":true } ] } )"),
            R"({"a":[2,{"x":true,"y":null}],"b":1})");
  // The order of RFC 8785, 3.2.3: U+1F600 is written with surrogates, which come before U+FB33.
  EXPECT_EQ(
      Canonical(R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})"),
      "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}");
  EXPECT_EQ(Canonical(R"({"ab":1,"a":2,"":3})"), R"({"":3,"a":2,"ab":1})");
}

TEST(CanonicalJsonTest, WritesStringsWithTheShortestEscapes) {
  EXPECT_EQ(Canonical(R"("\u0008\u0009\u000a\u000c\u000d\u0022\u005c\/\u001f\u007f\u0041")"),
            "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\x7f\x41\"");
  EXPECT_EQ(Canonical("\"\xe2\x82\xac\""), "\"€\"");
}

TEST(CanonicalJsonTest, WritesNumbersAsEcmaScriptDoes) {
  struct Case {
    uint64_t bits;
    const char* text;
  };
  // Each as IEEE 754 says it is.
  constexpr Case kCases[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(CanonicalNumber(std::bit_cast<double>(one.bits)), one.text) << std::hex << one.bits;
  }
  EXPECT_EQ(Canonical("[1E30,4.50,2e-3,0.000000000000000000000000001,-0,1.0,-0.0]"),
            "[1e+30,4.5,0.002,1e-27,0,1,0]");
}

TEST(CanonicalJsonTest, WritesNumbersThatAreReadBackAsTheSame) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = CanonicalNumber(value);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    // A fraction keeps integers beyond 2^53 out of what is refused.
    const std::string written = text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
    EXPECT_EQ(Canonical(written), text);
  }
}

TEST(CanonicalJsonTest, TakesIntegersUpTo2To53AndRefusesThoseBeyond) {
  EXPECT_EQ(Canonical("[9007199254740992,-9007199254740992]"),
            "[9007199254740992,-9007199254740992]");
  for (const char* text : {"9007199254740993", "-9007199254740993", "9007199254740994",
                           "[1,18446744073709551616]", "100000000000000000000000"}) {
    EXPECT_EQ(CodeOf(text), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(Canonical(text).find("beyond 2^53; give it as a string"), std::string::npos)
        << Canonical(text);
  }
}

TEST(CanonicalJsonTest, RefusesNumbersWithoutADoubleNearby) {
  for (const char* text : {"1e400", "-1e400", "1e99999999999"}) {
    EXPECT_NE(Canonical(text).find("no finite double"), std::string::npos) << Canonical(text);
  }
}

TEST(CanonicalJsonTest, RefusesANameThatIsTwiceInOneObject) {
  EXPECT_EQ(Canonical(R"([{"a":1,"b":2,"a":1}])"), "refused: the name 'a' is twice in one object");
  EXPECT_EQ(Canonical(R"({"\u0061":1,"a":2})"), "refused: the name 'a' is twice in one object");
  EXPECT_EQ(Canonical(R"({"a":{"a":1},"b":{"a":1}})"), R"({"a":{"a":1},"b":{"a":1}})");
}

TEST(CanonicalJsonTest, RefusesWhatIsNoJsonTextInUtf8) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\"}", "nul", "01", "1.", "+1", "'a'", "[1] 2",
                           "\"\\x\"", "\"a\nb\"", "NaN", "// c\n1"}) {
    EXPECT_EQ(CodeOf(text), StatusCode::kInvalidArgument) << text;
  }
  for (const char* text : {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\\ud800\"",
                           "\"\\udc00\"", "\"\\ud800\\u0041\"", "{\"\\udead\":1}"}) {
    EXPECT_EQ(CodeOf(text), StatusCode::kInvalidArgument) << text;
  }
}

TEST(CanonicalJsonTest, RefusesWhatIsTooLargeOrTooDeep) {
  EXPECT_EQ(CodeOf("\"" + std::string(kCanonicalBytesMax - 2, 'a') + "\""), StatusCode::kOk);
  EXPECT_EQ(CodeOf("\"" + std::string(kCanonicalBytesMax - 1, 'a') + "\""), StatusCode::kTooLarge);
  std::string grows = "[0";
  while (grows.size() < 20'000) grows += ",1e20";
  EXPECT_EQ(CodeOf(grows + "]"), StatusCode::kTooLarge);
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(CodeOf(nested(kCanonicalDepthMax)), StatusCode::kOk);
  EXPECT_EQ(CodeOf(nested(kCanonicalDepthMax + 1)), StatusCode::kTooLarge);
  EXPECT_EQ(CodeOf(nested(30'000)), StatusCode::kTooLarge);
}

TEST(CanonicalJsonTest, IsItsOwnCanonicalForm) {
  const std::string once = Canonical(R"({"z":[1.50,{"b":"\u00e9\n","a":[]}],"a":{}, "é":-1e-9})");
  EXPECT_EQ(Canonical(once), once);
}

TEST(CanonicalAtTest, FindsWhatAPointerNames) {
  const std::string text = Canonical(
      R"({"a/b":1,"m~n":2,"list":[{"x":"]}\""},[],3],"s":"a\nb\u0001","":{"":true},"o":{"k":[1,{}]}})");
  const auto at = [&](std::string_view pointer) {
    const auto found = CanonicalAt(text, pointer);
    return found.has_value() ? std::string(*found) : "none";
  };
  EXPECT_EQ(at(""), text);
  EXPECT_EQ(at("/a~1b"), "1");
  EXPECT_EQ(at("/m~0n"), "2");
  EXPECT_EQ(at("/list/0/x"), R"("]}\"")");
  EXPECT_EQ(at("/list/1"), "[]");
  EXPECT_EQ(at("/list/2"), "3");
  EXPECT_EQ(at("/list/3"), "none");
  EXPECT_EQ(at("/list/02"), "none");
  EXPECT_EQ(at("/list/x"), "none");
  EXPECT_EQ(at("//"), "true");
  EXPECT_EQ(at("/o/k/1"), "{}");
  EXPECT_EQ(at("/s/0"), "none");
  EXPECT_EQ(at("/nothing"), "none");
  EXPECT_EQ(CanonicalText(at("/s")), std::string("a\nb\x01"));
  EXPECT_EQ(CanonicalText(at("/list/0/x")), "]}\"");
  EXPECT_EQ(CanonicalText(at("/o")), R"({"k":[1,{}]})");
}

TEST(CanonicalAtTest, SurvivesTextThatIsNotCanonical) {
  for (const char* text : {"", "{", "{\"a\"", "{\"a\":", "{\"a\":[", "[", "[1", "\"", "{\"a\\"}) {
    CanonicalAt(text, "/a/0");
    CanonicalAt(text, "/0");
    CanonicalText(text);
  }
}

TEST(IsJsonPointerTest, KnowsThePointersOfRfc6901) {
  for (const char* pointer : {"", "/", "/a", "/a~0b/~1", "//"}) EXPECT_TRUE(IsJsonPointer(pointer));
  for (const char* pointer : {"a", "a/b", "/~", "/~2"}) EXPECT_FALSE(IsJsonPointer(pointer));
}

}  // namespace
}  // namespace roost
