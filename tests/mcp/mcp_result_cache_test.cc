// Repeats that are answered from kept bytes: right as long as nothing has changed, and never longer.
#include "ipc/question_key.h"
#include "tests/mcp/shim_fixture.h"

namespace roost {
namespace {

class ResultCacheTest : public ShimFixture {
 protected:
  void SetUp() override { Call("status", "{}"); }  // attaches: without a ring nothing is kept

  uint64_t Hits() { return Number(Call("status", "{}"), {"result_cache", "hits"}); }
  uint64_t Bytes() { return Number(Call("status", "{}"), {"result_cache", "bytes"}); }

  // The answer that a call had which was never asked before: another shim's.
  std::string Fresh(std::string_view tool, std::string_view arguments) {
    OutputQueue output;
    ShimLatencies latencies;
    Server other{&log_, &output, {Now, Wall}, &latencies};
    other.OnLine(CallLine("1", tool, arguments));
    std::string line = *output.line();
    line.pop_back();
    return line;
  }

  // Asks three times, so that the third could come from the cache, and compares all with a fresh answer.
  void ExpectRight(std::string_view tool, std::string_view arguments) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Ask(CallLine("1", tool, arguments)), Fresh(tool, arguments)) << arguments;
    }
  }
};

TEST_F(ResultCacheTest, AnswersTheThirdSameReadFromKeptBytes) {
  log_.Put("a", "t", R"({"x":"\"head\":1"})");
  for (int i = 0; i < 2; ++i) Call("read", R"({"stream":"a"})");
  EXPECT_EQ(Hits(), 0u);
  const std::string kept = Ask(CallLine("\"z\"", "read", R"({"stream":"a"})"));
  EXPECT_EQ(Hits(), 1u);
  EXPECT_EQ(Member(kept, {"id"}), "\"z\"");
  EXPECT_EQ(TextOf(kept), Content(kept));
  EXPECT_EQ(Content(kept), Content(Fresh("read", R"({"stream":"a"})")));
  EXPECT_EQ(latencies_.read.Count(), 3u);
}

TEST_F(ResultCacheTest, KeepsNothingOfWhatIsAskedOnce) {
  for (int i = 0; i < 100; ++i) Call("read", fmt::format(R"({{"limit":{}}})", i + 1));
  EXPECT_EQ(Bytes(), 0u);
}

TEST_F(ResultCacheTest, PutsTheHeadInAnewWhileTheStreamStands) {
  log_.Put("a", "t", R"({"head":77,"s":"\\\"head\\\":5"})");
  for (uint64_t head = 1; head <= 1200; ++head) {
    const std::string answer = Ask(CallLine("1", "read", R"({"stream":"a"})"));
    EXPECT_EQ(Number(Content(answer), {"head"}), head);
    EXPECT_EQ(TextOf(answer), Content(answer));
    EXPECT_EQ(Member(Events(Content(answer))[0], {"data"}), R"({"head":77,"s":"\\\"head\\\":5"})");
    log_.Put("b", "t", "1");
  }
  EXPECT_EQ(Hits(), 1198u);
}

TEST_F(ResultCacheTest, SeesThatTheStreamHasMoved) {
  for (int i = 1; i <= 5; ++i) {
    log_.Put("a", "t", std::to_string(i));
    for (const char* arguments :
         {R"({"stream":"a"})", R"({"stream":"a","order":"newest","limit":2})", R"({"stream":"a*"})",
          R"({})", R"({"types":["t"],"agent":"tester"})"}) {
      ExpectRight("read", arguments);
    }
  }
  EXPECT_EQ(Hits(), 5u * (1 + 4 * 2));
}

TEST_F(ResultCacheTest, SeesThatAStreamHasComeIntoBeing) {
  log_.Put("b", "t", "1");
  ExpectRight("read", R"({"stream":"a"})");
  log_.Put("a", "t", "1");
  ExpectRight("read", R"({"stream":"a"})");
  EXPECT_EQ(Events(Call("read", R"({"stream":"a"})")).size(), 1u);
}

TEST_F(ResultCacheTest, SeesThatAnotherLogHasTakenThePlace) {
  log_.Put("a", "t", "1");
  for (int i = 0; i < 3; ++i) Call("read", R"({"stream":"a"})");
  log_.BeginAnew();
  server_.Settle();
  log_.Put("a", "t", "2");
  EXPECT_EQ(Member(Events(Call("read", R"({"stream":"a"})"))[0], {"data"}), "2");
}

TEST_F(ResultCacheTest, KeepsNothingThatDependsOnTheTime) {
  log_.Put("a", "t", "1");
  for (int i = 0; i < 4; ++i) Call("read", R"({"since":"10m"})");
  for (int i = 0; i < 4; ++i) Call("wait", R"({"timeout_ms":0})");
  EXPECT_EQ(Hits(), 0u);
  for (int i = 0; i < 3; ++i) Call("read", R"({"since":"2023-01-01T00:00:00Z"})");
  EXPECT_EQ(Hits(), 1u);
}

