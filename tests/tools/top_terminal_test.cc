// roost top as it is used: in a terminal, which tmux plays, driven by its keys and looked at as people would. And without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "ipc/socket_path.h"
#include "roost/client.h"
#include "tests/support/broker_process.h"
#include "tests/tools/cli_fixture.h"

namespace roost {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kColumns = 100;
constexpr int kLines = 30;

class TopTerminalTest : public CliTest {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/tmux", X_OK) != 0) GTEST_SKIP() << "tmux is not installed";
    CliTest::SetUp();
    tmux_socket_ = broker_.scratch() / "tmux";
  }
  void TearDown() override {
    if (!tmux_socket_.empty()) Tmux({"kill-server"});
  }

  Finished Tmux(std::vector<std::string> arguments) {
    ProcessOptions options;
    options.arguments = {"/usr/bin/tmux", "-u", "-f", "/dev/null", "-S", tmux_socket_};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.environment = {"LC_ALL=C.UTF-8", "TMUX"};
    return RunProgram(options);
  }

  // A shell in a terminal that runs roost top, tells how it ended and what the terminal was like before and after. It ends by
  // itself, also when the test does not.
  void StartTop(const std::string& arguments, const std::string& environment = "LC_ALL=C.UTF-8") {
    WriteFile(broker_.scratch() / "run",
              "export " + environment + "\necho BEFORE\nstty -g >'" + (broker_.scratch() / "modes") +
                  "'\nsh -c 'echo $$ >\"" + (broker_.scratch() / "pid") + "\"; exec " +
                  ProgramPath("roost") + " --socket " + socket() + " top " + arguments +
                  "'\necho ENDED $?\n" +
                  "test \"$(stty -g)\" = \"$(cat '" + (broker_.scratch() / "modes") +
                  "')\" && echo SAME MODES\nexec sleep 60\n");
    const Finished started =
        Tmux({"new-session", "-d", "-s", "top", "-x", std::to_string(kColumns), "-y",
              std::to_string(kLines), "timeout --foreground 120 sh '" + (broker_.scratch() / "run") + "'"});
    ASSERT_EQ(started.ending.exit_status, 0) << started.errors;
  }
  virtual std::string socket() { return broker_.socket(); }

  void Keys(std::vector<std::string> keys) {
    keys.insert(keys.begin(), {"send-keys", "-t", "top"});
    EXPECT_EQ(Tmux(keys).ending.exit_status, 0);
  }
  std::string Screen() { return Tmux({"capture-pane", "-p", "-t", "top"}).output; }
  // With colours and attributes.
  std::string PaintedScreen() { return Tmux({"capture-pane", "-p", "-e", "-t", "top"}).output; }
  std::string Format(const std::string& format) {
    return Tmux({"display-message", "-p", "-t", "top", format}).output;
  }

  void ExpectSoon(const testing::Matcher<const std::string&>& matcher) {
    std::string screen;
    const bool came = Eventually([&] {
      screen = Screen();
      return testing::Matches(matcher)(screen);
    });
    EXPECT_TRUE(came) << testing::DescribeMatcher<const std::string&>(matcher) << "\n" << screen;
  }
  // The terminal is as it was before, and the shell goes on.
  void ExpectRestored(const std::string& ended) {
    ExpectSoon(testing::AllOf(HasSubstr("BEFORE"), HasSubstr("ENDED " + ended),
                              HasSubstr("SAME MODES"), Not(HasSubstr("roost top"))));
    EXPECT_EQ(Format("#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}"), "0 1 0\n");
  }
  pid_t TopPid() {
    pid_t pid = 0;
    EXPECT_TRUE(Eventually([&] {
      pid = static_cast<pid_t>(std::atoi(ReadFile(broker_.scratch() / "pid").c_str()));
      return pid > 0;
    }));
    return pid;
  }

