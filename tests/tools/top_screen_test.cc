// roost top without a terminal: texts, figures, tables, keys, and the whole picture as text.
#include "tools/top/top_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <string>

#include "base/clock.h"
#include "tools/top/figures.h"

namespace roost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kWall = 1'700'000'000 * kNsPerSecond;

class TopTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
};

// ---- texts and figures ----

TEST_F(TopTest, LetsNoTextOfOthersSteerTheTerminal) {
  const std::string hostile = "a\x1b[2Jb\rc\xe2\x80\xae" "d\xff\xc2\x9b" "e";
  const std::string shown = ScreenText(hostile, Charset::kUtf8);
  EXPECT_EQ(shown, "a\\x1b[2Jb\\rc\\u202ed\\xff\\x9be");
  for (const unsigned char c : ScreenText("caf\xc3\xa9 \x1b", Charset::kAscii)) {
    EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  }
  // What has no width would shift all that follows.
  EXPECT_EQ(ScreenText("e\xcc\x81\xe2\x80\x8b", Charset::kUtf8), "e?\\u200b");
}

TEST_F(TopTest, CountsColumnsNotBytes) {
  EXPECT_EQ(ColumnsOf("caf\xc3\xa9"), 4u);
  EXPECT_EQ(ColumnsOf("\xe6\xbc\xa2\xe5\xad\x97"), 4u);  // two ideographs
  EXPECT_EQ(CutToColumns("\xe6\xbc\xa2\xe5\xad\x97", 3), "\xe6\xbc\xa2");
  EXPECT_EQ(FitLeft("abcdef", 4, Charset::kUtf8), "abc…");
  EXPECT_EQ(FitLeft("abcdef", 4, Charset::kAscii), "abc~");
  EXPECT_EQ(FitLeft("\xe6\xbc\xa2\xe5\xad\x97", 3, Charset::kUtf8), "\xe6\xbc\xa2…");
  EXPECT_EQ(FitLeft("\xe6\xbc\xa2\xe5\xad\x97", 2, Charset::kUtf8), "… ");
  EXPECT_EQ(FitRight("7", 3, Charset::kUtf8), "  7");
  EXPECT_EQ(FitLeft("abc", 0, Charset::kUtf8), "");
}

TEST_F(TopTest, DrawsSparklines) {
  EXPECT_EQ(Sparkline({0, 1, 2, 4, 7}, 5, Charset::kAscii), "_.-+#");
  EXPECT_EQ(Sparkline({9, 0, 7, -1, 7}, 3, Charset::kUtf8), "█ █");
  EXPECT_EQ(Sparkline({5}, 3, Charset::kUtf8), "  █");
  EXPECT_EQ(Sparkline({0, 0}, 2, Charset::kUtf8), "▁▁");
  EXPECT_EQ(Sparkline({}, 2, Charset::kUtf8), "  ");
  // A thousandfold is the whole height, so that a spike leaves the rest its shape.
  EXPECT_EQ(Sparkline({1e3, 3e4, 1e6}, 3, Charset::kAscii, true), "_~#");
}