TEST_F(ResultCacheTest, KeepsTheErasApart) {
  log_.Put("a", "t", "1");
  const std::string modern = fmt::format(
      R"({{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"read","arguments":{{}},{}}}}})",
      kModernMeta);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Member(Ask(CallLine("1", "read", "{}")), {"result", "resultType"}), "");
    EXPECT_EQ(Member(Ask(modern), {"result", "resultType"}), "\"complete\"");
  }
  EXPECT_EQ(Hits(), 2u);
}

TEST_F(ResultCacheTest, TellsWhatMustBeToldBesides) {
  for (int i = 0; i < 3; ++i) Call("read", "{}");
  log_.ended = {{.token = 17, .keys = {"a"}, .reason = "expired"}};
  EXPECT_NE(Member(Call("read", "{}"), {"lease_ended"}), "");
  EXPECT_EQ(Member(Call("read", "{}"), {"lease_ended"}), "");
  EXPECT_EQ(Member(Call("read", "{}"), {"lease_ended"}), "");
}

TEST_F(ResultCacheTest, StaysWithinItsBound) {
  for (int i = 0; i < 100; ++i) log_.Put("a", "t", "\"" + std::string(100, 'y') + "\"");
  size_t most = 0;
  for (int limit = 1; limit <= 100; ++limit) {
    for (int i = 0; i < 3; ++i) Call("read", fmt::format(R"({{"limit":{}}})", limit));
    most = std::max<size_t>(most, Bytes());
  }
  EXPECT_LE(most, ResultCache::kBytesMax);
  EXPECT_GT(most, ResultCache::kBytesMax / 2);
  EXPECT_GT(Hits(), 10u);
}

TEST_F(ResultCacheTest, DropsFirstWhatWasNotAskedForLongest) {
  for (int i = 0; i < 30; ++i) log_.Put("a", "t", "\"" + std::string(100, 'y') + "\"");
  const auto read = [&](const char* arguments) {
    const uint64_t before = Hits();
    Call("read", arguments);
    return Hits() > before;
  };
  for (int i = 0; i < 3; ++i) read(R"({"limit":20})");
  for (int i = 0; i < 3; ++i) read(R"({"limit":21})");
  EXPECT_TRUE(read(R"({"limit":20})"));
  for (int i = 0; i < 2; ++i) read(R"({"limit":22})");  // too much: one must go
  EXPECT_TRUE(read(R"({"limit":20})"));
  EXPECT_FALSE(read(R"({"limit":21})"));
}

class CachedVerdictTest : public ResultCacheTest {
 protected:
  void Decided(Verdict verdict, uint64_t policy, uint64_t expires_ns = kVerdictForEver) {
    PublishedVerdict published;
    published.key = *QuestionKey("k", "1");
    published.policy_version = policy;
    published.expires_ns = expires_ns;
    published.decided_ns = ++decided_ns_;
    published.sequence = decided_ns_;
    published.verdict = static_cast<uint8_t>(verdict);
    published.by = "policy";
    log_.SetPolicyVersion(policy);
    log_.Publish(published);
  }
  std::string InForce() {
    return Member(Call("validate", R"({"kind":"k","input":1})"), {"verdict"});
  }

  uint64_t decided_ns_ = 1'700'000'000'000'000'000;
};

TEST_F(CachedVerdictTest, AnswersTheThirdSameQuestionFromKeptBytes) {
  Decided(Verdict::kAllow, 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(InForce(), "\"allow\"");
  EXPECT_EQ(Hits(), 0u);
  const std::string kept = Ask(CallLine("1", "validate", R"({"kind":"k","input":1})"));
  EXPECT_EQ(Hits(), 1u);
  EXPECT_EQ(kept, Fresh("validate", R"({"kind":"k","input":1})"));
  EXPECT_EQ(log_.validations, 0u);
}

TEST_F(CachedVerdictTest, SeesThatAnotherVerdictIsInForce) {
  Decided(Verdict::kAllow, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(InForce(), "\"allow\"");
  Decided(Verdict::kDeny, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(InForce(), "\"deny\"");
  log_.answers.resize(1);
  log_.SetPolicyVersion(2);
  EXPECT_EQ(InForce(), "\"undecided\"");
  EXPECT_EQ(log_.validations, 1u);
}

TEST_F(CachedVerdictTest, SeesThatItsTimeIsOver) {
  Decided(Verdict::kAllow, 1, now_ns + 1000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(InForce(), "\"allow\"");
  log_.answers.resize(1);
  Advance(1000);
  EXPECT_EQ(InForce(), "\"undecided\"");
}

}  // namespace
}  // namespace roost
