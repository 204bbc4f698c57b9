// The tools with which agents share work: claims, groups and verdicts, against a broker that says what the
// test wants.
#include "ipc/question_key.h"
#include "tests/mcp/shim_fixture.h"

namespace roost {
namespace {

constexpr std::string_view kCancel =
    R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})";

class CoordinationTest : public ShimFixture {
 protected:
  // A call that is under way and has asked the broker, as id 5.
  void StartWaiting(std::string_view tool, std::string_view arguments) {
    Call("status", "{}");
    log_.answers_later = true;
    EXPECT_TRUE(Send(CallLine("5", tool, arguments)).empty());
  }
};

// ---- claims ----

TEST_F(CoordinationTest, ClaimAsksForWhatItWasGiven) {
  log_.claim = {.granted = true, .token = 17, .expires_in_ms = 5000};
  EXPECT_EQ(Call("claim", R"({"keys":["a","b/**"],"ttl_ms":5000,"wait_ms":70,"note":"why"})"),
            R"({"granted":true,"token":17,"expires_in_ms":5000})");
  EXPECT_EQ(log_.last_claim.keys, (std::vector<std::string>{"a", "b/**"}));
  EXPECT_EQ(log_.last_claim.ttl.count(), 5000);
  EXPECT_EQ(log_.last_claim.wait.count(), 70);
  EXPECT_EQ(log_.last_claim.note, "why");
  Call("claim", R"({"keys":["a"]})");
  EXPECT_EQ(log_.last_claim.ttl.count(), 60'000);
  EXPECT_EQ(log_.last_claim.wait.count(), 0);
}

TEST_F(CoordinationTest, ClaimTellsWhoHoldsWhat) {
  log_.claim.held = {{.key = "a", .held = "a", .by = "ben", .session = 8, .expires_in_ms = 900},
                     {.key = "b", .held = "b/*", .by = "eve", .session = 9, .waiting = true}};
  const std::string answer = Call("claim", R"({"keys":["a","b"]})");
  EXPECT_EQ(Member(answer, {"granted"}), "false");
  const auto held = Elements(answer, "held");
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[0], R"({"key":"a","by":"ben","holder":8,"expires_in_ms":900})");
  EXPECT_EQ(held[1], R"({"key":"b","overlaps":"b/*","by":"eve","holder":9,"waiting":true})");
  EXPECT_NE(Member(answer, {"hint"}).find("wait_ms"), std::string::npos);
  const std::string waited = Call("claim", R"({"keys":["a"],"wait_ms":10})");
  EXPECT_NE(Member(waited, {"hint"}).find("still not free"), std::string::npos);
}

TEST_F(CoordinationTest, ClaimSaysThatItHasEndedAlready) {
  log_.claim = {.granted = true, .token = 17, .expires_in_ms = 0};
  EXPECT_NE(Member(Call("claim", R"({"keys":["a"]})"), {"hint"}).find("longer ttl_ms"),
            std::string::npos);
}

TEST_F(CoordinationTest, ClaimThatWaitsHoldsUpNobodyAndIsWithdrawnWhenCancelled) {
  StartWaiting("claim", R"({"keys":["a"],"wait_ms":50000})");
  EXPECT_EQ(Ask(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"),
            R"({"jsonrpc":"2.0","id":1,"result":{}})");
  EXPECT_TRUE(Send(kCancel).empty());
  EXPECT_EQ(log_.cancelled, std::vector<uint64_t>{1});
  log_.Deliver();
  EXPECT_TRUE(Take().empty());
}

TEST_F(CoordinationTest, WaitingEndsWithTheInput) {
  StartWaiting("claim", R"({"keys":["a"],"wait_ms":50000})");
  EXPECT_TRUE(Send(CallLine("6", "take", R"({"stream":"s","group":"g","wait_ms":1})")).empty());
  EXPECT_TRUE(Send(CallLine("7", "validate", R"({"kind":"k","input":1})")).empty());
  EXPECT_TRUE(Send(CallLine("8", "claim", R"({"keys":["b"]})")).empty());
  server_.OnEndOfInput();
  EXPECT_EQ(log_.cancelled, (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_TRUE(server_.working());  // the claim that does not wait is answered
}

TEST_F(CoordinationTest, ReleaseSaysWhetherItWasStillHeld) {
  EXPECT_EQ(Call("release", R"({"token":17})"), R"({"released":true})");
  EXPECT_EQ(log_.last_released, 17u);
  log_.release = false;
  const std::string answer = Call("release", R"({"token":17,"note":"n"})");
  EXPECT_EQ(Member(answer, {"released"}), "false");
  EXPECT_NE(Member(answer, {"hint"}).find("claim again"), std::string::npos);
}

TEST_F(CoordinationTest, EveryResultTellsOnceWhichClaimsHaveEnded) {
  const std::string told = R"([{"token":17,"reason":"expired","keys":["a","b"]}])";
  const EndedLease lease{.token = 17, .keys = {"a", "b"}, .reason = "expired"};
  log_.ended = {lease};
  const std::string read = Ask(CallLine("1", "read", "{}"));
  EXPECT_EQ(Member(Content(read), {"lease_ended"}), told);
  EXPECT_EQ(TextOf(read), Content(read));
  EXPECT_EQ(Member(Call("read", "{}"), {"lease_ended"}), "");

  log_.ended = {lease};
  const std::string wrong = Ask(CallLine("1", "read", R"({"limit":0})"));
  EXPECT_EQ(Member(Content(wrong), {"lease_ended"}), told);
  EXPECT_NE(TextOf(wrong).find(told), std::string::npos);
  EXPECT_EQ(Member(Call("status", "{}"), {"lease_ended"}), "");

  log_.ended = {lease};
  log_.refusal = {StatusCode::kBusy, "later"};
  EXPECT_EQ(Member(Call("claim", R"({"keys":["a"]})"), {"lease_ended"}), told);
}

TEST_F(CoordinationTest, EndedClaimsAreToldInPortions) {
  EndedLease lease{.reason = "expired"};
  for (int i = 0; i < 64; ++i) lease.keys.push_back(fmt::format("{:0>255}", i));
  for (lease.token = 1; lease.token <= 5; ++lease.token) log_.ended.push_back(lease);
  uint64_t told = 0;
  for (int call = 0; call < 5; ++call) {
    const std::string answer = Call("read", "{}");
    EXPECT_LT(answer.size(), 4u << 10);
    for (const std::string& each : Elements(answer, "lease_ended")) {
      EXPECT_EQ(Number(each, {"token"}), ++told);
      EXPECT_EQ(Elements(each, "keys").size() + Number(each, {"more_keys"}), 64u);
    }
  }
  EXPECT_EQ(told, 5u);
}

// ---- groups ----

class TakeTest : public CoordinationTest {
 protected:
  // The fake broker hands these revisions out, as lease 9.
  void HandOut(const std::vector<uint64_t>& revisions) {
    log_.take = {};
    for (uint32_t i = 0; i < revisions.size(); ++i) {
      log_.take.items.push_back({.token = {9, i}, .revision = revisions[i], .tries = i + 1});
    }
  }

  // It may take a turn for each page.
  std::string TakeEvents(std::string_view arguments) {
    auto lines = Send(CallLine("1", "take", arguments));
    for (int turn = 0; lines.empty() && turn < 1000; ++turn) {
      Advance(1);
      lines = Take();
    }
    EXPECT_EQ(lines.size(), 1u);
    return lines.empty() ? "{}" : Content(lines[0]);
  }
};

TEST_F(TakeTest, AsksForWhatItWasGiven) {
  Call("take", R"({"stream":"jobs","group":"g","from":"head","max":7,"lease_ms":400,"wait_ms":8})");
  EXPECT_EQ(log_.last_take.stream, "jobs");
  EXPECT_EQ(log_.last_take.group, "g");
  EXPECT_TRUE(log_.last_take.from_head);
  EXPECT_EQ(log_.last_take.max, 7u);
  EXPECT_EQ(log_.last_take.lease.count(), 400);
  EXPECT_EQ(log_.last_take.wait.count(), 8);
  Call("take", R"({"stream":"jobs","group":"g"})");
  EXPECT_FALSE(log_.last_take.from_head);
  EXPECT_EQ(log_.last_take.max, 1u);
  EXPECT_EQ(log_.last_take.lease.count(), 30'000);
  EXPECT_EQ(log_.last_take.wait.count(), 0);
  EXPECT_NE(Refusal("take", R"({"stream":"jobs","group":"a/b"})").find("'/'"), std::string::npos);
}

TEST_F(TakeTest, GivesTheEventsThemselvesWithTheirTokens) {
  for (int i = 1; i <= 5; ++i) {
    log_.Put("jobs", "t", std::to_string(i));
    log_.Put("other", "t", "0");
  }
  HandOut({4, 1, 2, 5});
  log_.take.parked = 3;
  const std::string answer = TakeEvents(R"({"stream":"jobs","group":"g","max":4})");
  const auto events = Events(answer);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(
      events[0],
      R"({"sequence":7,"stream":"jobs","revision":4,"type":"t","agent":"tester","session":7,)"
      R"("uid":1000,"time":"2023-11-14T22:13:20.123456789Z","data":4,"token":"9.0","tries":1})");
  EXPECT_EQ(Member(events[1], {"data"}), "1");
  EXPECT_EQ(Member(events[2], {"data"}), "2");
  EXPECT_EQ(Member(events[3], {"data"}), "5");
  EXPECT_EQ(Member(events[3], {"token"}), "\"9.3\"");
  EXPECT_EQ(Number(events[3], {"tries"}), 4u);
  EXPECT_EQ(Number(answer, {"parked"}), 3u);
  EXPECT_EQ(Member(answer, {"hint"}), "");
}

TEST_F(TakeTest, SaysWhatToDoWhenThereIsNothing) {
  EXPECT_NE(Call("take", R"({"stream":"s","group":"g"})").find("wait_ms"), std::string::npos);
  EXPECT_NE(Call("take", R"({"stream":"s","group":"g","wait_ms":5})").find("call take again"),
            std::string::npos);
}

TEST_F(TakeTest, CutsWhatDoesNotFitAndLosesNone) {
  const std::string data = "\"" + std::string(1000, 'y') + "\"";
  std::vector<uint64_t> revisions;
  for (uint64_t i = 1; i <= 500; ++i) {
    log_.Put("jobs", "t", data);
    revisions.push_back(i);
  }
  HandOut(revisions);
  const std::string answer = TakeEvents(R"({"stream":"jobs","group":"g","max":500})");
  EXPECT_LE(answer.size(), 64u << 10);
  const auto events = Events(answer);
  ASSERT_EQ(events.size(), 500u);
  EXPECT_EQ(Member(events[0], {"data"}), data);
  for (uint32_t i = 0; i < 500; ++i) {
    EXPECT_EQ(Member(events[i], {"token"}), fmt::format("\"9.{}\"", i));
    EXPECT_EQ(Number(events[i], {"revision"}), i + 1);
    EXPECT_EQ(Number(events[i], {"sequence"}), i + 1);
    EXPECT_NE(Member(events[i], {"data"}).empty(), Member(events[i], {"truncated"}).empty()) << i;
  }
  EXPECT_EQ(Member(events[499], {"truncated"}), "true");
  EXPECT_NE(Member(answer, {"hint"}).find("limit 1"), std::string::npos);
}

TEST_F(TakeTest, SaysWhichEventsAreGone) {
  HandOut({1, 2, 3});
  log_.Put("jobs", "t", "1");
  const std::string answer = TakeEvents(R"({"stream":"jobs","group":"g","max":3})");
  const auto events = Events(answer);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(Member(events[0], {"data"}), "1");
  EXPECT_EQ(events[1], R"({"revision":2,"gone":true,"token":"9.1","tries":2})");
  EXPECT_EQ(events[2], R"({"revision":3,"gone":true,"token":"9.2","tries":3})");
  EXPECT_NE(Member(answer, {"hint"}).find("settle it with done"), std::string::npos);
}

TEST_F(TakeTest, GivesBackWhatNobodyHeardOf) {
  for (int i = 0; i < 100; ++i) log_.Put("jobs", "t", "\"" + std::string(2000, 'y') + "\"");
  HandOut({1, 90});  // two pages: after the first others have their turn
  EXPECT_TRUE(Send(CallLine("5", "take", R"({"stream":"jobs","group":"g","max":2})")).empty());
  EXPECT_TRUE(Send(kCancel).empty());
  ASSERT_EQ(log_.settlings.size(), 1u);
  EXPECT_EQ(log_.settlings[0].tokens, (std::vector<ItemToken>{{9, 0}, {9, 1}}));
  EXPECT_EQ(log_.settlings[0].outcome, Outcome::kRetry);
  EXPECT_TRUE(log_.cancelled.empty());
}

TEST_F(TakeTest, IsWithdrawnWhenItIsCancelled) {
  StartWaiting("take", R"({"stream":"s","group":"g","wait_ms":50000})");
  EXPECT_TRUE(Send(kCancel).empty());
  EXPECT_EQ(log_.cancelled, std::vector<uint64_t>{1});
  EXPECT_TRUE(log_.settlings.empty());
}

TEST_F(CoordinationTest, SettleTakesOneTokenOrSeveral) {
  EXPECT_EQ(Call("settle", R"({"token":"9.3","outcome":"done","note":"n"})"),
            R"({"settled":true})");
  ASSERT_EQ(log_.settlings.size(), 1u);
  EXPECT_EQ(log_.settlings[0].tokens, (std::vector<ItemToken>{{9, 3}}));
  EXPECT_EQ(log_.settlings[0].outcome, Outcome::kDone);
  EXPECT_EQ(log_.settlings[0].note, "n");

  log_.settle = std::vector<bool>{true, false};
  const std::string two = Call("settle", R"({"tokens":["9.0","10.2"],"outcome":"park"})");
  EXPECT_EQ(Member(two, {"settled"}), "[true,false]");
  EXPECT_NE(Member(two, {"hint"}), "");
  EXPECT_EQ(log_.settlings[1].tokens, (std::vector<ItemToken>{{9, 0}, {10, 2}}));
  EXPECT_EQ(log_.settlings[1].outcome, Outcome::kPark);

  log_.settle = std::vector<bool>{true};
  Call("settle", R"({"tokens":["9.0"],"outcome":"retry"})");
  EXPECT_EQ(log_.settlings[2].outcome, Outcome::kRetry);
}

TEST_F(CoordinationTest, SettleSaysWhatATokenLooksLike) {
  for (const char* wrong :
       {R"({"token":"9","outcome":"done"})", R"({"outcome":"done"})",
        R"({"tokens":[],"outcome":"done"})", R"({"tokens":["x"],"outcome":"done"})",
        R"({"tokens":[9],"outcome":"done"})",
        R"({"token":"9.0","tokens":["9.1"],"outcome":"done"})", R"({"token":"9.0"})"}) {
    EXPECT_GT(Refusal("settle", wrong).size(), 10u);
  }
  std::string many = R"({"outcome":"done","tokens":["1.0")";
  for (int i = 0; i < 500; ++i) many += R"(,"1.0")";
  EXPECT_NE(Refusal("settle", many + "]}").find("500"), std::string::npos);
  EXPECT_TRUE(log_.settlings.empty());
}

// ---- verdicts ----

class ValidateTest : public CoordinationTest {
 protected:
  // Publishes a verdict on {"kind":"k","input":<input>}.
  void Decided(const std::string& input, Verdict verdict, uint64_t policy = 1,
               uint64_t expires_ns = kVerdictForEver) {
    PublishedVerdict published;
    published.key = *QuestionKey("k", input);
    published.policy_version = policy;
    published.expires_ns = expires_ns;
    published.decided_ns = 1'700'000'000'000'000'000;
    published.sequence = ++sequence_;
    published.verdict = static_cast<uint8_t>(verdict);
    published.by = "policy";
    published.reason = "because";
    log_.SetPolicyVersion(policy);
    log_.Publish(published);
  }

  uint64_t sequence_ = 0;
};

TEST_F(ValidateTest, AsksTheBrokerAndTellsItsAnswer) {
  log_.answers.resize(1);
  log_.answers[0].verdict = Verdict::kDeny;
  log_.answers[0].reason = "dangerous";
  log_.answers[0].by = "policy";
  log_.answers[0].decided_ns = 1'700'000'000'123'456'789;
  EXPECT_EQ(Call("validate", R"({"kind":"tool.Bash","input":{"command":"rm -rf /"}})"),
            fmt::format(R"({{"verdict":"deny","reason":"dangerous","by":"policy",)"
                        R"("decided_at":"2023-11-14T22:13:20.123456789Z","cached":false,)"
                        R"("key":"{:064}"}})",
                        0));
  ASSERT_EQ(log_.last_questions.size(), 1u);
  EXPECT_EQ(log_.last_questions[0].kind, "tool.Bash");
  EXPECT_EQ(log_.last_questions[0].input, R"({"command":"rm -rf /"})");
  EXPECT_EQ(log_.last_wait.count(), 25'000);
}

TEST_F(ValidateTest, TellsWhoIsToDecide) {
  log_.answers.resize(1);
  log_.answers[0].you_decide = true;
  log_.answers[0].token = 12;
  const std::string mine = Call("validate", R"({"kind":"k","input":1})");
  EXPECT_EQ(Member(mine, {"verdict"}), "\"undecided\"");
  EXPECT_EQ(Member(mine, {"you_decide"}), "true");
  EXPECT_EQ(Member(mine, {"token"}), "\"12.0\"");
  log_.answers[0] = {};
  log_.answers[0].reason = "it is being decided";
  EXPECT_EQ(Call("validate", R"({"kind":"k","input":1})"),
            fmt::format(R"({{"verdict":"undecided","reason":"it is being decided","cached":false,)"
                        R"("key":"{:064}"}})",
                        0));
}

TEST_F(ValidateTest, AnswersFromSharedMemoryWithoutAskingTheBroker) {
  Call("status", "{}");
  Decided(R"({"a":1,"b":2})", Verdict::kAllow);
  const std::string answer = Call("validate", R"({"kind":"k","input":{ "b" : 2, "a" : 1.0 }})");
  EXPECT_EQ(Member(answer, {"verdict"}), "\"allow\"");
  EXPECT_EQ(Member(answer, {"cached"}), "true");
  EXPECT_EQ(log_.validations, 0u);
  EXPECT_EQ(latencies_.validate.Count(), 1u);
  log_.SetPolicyVersion(2);
  log_.broker = false;
  Refusal("validate", R"({"kind":"k","input":{"a":1,"b":2}})");
}

TEST_F(ValidateTest, DoesNotTrustWhatABrokerThatHasGoneLeftBehind) {
  Call("status", "{}");
  Decided("1", Verdict::kAllow);
  // Asked twice it is kept, and asked a third time answered from there.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Member(Call("validate", R"({"kind":"k","input":1})"), {"verdict"}), "\"allow\"");
  }
  log_.broker = false;
  Refusal("validate", R"({"kind":"k","input":1})");
  Refusal("validate", R"({"kind":"k","input": 1})");
  EXPECT_EQ(log_.validations, 0u);
}

TEST_F(ValidateTest, AsksTheBrokerForAllWhenSharedMemoryDoesNotHaveOne) {
  Call("status", "{}");
  Decided("1", Verdict::kAllow);
  Decided("3", Verdict::kDeny);
  log_.answers.resize(4);
  log_.answers[0].verdict = Verdict::kDeny;  // decided anew meanwhile
  log_.answers[1].verdict = Verdict::kAsk;
  log_.answers[2].error = "too large";
  log_.answers[3].verdict = Verdict::kDeny;
  const auto answers = Elements(
      Call(
          "validate",
          R"({"questions":[{"kind":"k","input":1},{"kind":"k","input":2},{"kind":"k","input":9007199254740993},{"kind":"k","input":3}]})"),
      "answers");
  ASSERT_EQ(log_.last_questions.size(), 4u);
  EXPECT_EQ(log_.last_questions[1].input, "2");
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(Member(answers[0], {"verdict"}), "\"deny\"");
  EXPECT_EQ(Member(answers[1], {"verdict"}), "\"ask\"");
  EXPECT_NE(Member(answers[2], {"error"}), "");
  EXPECT_EQ(Member(answers[3], {"verdict"}), "\"deny\"");
}

TEST_F(ValidateTest, RefusesWhatIsNoQuestion) {
  for (const char* wrong :
       {"{}", R"({"kind":"k"})", R"({"input":1})", R"({"kind":"k","input":9007199254740993})",
        R"({"questions":[]})", R"({"questions":[1]})", R"({"questions":[{"kind":"k"}]})",
        R"({"questions":[{"input":1}]})", R"({"questions":[{"kind":"k","input":1,"x":1}]})",
        R"({"kind":"k","questions":[{"kind":"k","input":1}]})",
        R"({"kind":"k","input":1,"wait_ms":50001})"}) {
    EXPECT_GT(Refusal("validate", wrong).size(), 10u);
  }
  std::string many = R"({"questions":[{"kind":"k","input":1})";
  for (int i = 0; i < 64; ++i) many += R"(,{"kind":"k","input":1})";
  EXPECT_NE(Refusal("validate", many + "]}").find("64"), std::string::npos);
  EXPECT_EQ(log_.validations, 0u);
}

TEST_F(ValidateTest, TakesNullAsAnInput) {
  log_.answers.resize(1);
  Call("validate", R"({"kind":"k","input":null})");
  EXPECT_EQ(log_.last_questions[0].input, "null");
}

TEST_F(ValidateTest, ManyAnswersWithLongReasonsFitOneResult) {
  log_.answers.resize(64);
  for (Answer& answer : log_.answers) {
    answer.verdict = Verdict::kDeny;
    answer.reason = std::string(512, 'r');
    answer.by = std::string(64, 'b');
    answer.decided_ns = 1;
  }
  std::string many = R"({"questions":[{"kind":"k","input":1000})";
  for (int i = 1; i < 64; ++i) many += fmt::format(R"(,{{"kind":"k","input":{}}})", i);
  const std::string answer = Call("validate", many + "]}");
  EXPECT_LE(answer.size(), 64u << 10);
  EXPECT_EQ(Elements(answer, "answers").size(), 64u);
}

TEST_F(CoordinationTest, DecideTellsTheBrokerWhatItWasGiven) {
  log_.decide = {.recorded = true, .verdict = Verdict::kAllow};
  const std::string key(64, 'a');
  EXPECT_EQ(
      Call("decide",
           fmt::format(
               R"({{"key":"{}","token":"12.3","verdict":"allow","reason":"ok","ttl_ms":5}})", key)),
      R"({"recorded":true,"verdict":"allow"})");
  EXPECT_EQ(KeyText(log_.last_decision.key), key);
  EXPECT_EQ(log_.last_decision.token, (ItemToken{12, 3}));
  EXPECT_EQ(log_.last_decision.verdict, Verdict::kAllow);
  EXPECT_EQ(log_.last_decision.reason, "ok");
  EXPECT_EQ(log_.last_decision.ttl.count(), 5);
  log_.decide = {.recorded = false, .verdict = Verdict::kDeny, .reason = "another was first"};
  EXPECT_EQ(Call("decide", fmt::format(R"({{"key":"{}","token":"12.3","verdict":"ask"}})", key)),
            R"({"recorded":false,"verdict":"deny","hint":"another was first"})");
  EXPECT_NE(Refusal("decide", R"({"key":"abc","token":"1.0","verdict":"allow"})").find("64 hex"),
            std::string::npos);
}

// ---- lists ----

TEST_F(CoordinationTest, StatusListsClaimsAndGroups) {
  log_.leases = {{.token = 17,
                  .keys = {"a", "b"},
                  .agent = "ben",
                  .session = 8,
                  .ttl_ms = 60'000,
                  .expires_in_ms = 59'000,
                  .note = "why"}};
  EXPECT_EQ(Call("status", R"({"what":"claims","prefix":"a"})"),
            R"({"claims":[{"token":17,"keys":["a","b"],"by":"ben","holder":8,"ttl_ms":60000,)"
            R"("expires_in_ms":59000,"note":"why"}],"total":1,"more":false})");
  EXPECT_EQ(log_.last_prefix, "a");
  log_.groups = {{.stream = "jobs", .group = "g", .checkpoint = 3, .next = 9, .head = 12}};
  EXPECT_EQ(
      Call("status", R"({"what":"groups"})"),
      R"({"groups":[{"stream":"jobs","group":"g","checkpoint":3,"next":9,"head":12,"taken":0,)"
      R"("returned":0,"parked":0,"consumers":0,"waiting":0}],"total":1,"more":false})");
  log_.leases.assign(5000, log_.leases[0]);
  const std::string many = Call("status", R"({"what":"claims"})");
  EXPECT_LE(many.size(), 64u << 10);
  EXPECT_EQ(Member(many, {"more"}), "true");
  EXPECT_EQ(Number(many, {"total"}), 5000u);
}

TEST_F(CoordinationTest, SayWhatTheBrokerRefused) {
  log_.refusal = {StatusCode::kBusy, "too many wait already; try again"};
  for (const auto& [tool, arguments] : std::initializer_list<std::pair<const char*, const char*>>{
           {"claim", R"({"keys":["a"]})"},
           {"release", R"({"token":1})"},
           {"take", R"({"stream":"s","group":"g"})"},
           {"settle", R"({"token":"1.0","outcome":"done"})"},
           {"validate", R"({"kind":"k","input":1})"},
           {"status", R"({"what":"claims"})"},
           {"status", R"({"what":"groups"})"}}) {
    EXPECT_EQ(Refusal(tool, arguments), "too many wait already; try again");
  }
}

}  // namespace
}  // namespace roost