TEST_F(TopTest, ShowsNumbersInFewColumns) {
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(0.25), "0.25");
  EXPECT_EQ(ShortNumber(7.31), "7.3");
  EXPECT_EQ(ShortNumber(9.96), "10");
  EXPECT_EQ(ShortNumber(842), "842");
  EXPECT_EQ(ShortNumber(12'345), "12,345");
  EXPECT_EQ(ShortNumber(123'456), "123 k");
  EXPECT_EQ(ShortNumber(999'600), "1.00 M");
  EXPECT_EQ(ShortNumber(-3), "-3.0");
  EXPECT_EQ(ShortCount(7), "7");
  EXPECT_EQ(ShortCount(1'234'567), "1.23 M");
  EXPECT_EQ(ShortBytes(512), "512 B");
  EXPECT_EQ(ShortBytes(1000), "1.00 KiB");
  EXPECT_EQ(ShortBytes(12.3 * 1024), "12.3 KiB");
  EXPECT_EQ(ShortBytes(1023.9 * 1024), "1.00 MiB");
  EXPECT_EQ(ShortDuration(850), "850 ns");
  EXPECT_EQ(ShortDuration(12'345), "12.3 us");
  EXPECT_EQ(ShortDuration(999'800), "1.00 ms");
  EXPECT_EQ(ShortDuration(123 * kNsPerSecond), "123 s");
  EXPECT_EQ(ShortAge(59 * kNsPerSecond), "59s");
  EXPECT_EQ(ShortAge(3 * 3600 * kNsPerSecond + 61 * kNsPerSecond), "3h01m");
  EXPECT_EQ(Percent(0.1234), "12.3");
  EXPECT_EQ(Percent(1), "100");
  for (double number = 0.001; number < 1e17; number *= 1.07) {
    EXPECT_LE(ShortNumber(number).size(), 7u) << number;
    EXPECT_LE(ShortBytes(number).size(), 8u) << number;
    const auto ns = static_cast<uint64_t>(std::min(number, 9e11));
    EXPECT_LE(ShortDuration(ns).size(), 7u) << number;
  }
}

// ---- tables ----

TopTable Animals() {
  TopTable table;
  table.title = "animals";
  table.columns = {{"name", "NAME", 6, true, 100}, {"legs", "LEGS", 4, false, 50},
                   {"kind", "KIND", 8, true, 70}};
  table.rows = {{{"ant"}, {"6", 6}, {"insect"}},
                {{"Bat"}, {"2", 2}, {"mammal"}},
                {{"cow"}, {"4", 4}, {"mammal"}},
                {{"dog"}, {"4", 4}, {"mammal"}}};
  return table;
}

std::vector<std::string> Names(const TopTable& table) {
  std::vector<std::string> names;
  for (const auto& row : table.rows) names.push_back(row[0].text);
  return names;
}

TEST_F(TopTest, SortsAndFilters) {
  TopTable table = Animals();
  Arrange(&table, {1, false}, "");
  EXPECT_THAT(Names(table), ElementsAre("ant", "cow", "dog", "Bat"));
  Arrange(&table, {1, true}, "");
  EXPECT_THAT(Names(table), ElementsAre("Bat", "cow", "dog", "ant"));
  Arrange(&table, {0, true}, "mAMM");
  EXPECT_THAT(Names(table), ElementsAre("dog", "cow", "Bat"));
  EXPECT_EQ(table.total, 4u);
  Arrange(&table, {0, false}, "nobody");
  EXPECT_TRUE(table.rows.empty());
}

TEST_F(TopTest, LeavesColumnsOutThatDoNotFitButNotTheSortedOne) {
  const TopTable table = Animals();
  ColumnWidths widths;
  widths.Fit(table);
  const auto header = [&](size_t width, size_t sorted) {
    const auto lines = DrawTable(table, {sorted, false}, widths, 0, 9, width, Charset::kAscii);
    EXPECT_EQ(lines.size(), 5u);
    for (const FrameLine& line : lines) EXPECT_LE(line.columns(), width);
    return lines[0].Text();
  };
  EXPECT_EQ(header(24, 0), "NAME   LEGS KIND");
  EXPECT_EQ(header(18, 0), "NAME   KIND");
  EXPECT_EQ(header(12, 1), "NAME   LEGS");
  EXPECT_EQ(header(3, 1), "NA~");
}

TEST_F(TopTest, ColumnsDoNotShrink) {
  TopTable table = Animals();
  table.rows[0][1].text = "1,000,000";
  ColumnWidths widths;
  widths.Fit(table);
  widths.Fit(Animals());
  EXPECT_EQ(widths[1], 9u);
}

// ---- keys ----

class KeysTest : public testing::Test {
 protected:
  KeyEffect Press(Key key) { return PressKey({key, ""}, table_, 3, &state_); }
  KeyEffect Type(const std::string& text) {
    KeyEffect effect = KeyEffect::kNothing;
    for (const char c : text) effect = PressKey({Key::kCharacter, {c}}, table_, 3, &state_);
    return effect;
  }

  TopState state_;
  TopTable table_ = Animals();
};

TEST_F(KeysTest, ChooseTableAndOrder) {
  state_.order() = {0, false};
  EXPECT_EQ(Type("s"), KeyEffect::kDraw);
  EXPECT_EQ(state_.order().column, 1u);
  Type("SS");
  EXPECT_EQ(state_.order().column, 2u);
  Type("r");
  EXPECT_TRUE(state_.order().reversed);
  Press(Key::kTab);
  EXPECT_EQ(state_.table, TableKind::kGroups);
  EXPECT_FALSE(state_.order().reversed);
  Press(Key::kBackTab);
  EXPECT_TRUE(state_.order().reversed);
  Type("3");
  EXPECT_EQ(state_.table, TableKind::kStreams);
  EXPECT_EQ(Type("x"), KeyEffect::kNothing);
  EXPECT_EQ(Type("q"), KeyEffect::kQuit);
}

TEST_F(KeysTest, TypeAFilter) {
  Type("/qs");
  EXPECT_TRUE(state_.filtering);
  EXPECT_EQ(state_.filter, "qs");
  PressKey({Key::kCharacter, "\xc3\xa9"}, table_, 3, &state_);
  Press(Key::kBackspace);
  EXPECT_EQ(state_.filter, "qs");
  Press(Key::kEnter);
  EXPECT_FALSE(state_.filtering);
  Type("/x");
  Press(Key::kEscape);
  EXPECT_EQ(state_.filter, "qs");
  Press(Key::kEscape);
  EXPECT_EQ(state_.filter, "");
  Type("/" + std::string(1'000, 'x'));
  EXPECT_EQ(state_.filter.size(), TopState::kFilterBytesMax);
  EXPECT_EQ(Type("\x03"), KeyEffect::kQuit);
}

TEST_F(KeysTest, ScrollWithinTheTable) {
  Press(Key::kDown);
  Press(Key::kDown);
  EXPECT_EQ(state_.scroll, 1u);  // four rows, three on the screen
  Press(Key::kUp);
  Press(Key::kUp);
  EXPECT_EQ(state_.scroll, 0u);
  Press(Key::kEnd);
  EXPECT_EQ(state_.scroll, 1u);
  Press(Key::kHome);
  EXPECT_EQ(state_.scroll, 0u);
}

TEST_F(KeysTest, ChangePaceAndPause) {
  Type("+");
  EXPECT_EQ(state_.interval, std::chrono::milliseconds(500));
  Type("++++++");
  EXPECT_EQ(state_.interval, std::chrono::milliseconds(100));
  state_.interval = std::chrono::milliseconds(700);
  Type("-");
  EXPECT_EQ(state_.interval, std::chrono::milliseconds(1'000));
  Type("p");
  EXPECT_TRUE(state_.paused);
  Type(" ");
  EXPECT_FALSE(state_.paused);
  Type("?");
  EXPECT_TRUE(state_.help);
  EXPECT_EQ(Type("q"), KeyEffect::kDraw);
  EXPECT_FALSE(state_.help);
}

// ---- the whole picture ----

class TopScreenTest : public TopTest {
 protected:
  void SetUp() override {
    TopTest::SetUp();
    Interval& interval = view_.interval;
    Overview& now = interval.overview;
    now.wall_ns = kWall;
    now.beginning = Beginning::kContinues;
    now.health = HealthState::kWell;
    now.seconds = 1;
    now.rates[static_cast<size_t>(Counter::kEventsAppended)] = 12'345;
    now.latencies[0] = {1'000, 12'000, 35'000, 1'200'000};
    now.cpu = 0.123;
    interval.counters.emplace();
    interval.counters->broker_pid = 4711;
    interval.counters->data_directory = "/var/lib/roost";
    for (int i = 0; i < 40; ++i) {
      SessionInterval session;
      session.agent = "agent-" + std::to_string(i);
      session.cpu = (i + 1) / 1000.0;
      interval.sessions.push_back(session);
    }
    interval.sessions[39].agent = "evil\x1b]0;x\x07";
    GroupInterval group;
    group.stream = "tasks";
    group.group = "workers";
    group.lag = 17;
    interval.groups.push_back(group);
    view_.streams.emplace_back().stream = "inbox/x";
    view_.history.Add(now);
  }

  Frame Draw(size_t columns, size_t lines) {
    Frame frame = screen_.Draw(view_, state_, {columns, lines});
    EXPECT_EQ(frame.lines.size(), lines == 0 ? frame.lines.size() : lines);
    for (const FrameLine& line : frame.lines) {
      EXPECT_LE(line.columns(), columns);
      for (const unsigned char c : line.Text()) EXPECT_TRUE(c >= 0x20 && c != 0x7f);
    }
    return frame;
  }

  TopScreen screen_{Charset::kUtf8};
  TopView view_;
  TopState state_;
};

TEST_F(TopScreenTest, ShowsWhatThereIs) {
  const std::string text = Draw(100, 30).Text();
  EXPECT_THAT(text, HasSubstr("WELL"));
  EXPECT_THAT(text, HasSubstr("12,345/s"));
  EXPECT_THAT(text, HasSubstr("35.0 us"));
  EXPECT_THAT(text, HasSubstr("cpu  12.3%"));
  EXPECT_THAT(text, HasSubstr("sessions 40"));
  EXPECT_THAT(text, HasSubstr("agent-38"));
  EXPECT_THAT(text, Not(HasSubstr("agent-3 ")));  // costs too little to be on the screen
  EXPECT_THAT(text, HasSubstr("evil\\x1b]0;x\\x07"));
  EXPECT_THAT(text, HasSubstr("q quit"));
}

TEST_F(TopScreenTest, FitsAnySize) {
  for (size_t columns = 1; columns < 200; columns += 7) {
    for (size_t lines = 1; lines < 60; lines += 3) {
      for (const bool filtering : {false, true}) {
        state_.filtering = filtering;
        Draw(columns, lines);
      }
    }
  }
  state_.filtering = false;
  state_.help = true;
  Draw(20, 3);
}

TEST_F(TopScreenTest, ShowsTheOtherTablesWhereThereIsRoom) {
  EXPECT_THAT(Draw(100, 30).Text(), Not(HasSubstr("workers")));
  const std::string tall = Draw(100, 50).Text();
  EXPECT_THAT(tall, HasSubstr("workers"));
  EXPECT_THAT(tall, HasSubstr("inbox/x"));
  state_.table = TableKind::kGroups;
  EXPECT_THAT(Draw(100, 24).Text(), HasSubstr("workers"));
}

TEST_F(TopScreenTest, ShowsAllOfItWithoutEndForAPipe) {
  const std::string text = Draw(120, 0).Text();
  EXPECT_THAT(text, HasSubstr("agent-0 "));
  EXPECT_THAT(text, HasSubstr("workers"));
  EXPECT_THAT(text, HasSubstr("inbox/x"));
  EXPECT_THAT(text, Not(HasSubstr("q quit")));
}

TEST_F(TopScreenTest, ScrollsToTheEndAndNotBeyond) {
  state_.scroll = 1'000;
  const std::string text = Draw(100, 24).Text();
  EXPECT_THAT(text, HasSubstr("agent-0 "));
  EXPECT_GT(screen_.page(), 5u);
}

TEST_F(TopScreenTest, ShowsWhatIsNotAsItIsToBe) {
  auto& objectives = view_.interval.counters->objectives;
  objectives.resize(2);
  objectives[0].text = "append p99 < 1ms over 1m";
  objectives[0].state = ObjectiveState::kMet;
  objectives[1].text = "take p99 < 2ms over 1m";
  objectives[1].state = ObjectiveState::kBreached;
  objectives[1].values[static_cast<size_t>(ObjectiveValue::kMeasured)] = 7'000'000;
  objectives[1].values[static_cast<size_t>(ObjectiveValue::kBudgetUsed)] = 1'500'000;
  auto& baselines = view_.interval.counters->baselines;
  baselines.resize(1);
  baselines[0].name = "append p50";
  baselines[0].state = BaselineState::kUp;
  baselines[0].values[static_cast<size_t>(BaselineValue::kUsual)] = 20'000;
  baselines[0].values[static_cast<size_t>(BaselineValue::kCurrent)] = 45'000;
  const std::string text = Draw(120, 40).Text();
  EXPECT_THAT(text, HasSubstr("1 of 2 not met"));
  EXPECT_THAT(text, testing::ContainsRegex("take p99 < 2ms over 1m +breached +7.00 ms +budget  -50.0%"));
  EXPECT_THAT(text, HasSubstr("append p50  45.0 us now, usually 20.0 us"));
  EXPECT_LT(text.find("take p99"), text.find("append p99"));
}

TEST_F(TopScreenTest, SaysPlainlyThatTheBrokerIsDead) {
  view_.interval.health = {HealthState::kDead, "the broker died", "start roostd", 4711};
  view_.interval.overview.health = HealthState::kDead;
  const std::string dead = Draw(100, 24).Text();
  EXPECT_THAT(dead, HasSubstr("DEAD"));
  EXPECT_THAT(dead, HasSubstr("the broker died\n  start roostd"));

  view_.interval = {};
  view_.interval.health = {HealthState::kNoBroker, "there is none", "start roostd", 0};
  const std::string none = Draw(100, 24).Text();
  EXPECT_THAT(none, HasSubstr("NO BROKER"));
  EXPECT_THAT(none, HasSubstr("there is none"));
}

}  // namespace
}  // namespace roost
