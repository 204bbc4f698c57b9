// The commands about claims and groups, and trace, against a real roostd.
#include <poll.h>

#include <chrono>
#include <csignal>

#include "roost/client.h"
#include "tests/tools/cli_fixture.h"

namespace roost {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr milliseconds kPatience{60'000};

class CoordinationCliTest : public CliTest {
 protected:
  Client NewClient() {
    return Client({.socket = broker_.socket(), .agent = "tester", .timeout = kPatience});
  }
  void AppendTasks(int count) {
    for (int i = 1; i <= count; ++i) {
      Fine({"append", "tasks", "task.created", "{\"n\":" + std::to_string(i) + "}"});
    }
  }
  boost::json::object Group() {
    const std::vector<std::string> lines = LinesOf(Fine({"groups", "tasks", "--json"}));
    EXPECT_EQ(lines.size(), 1u);
    return lines.empty() ? boost::json::object() : Parse(lines[0]);
  }

  // A roost that runs beside the test; its standard input is the writing end of `input_`.
  void StartRoost(std::vector<std::string> arguments) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    input_.Reset(ends[1]);
    int out[2];
    ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
    output_.Reset(out[0]);
    const UniqueFd writing(out[1]);
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", broker_.socket()};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.descriptors = {{reading.get(), STDIN_FILENO}, {writing.get(), STDOUT_FILENO}};
    process_ = Process(options);
    ASSERT_TRUE(process_.started());
  }
  // The next line that it prints; empty at the end.
  std::string NextLine() {
    while (buffer_.find('\n') == std::string::npos) {
      pollfd polled{output_.get(), POLLIN, 0};
      char bytes[4096];
      if (::poll(&polled, 1, static_cast<int>(kPatience.count())) <= 0) break;
      const ssize_t size = ::read(output_.get(), bytes, sizeof(bytes));
      if (size <= 0) break;
      buffer_.append(bytes, static_cast<size_t>(size));
    }
    const size_t end = buffer_.find('\n');
    const std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end == std::string::npos ? end : end + 1);
    return line;
  }
  void Say(const std::string& text) {
    ASSERT_EQ(::write(input_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  Process process_;
  UniqueFd input_;
  UniqueFd output_;
  std::string buffer_;
};

// ---- claims ----

TEST_F(CoordinationCliTest, HoldsAClaimWhileACommandRunsAndTakesItsExitStatus) {
  Client client = NewClient();
  const std::string look =
      ProgramPath("roost") + " --socket " + broker_.socket() + " claims --json";
  const Finished finished = Roost({"claim", "deploy/web", "--note", "now", "--agent", "deployer",
                                   "--", "/bin/sh", "-c", look + "; echo $ROOST_TOKEN; exit 7"});
  EXPECT_EQ(finished.ending.exit_status, 7) << finished.errors;
  const std::vector<std::string> lines = LinesOf(finished.output);
  ASSERT_EQ(lines.size(), 2u) << finished.output;
  const boost::json::object claim = Parse(lines[0]);
  EXPECT_EQ(claim.at("agent"), "deployer");
  EXPECT_EQ(claim.at("note"), "now");
  EXPECT_EQ(std::to_string(claim.at("token").to_number<uint64_t>()), lines[1]);
  // Released at the command's end, not at the lease's.
  EXPECT_EQ(Fine({"claims", "--json"}), "");
  EXPECT_EQ(Events("$leases").back().at("type"), "lease.released");
}

TEST_F(CoordinationCliTest, HoldsAClaimUntilItsInputEnds) {
  StartRoost({"claim", "a", "b/*", "--json"});
  const boost::json::object granted = Parse(NextLine());
  EXPECT_EQ(granted.at("granted"), true);
  const Finished other = Roost({"claim", "b/7", "--json"});
  EXPECT_EQ(other.ending.exit_status, 3);
  const boost::json::object held = Parse(LinesOf(other.output).front());
  EXPECT_EQ(held.at("granted"), false);
  EXPECT_EQ(held.at("held").as_array().at(0).as_object().at("held"), "b/*");
  EXPECT_THAT(Roost({"claim", "b/7"}).output, StartsWith("not granted"));
  input_.Reset();
  EXPECT_EQ(process_.Wait().exit_status, 0);
  EXPECT_EQ(Roost({"claim", "b/7", "--", "/bin/true"}).ending.exit_status, 0);
}

TEST_F(CoordinationCliTest, ReleasesAClaimOnSigterm) {
  StartRoost({"claim", "a", "--json"});
  EXPECT_THAT(NextLine(), HasSubstr("\"granted\":true"));
  process_.Signal(SIGTERM);
  EXPECT_EQ(process_.Wait().exit_status, 0);
  EXPECT_EQ(Events("$leases").back().at("type"), "lease.released");
}

TEST_F(CoordinationCliTest, RenewsAClaimThatOutlivesItsTime) {
  StartRoost({"claim", "a", "--ttl", "300ms", "--json"});
  EXPECT_THAT(NextLine(), HasSubstr("\"granted\":true"));
  Client client = NewClient();
  // Three renewals: without them it had ended thrice.
  ReadQuery query{.filter = {.stream = "$leases", .types = {"lease.renewed"}}};
  for (int renewals = 0; renewals < 3;) {
    const Result<Page> page = client.Wait(query, kPatience);
    ASSERT_TRUE(page.ok()) << page.status().message();
    ASSERT_FALSE(page->empty());
    renewals += static_cast<int>(page->size());
    query.after = page->next();
  }
  EXPECT_FALSE(client.Claim({.keys = {"a"}}).value().granted);
  input_.Reset();
  EXPECT_EQ(process_.Wait().exit_status, 0);
}

TEST_F(CoordinationCliTest, KeepsAClaimOverARestartOfTheBroker) {
  StartRoost({"claim", "a", "--json"});
  EXPECT_THAT(NextLine(), HasSubstr("\"granted\":true"));
  ASSERT_TRUE(broker_.Restart());
  Client client = NewClient();
  const std::vector<LeaseInfo> leases = client.ListLeases("").value();
  ASSERT_EQ(leases.size(), 1u);
  const auto is_back = [&] {
    const std::vector<SessionInfo> sessions = client.ListSessions().value();
    for (const SessionInfo& session : sessions) {
      if (session.session == leases[0].session) return true;
    }
    return false;
  };
  const auto until = std::chrono::steady_clock::now() + kPatience;
  bool back = false;
  while (!(back = is_back()) && std::chrono::steady_clock::now() < until) {
  }
  EXPECT_TRUE(back);
  EXPECT_FALSE(client.Claim({.keys = {"a"}}).value().granted);
  input_.Reset();
  EXPECT_EQ(process_.Wait().exit_status, 0);
}

TEST_F(CoordinationCliTest, ExplainsThatTokensAreOfOneSession) {
  const Finished released = Roost({"release", "5"});
  EXPECT_EQ(released.ending.exit_status, 3);
  EXPECT_THAT(released.output, HasSubstr("only in the session that got it"));
  const Finished settled = Roost({"settle", "done", "5.0"});
  EXPECT_EQ(settled.ending.exit_status, 3);
  EXPECT_THAT(settled.errors, HasSubstr("use roost take"));
  ExpectOneLine(Roost({"settle", "never", "5.0"}), 2);
  ExpectOneLine(Roost({"settle", "done", "five"}), 2);
}

// ---- groups ----

TEST_F(CoordinationCliTest, RunsACommandOnceAnEventAndSettlesIt) {
  AppendTasks(3);
  const std::string output =
      Fine({"take", "tasks", "workers", "--max", "2", "--", "/bin/sh", "-c", "cat"});
  const std::vector<std::string> lines = LinesOf(output);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(Parse(lines[0]).at("data").as_object().at("n"), 1);
  EXPECT_EQ(Parse(lines[1]).at("revision"), 2);
  EXPECT_EQ(Group().at("checkpoint"), 2);
}

TEST_F(CoordinationCliTest, DropsAGroupThatNobodyUses) {
  AppendTasks(2);
  Client client = NewClient();
  const TakeResult taken = client.Take({.stream = "tasks", .group = "workers"}).value();
  const auto in_use = Roost({"groups", "tasks", "workers", "--drop"});
  ExpectOneLine(in_use, 3);
  EXPECT_THAT(in_use.errors, HasSubstr("1 of its events are in consumers' hands"));
  ASSERT_TRUE(client.Settle(std::vector{taken.items[0].token}, Outcome::kPark).ok());
  EXPECT_THAT(Fine({"groups", "tasks", "workers", "--drop", "--note", "done with"}),
              StartsWith("removed; 1 parked"));
  EXPECT_TRUE(LinesOf(Fine({"groups", "--json"})).empty());
  EXPECT_EQ(client.Take({.stream = "tasks", .group = "workers"})->items[0].revision, 1u);
  ExpectOneLine(Roost({"groups", "tasks", "nobody", "--drop"}), 1);
  ExpectOneLine(Roost({"groups", "tasks", "--drop"}), 2);
  ExpectOneLine(Roost({"groups", "tasks", "workers"}), 2);
}

TEST_F(CoordinationCliTest, SaysNoWhenThereIsNothingToTake) {
  AppendTasks(1);
  EXPECT_EQ(
      Roost({"take", "tasks", "late", "--from", "head", "--", "/bin/true"}).ending.exit_status, 3);
  ExpectOneLine(Roost({"take", "tasks", "late", "--from", "middle"}), 2);
  ExpectOneLine(Roost({"take", "tasks", "late", "--max", "501"}), 2);
}

TEST_F(CoordinationCliTest, ParksWhatFailsAndGivesBackWhatIsOnlyPutOff) {
  AppendTasks(2);
  const auto exit_with = [&](const char* status) {
    return Roost({"take", "tasks", "workers", "--park-on-failure", "--", "/bin/sh", "-c",
                  std::string("exit ") + status})
        .ending.exit_status;
  };
  EXPECT_EQ(exit_with("75"), 1);
  EXPECT_EQ(Group().at("returned"), 1);
  EXPECT_EQ(exit_with("9"), 1);
  EXPECT_EQ(Group().at("parked"), 1);
  EXPECT_EQ(exit_with("0"), 0);
  EXPECT_EQ(Group().at("checkpoint"), 2);
}

TEST_F(CoordinationCliTest, ShowsRetriesAndDropsWhatIsParked) {
  AppendTasks(3);
  Roost({"take", "tasks", "workers", "--max", "3", "--park-on-failure", "--", "/bin/false"});
  const std::vector<std::string> lines = LinesOf(Fine({"parked", "tasks", "workers", "--json"}));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(Parse(lines[1]).at("revision"), 2);
  EXPECT_EQ(Parse(lines[1]).at("event").as_object().at("data").as_object().at("n"), 2);
  EXPECT_THAT(Fine({"parked", "tasks", "workers"}), HasSubstr("{\"n\":3}"));
  EXPECT_EQ(Fine({"parked", "tasks", "workers", "--retry", "1", "3"}), "2 to be taken again\n");
  EXPECT_EQ(Fine({"parked", "tasks", "workers", "--drop", "--all"}), "1 dropped\n");
  EXPECT_EQ(Roost({"parked", "tasks", "workers", "--drop", "--all"}).ending.exit_status, 3);
  EXPECT_EQ(LinesOf(Fine({"take", "tasks", "workers", "--max", "5", "--", "/bin/cat"})).size(), 2u);
  EXPECT_EQ(Group().at("lag"), 0);
  ExpectOneLine(Roost({"parked", "tasks", "workers", "--retry"}), 2);
  ExpectOneLine(Roost({"parked", "tasks", "workers", "7"}), 2);
}

TEST_F(CoordinationCliTest, TakesOutcomesFromItsInput) {
  AppendTasks(2);
  StartRoost({"take", "tasks", "workers", "--max", "2"});
  const boost::json::object first = Parse(NextLine());
  const boost::json::object second = Parse(NextLine());
  EXPECT_EQ(second.at("event").as_object().at("revision"), 2);
  Say("nonsense\n" + std::string(second.at("token").as_string()) + " park\n");
  Say(std::string(first.at("token").as_string()) + " done\n");
  EXPECT_EQ(process_.Wait().exit_status, 1);  // not all was done
  EXPECT_EQ(Group().at("checkpoint"), 2);
  EXPECT_EQ(Group().at("parked"), 1);
}

TEST_F(CoordinationCliTest, FollowsAStreamUntilItIsTold) {
  StartRoost({"take", "tasks", "workers", "--follow", "--", "/bin/cat"});
  AppendTasks(2);
  EXPECT_EQ(Parse(NextLine()).at("revision"), 1);
  EXPECT_EQ(Parse(NextLine()).at("revision"), 2);
  // A command that is stopped has not done its event.
  Client client = NewClient();
  ReadQuery query{.filter = {.stream = "$groups/tasks/workers", .types = {"group.settled"}}};
  for (size_t settled = 0; settled < 2;) {
    const Result<Page> page = client.Wait(query, kPatience);
    ASSERT_TRUE(page.ok() && !page->empty());
    settled += page->size();
    query.after = page->next();
  }
  process_.Signal(SIGTERM);
  EXPECT_EQ(process_.Wait().exit_status, 0);
  EXPECT_EQ(Group().at("checkpoint"), 2);
}

// ---- questions ----

TEST_F(CoordinationCliTest, PutsAQuestionToWhoeverDecidesAndPrintsTheAnswer) {
  const Finished unasked = Roost({"validate", "review.patch", "{\"n\":1}", "--json"});
  EXPECT_EQ(unasked.ending.exit_status, 3);
  EXPECT_EQ(Parse(LinesOf(unasked.output).front()).at("verdict"), "undecided");
  EXPECT_EQ(Fine({"read", "$questions", "--json"}), "");

  StartRoost({"validate", "review.patch", "{\"n\":1}", "--wait", "50s", "--json"});
  Client client = NewClient();
  const Result<Page> asked = client.Wait({.filter = {.stream = "$questions"}}, kPatience);
  ASSERT_TRUE(asked.ok() && !asked->empty());
  const std::string key(Parse(std::string((*asked)[0].data)).at("key").as_string());
  EXPECT_EQ(Fine({"decide", key, "deny", "--reason", "not today"}), "recorded: deny\n");
  const boost::json::object answer = Parse(NextLine());
  EXPECT_EQ(answer.at("verdict"), "deny");
  EXPECT_EQ(answer.at("reason"), "not today");
  EXPECT_EQ(answer.at("key"), key.c_str());
  EXPECT_EQ(process_.Wait().exit_status, 3);

  const Finished again = Roost({"validate", "review.patch"}, "{ \"n\" : 1.0 }");
  EXPECT_EQ(again.ending.exit_status, 3);
  EXPECT_THAT(again.output, StartsWith("deny: not today (by "));
  EXPECT_EQ(Roost({"decide", key, "allow"}).ending.exit_status, 3);
}

TEST_F(CoordinationCliTest, ExplainsAQuestionOrADecisionThatMakesNoSense) {
  ExpectOneLine(Roost({"validate", "review.patch", "{oops"}), 2);
  ExpectOneLine(Roost({"decide", "abc", "allow"}), 2);
  ExpectOneLine(Roost({"decide", std::string(64, 'a'), "perhaps"}), 2);
  ExpectOneLine(Roost({"decide", std::string(64, 'a'), "allow"}), 3);
}

TEST_F(CoordinationCliTest, LeavesTheDecisionToTheNextWhoAsks) {
  StartRoost({"validate", "review.patch", "1", "--wait", "50s", "--json"});
  Client client = NewClient();
  const auto has_left = client.Wait(
      {.filter = {.stream = "$questions", .types = {"question.abandoned"}}}, milliseconds(30'000));
  ASSERT_TRUE(has_left.ok() && !has_left->empty());
  const Question question{"review.patch", "1"};
  const auto asked = client.Validate(std::span(&question, 1), {});
  ASSERT_TRUE(asked.ok()) << asked.status().message();
  const Answer& mine = asked->front();
  ASSERT_TRUE(mine.you_decide);
  ASSERT_TRUE(client.Decide({mine.key, {mine.token, 0}, Verdict::kAllow}).ok());
  EXPECT_EQ(Parse(NextLine()).at("verdict"), "allow");
  EXPECT_EQ(process_.Wait().exit_status, 0);
}

// ---- trace ----

TEST_F(CoordinationCliTest, TracesWhatBelongsTogetherAsATree) {
  Fine({"append", "orders", "placed", "1", "--id", "o1", "--correlation-id", "c"});
  Fine({"append", "other", "noise", "1"});
  Fine({"append", "stock", "reserved", "1", "--id", "s1", "--causation-id", "o1"});
  Fine({"append", "mail", "sent", "1", "--causation-id", "s1"});
  Fine({"append", "bill", "written", "1", "--correlation-id", "c", "--causation-id", "o1"});
  std::vector<std::string> found;
  for (const std::string& line : LinesOf(Fine({"trace", "c", "--json"}))) {
    const boost::json::object object = Parse(line);
    found.push_back(std::to_string(object.at("depth").to_number<int>()) + " " +
                    std::string(object.at("event").as_object().at("stream").as_string()));
  }
  EXPECT_THAT(found, ElementsAre("0 orders", "1 stock", "2 mail", "1 bill"));
  // By the sequence of the cause in the middle.
  const std::vector<boost::json::object> stock = Events("stock");
  const std::string sequence = std::to_string(stock[0].at("sequence").to_number<uint64_t>());
  EXPECT_EQ(LinesOf(Fine({"trace", sequence})).size(), 2u);
  EXPECT_EQ(Roost({"trace", "nobody"}).ending.exit_status, 3);
}

}  // namespace
}  // namespace roost