  Client MakeClient(const std::string& agent) {
    Client client({.socket = broker_.socket(), .agent = agent});
    EXPECT_TRUE(client.Append({.stream = "tasks/" + agent, .type = "t", .data = "{}"}).ok());
    return client;
  }

  std::string tmux_socket_;
};

TEST_F(TopTerminalTest, ObeysItsKeys) {
  const Client alpha = MakeClient("alpha");
  const Client beta = MakeClient("beta");
  StartTop("--interval 100ms");
  ExpectSoon(testing::AllOf(HasSubstr("WELL"), HasSubstr("alpha"), HasSubstr("beta"),
                            HasSubstr("by COST%")));
  EXPECT_EQ(Format("#{alternate_on} #{cursor_flag}"), "1 0\n");

  Keys({"s"});
  ExpectSoon(HasSubstr("by REQ/S"));
  Keys({"r"});
  ExpectSoon(HasSubstr("by REQ/S reversed"));
  Keys({"/"});
  ExpectSoon(HasSubstr("filter:"));
  Keys({"ALPH", "Enter"});
  ExpectSoon(testing::AllOf(HasSubstr("1 of 3"), HasSubstr("alpha"), Not(HasSubstr("beta "))));
  Keys({"Escape"});
  ExpectSoon(testing::AllOf(HasSubstr("beta"), Not(HasSubstr("1 of 3"))));
  Keys({"3"});
  ExpectSoon(HasSubstr("tasks/beta"));
  Keys({"BTab", "Tab", "Tab", "p"});
  ExpectSoon(testing::AllOf(HasSubstr("PAUSED"), HasSubstr("alpha")));
  Keys({"?"});
  ExpectSoon(HasSubstr("any key goes back"));
  Keys({"x", "p", "q"});
  ExpectRestored("0");
}

TEST_F(TopTerminalTest, FollowsTheSizeOfTheTerminal) {
  const Client alpha = MakeClient("alpha");
  StartTop("--interval 100ms");
  ExpectSoon(testing::AllOf(HasSubstr("q quit"), HasSubstr("MEMORY")));
  for (const auto& [columns, lines] : std::vector<std::pair<int, int>>{
           {50, 16}, {200, 50}, {12, 4}, {80, 24}}) {
    Tmux({"resize-window", "-t", "top", "-x", std::to_string(columns), "-y", std::to_string(lines)});
    std::string screen;
    EXPECT_TRUE(Eventually([&, lines = lines] {
      screen = Screen();
      const std::vector<std::string> shown = LinesOf(screen);
      return shown.size() == static_cast<size_t>(lines) && shown.back().starts_with("q quit") &&
             shown.front().starts_with(" roost top");
    })) << columns << "x" << lines << "\n" << screen;
  }
  EXPECT_THAT(Screen(), testing::AllOf(HasSubstr("alpha"), HasSubstr("COST%")));
  ::kill(TopPid(), SIGINT);
  ExpectRestored("0");
}

TEST_F(TopTerminalTest, SaysThatTheBrokerIsDeadAndGoesOnWithTheNextOne) {
  StartTop("--interval 100ms");
  ExpectSoon(HasSubstr("WELL"));
  broker_.Kill9();
  ExpectSoon(testing::AllOf(HasSubstr("DEAD"), HasSubstr("start roostd")));
  ASSERT_TRUE(broker_.Start());
  ExpectSoon(HasSubstr("WELL"));
  broker_.process().Stop();
  ExpectSoon(testing::AllOf(HasSubstr("STOPPED"), HasSubstr("kill -CONT")));
  broker_.process().Signal(SIGCONT);
  ExpectSoon(HasSubstr("WELL"));
  broker_.Terminate();
  ExpectSoon(HasSubstr("NO BROKER"));
  ::kill(TopPid(), SIGTERM);
  ExpectRestored("0");
}

TEST_F(TopTerminalTest, GivesTheTerminalBackWhenItCrashes) {
  StartTop("--interval 100ms");
  ExpectSoon(HasSubstr("WELL"));
  ::kill(TopPid(), SIGABRT);
  ExpectRestored("134");
}

TEST_F(TopTerminalTest, ShowsColoursOnlyIfTheyAreWanted) {
  StartTop("--interval 100ms");
  ExpectSoon(HasSubstr("q quit"));
  EXPECT_THAT(PaintedScreen(), testing::ContainsRegex("\x1b\\[[0-9;]*3[1-6]m"));
}

TEST_F(TopTerminalTest, KeepsToAsciiAndToNoColourWhereThatIsAskedFor) {
  StartTop("--interval 100ms", "LC_ALL=C NO_COLOR=1");
  ExpectSoon(HasSubstr("q quit"));
  const std::string painted = PaintedScreen();
  EXPECT_THAT(painted, Not(testing::ContainsRegex("\x1b\\[[0-9;]*3[1-6]m")));
  for (const unsigned char c : painted) EXPECT_LT(c, 0x80) << painted;
}

TEST_F(TopTerminalTest, RefusesATerminalThatItDoesNotKnow) {
  StartTop("--interval 100ms", "TERM=no-such-terminal");
  ExpectSoon(testing::AllOf(HasSubstr("ENDED 2"), HasSubstr("SAME MODES"),
                            HasSubstr("\"no-such-terminal\" (TERM) is not known")));
}

// ---- without a terminal ----

using TopBatchTest = CliTest;

TEST_F(TopBatchTest, PrintsPlainTextWhereThereIsNoTerminal) {
  Client client({.socket = broker_.socket(), .agent = "worker"});
  ASSERT_TRUE(client.Append({.stream = "tasks/1", .type = "t", .data = "{}"}).ok());
  const std::string twice = Fine({"top", "--count", "2", "--interval", "60ms"});
  EXPECT_THAT(twice, testing::ContainsRegex("roost top.*WELL(.|\n)*\n\n roost top"));
  EXPECT_THAT(twice, HasSubstr("worker"));
  EXPECT_THAT(twice, HasSubstr("tasks/1"));
  EXPECT_THAT(twice, Not(HasSubstr("\x1b")));
  EXPECT_THAT(Fine({"top", "--once", "--interval", "60ms", "--filter", "nobody"}),
              HasSubstr("0 of 2 with \"nobody\""));
  broker_.Kill9();
  EXPECT_THAT(Fine({"top", "--once", "--interval", "60ms"}), HasSubstr("DEAD"));
  ExpectOneLine(Roost({"top", "--once", "--sort", "beauty"}), 2);
  ExpectOneLine(Roost({"top", "--once", "--table", "tables"}), 2);
}

// The file of a broker, with an agent's name that no broker would take: it is the file of any program that can write there.
TEST_F(TopBatchTest, LetsNoCountersFileSteerTheTerminal) {
  Client client({.socket = broker_.socket(), .agent = "innocent"});
  ASSERT_TRUE(client.Append({.stream = "tasks/1", .type = "t", .data = "{}"}).ok());
  std::string counters = ReadFile(CountersPath(broker_.socket()));
  const size_t name = counters.find("innocent");
  ASSERT_NE(name, std::string::npos);
  counters.replace(name, 8, "\x1b]0;x\x07\x9b" "J");
  const std::string socket = broker_.scratch() / "other.sock";
  WriteFile(CountersPath(socket), counters);
  ProcessOptions options;
  options.arguments = {ProgramPath("roost"), "--socket", socket, "top", "--once", "--interval", "60ms"};
  options.environment = {"LC_ALL=C.UTF-8"};
  const Finished finished = RunProgram(options);
  EXPECT_EQ(finished.ending.exit_status, 0) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("\\x1b]0;x\\x07\\x9bJ"));
  for (const unsigned char c : finished.output) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c != 0x9b));
}

}  // namespace
}  // namespace roost
