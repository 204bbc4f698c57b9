// roost top: how a broker does, live, on a whole screen; or as plain text, again and again.
#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "base/clock.h"
#include "ipc/socket_path.h"
#include "tools/command.h"
#include "tools/monitor/broker_watch.h"
#include "tools/monitor/stream_tally.h"
#include "tools/top/terminal.h"
#include "tools/top/top_screen.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost top\n"
    "  roost top --sort memory --filter claude\n"
    "  roost top --table groups --interval 5s\n"
    "  roost top --once                     # one look of one second, as text\n"
    "  roost top --batch --count 60 > log   # a minute of it; so it is too where the output is no "
    "terminal\n"
    "\n"
    "Keys: q quit, Tab the next table, s sort by the next column, r reverse, / filter, p pause, ? "
    "help.\n"
    "The figures come from the file beside the socket, so they are there when the broker hangs or is "
    "dead, and\n"
    "go on when it is back. `roost stat --watch --json` has them for programs.\n";

constexpr std::chrono::milliseconds kIntervalMin{50};
// A session of its own, to read which streams are busy; it must not hold up the screen.
constexpr std::chrono::milliseconds kClientTimeout{250};
constexpr size_t kBatchColumns = 160;

struct Options {
  std::chrono::milliseconds interval{1000};
  std::string table = TableName(TableKind::kSessions);
  std::string sort;
  std::string filter;
  bool reverse = false;
  bool batch = false;
  bool once = false;
  uint64_t count = 0;
};

Result<TopState> StateOf(const Options& options) {
  TopState state;
  state.interval = std::max(options.interval, kIntervalMin);
  state.filter = options.filter;
  bool found = false;
  for (size_t i = 0; i < kTableCount && !found; ++i) {
    state.table = static_cast<TableKind>(i);
    found = options.table == TableName(state.table);
  }
  if (!found) {
    return Status(StatusCode::kInvalidArgument,
                  "top: --table is one of sessions, groups, streams");
  }
  if (!options.sort.empty()) {
    const TopTable tables[kTableCount] = {SessionTable({}, Charset::kAscii),
                                          GroupTable({}, Charset::kAscii),
                                          StreamTable({}, 0, Charset::kAscii)};
    const TopTable& table = tables[static_cast<size_t>(state.table)];
    const size_t column = FindColumn(table, options.sort);
    if (column == table.columns.size()) {
      std::string names;
      for (const TableColumn& one : table.columns) names += std::string(" ") + one.name;
      return Status(StatusCode::kInvalidArgument,
                    fmt::format("top: --sort of {} is one of{}", options.table, names));
    }
    state.order().column = column;
  }
  state.order().reversed = options.reverse;
  return state;
}

// What is seen, look by look.
class Watcher {
 public:
  Watcher(const std::string& socket, Client client)
      : watch_(CountersPath(socket)), client_(std::move(client)) {}

  void Look(TopView* view) {
    const Interval& interval = watch_.Look();
    // A broker that hangs would hold up a client that has to attach.
    const HealthState health = interval.health.state;
    if (health == HealthState::kWell || health > HealthState::kHung) {
      if (!streams_.Look(client_, interval.overview.at_ns).ok()) streams_ = StreamWatch();
    }
    if (view == nullptr) return;
    view->interval = interval;
    view->history = watch_.history();
    view->streams = streams_.Streams();
  }

 private:
  BrokerWatch watch_;
  StreamWatch streams_;
  Client client_;
};

size_t BatchColumns() {
  const char* columns = std::getenv("COLUMNS");
  const int number = columns == nullptr ? 0 : std::atoi(columns);
  return number >= 20 && number <= 10'000 ? static_cast<size_t>(number) : kBatchColumns;
}

ExitStatus RunBatch(Program& program, const TopState& state, uint64_t count, Watcher& watcher) {
  TopScreen screen(UseLocaleCharset());
  TopView view;
  const size_t columns = BatchColumns();
  watcher.Look(nullptr);
  for (uint64_t shown = 0; count == 0 || shown < count; ++shown) {
    const uint64_t due_ns = MonotonicNs() + static_cast<uint64_t>(state.interval.count()) * kNsPerMs;
    while (MonotonicNs() < due_ns) {
      const uint64_t left_ms = (due_ns - std::min(due_ns, MonotonicNs())) / kNsPerMs + 1;
      ::poll(nullptr, 0, static_cast<int>(std::min<uint64_t>(left_ms, 200)));
      if (program.out.ReaderHasGone()) return ExitStatus::kFine;
    }
    watcher.Look(&view);
    program.out.Write((shown == 0 ? "" : "\n") + screen.Draw(view, state, {columns, 0}).Text());
    program.out.Flush();
    if (!program.out.open()) break;
  }
  return ExitStatus::kFine;
}

// The screen, the keys and the clock.
class Loop {
 public:
  Loop(TopState state, Charset charset, Terminal& terminal, Watcher& watcher)
      : state_(std::move(state)), screen_(charset), terminal_(terminal), watcher_(watcher) {}

  void Run() {
    while (true) {
      if (MonotonicNs() >= due_ns_) Look();
      pollfd items[] = {{terminal_.key_fd(), POLLIN, 0}, {terminal_.signal_fd(), POLLIN, 0}};
      const uint64_t now_ns = MonotonicNs();
      const uint64_t left_ms = due_ns_ > now_ns ? (due_ns_ - now_ns) / kNsPerMs + 1 : 0;
      ::poll(items, std::size(items), static_cast<int>(left_ms));
      if (items[1].revents != 0) {
        const ScreenSize before = terminal_.size();
        if (terminal_.TakeSignals()) return;
        if (terminal_.size().columns != before.columns) screen_.ForgetWidths();
        Draw();
      }
      if (!TakeKeys()) return;
      // The terminal has gone without a signal.
      if ((items[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return;
    }
  }

 private:
  void Look() {
    watcher_.Look(state_.paused ? nullptr : &view_);
    const uint64_t interval_ns = static_cast<uint64_t>(state_.interval.count()) * kNsPerMs;
    const uint64_t now_ns = MonotonicNs();
    // At a steady pace; what was missed (a stopped process, a laptop's sleep) is not made up for.
    due_ns_ += interval_ns;
    if (due_ns_ <= now_ns || due_ns_ > now_ns + interval_ns) due_ns_ = now_ns + interval_ns;
    Draw();
  }

  void Draw() { terminal_.Show(screen_.Draw(view_, state_, terminal_.size())); }

  // False: the program is to end.
  bool TakeKeys() {
    while (const auto press = terminal_.ReadKey()) {
      const auto interval = state_.interval;
      switch (PressKey(*press, screen_.front(), screen_.page(), &state_)) {
        case KeyEffect::kQuit:
          return false;
        case KeyEffect::kRedrawAll:
          terminal_.RedrawAll();
          Draw();
          break;
        case KeyEffect::kDraw:
          if (state_.interval != interval) due_ns_ = 0;
          Draw();
          break;
        case KeyEffect::kNothing:
          break;
      }
    }
    return true;
  }

  TopState state_;
  TopScreen screen_;
  Terminal& terminal_;
  Watcher& watcher_;
  TopView view_;
  uint64_t due_ns_ = 0;
};

ExitStatus Run(Program& program, const Options& options) {
  const auto socket = ChooseSocketPath(program.socket());
  if (!socket.ok()) return Fail(socket.status());
  auto state = StateOf(options);
  if (!state.ok()) return FailUsage(state.status().message());
  Watcher watcher(*socket, program.MakeClient("roost-top", kClientTimeout));
  if (options.batch || options.once || !program.out.terminal()) {
    return RunBatch(program, *state, options.once ? 1 : options.count, watcher);
  }
  const Charset charset = UseLocaleCharset();
  auto terminal = Terminal::Open();
  if (!terminal.ok()) return FailUsage("top: " + terminal.status().message());
  Loop(*std::move(state), charset, **terminal, watcher).Run();
  return ExitStatus::kFine;
}

}  // namespace

void AddTopCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "top", "Watch the broker, its sessions, groups and streams, live", kExamples,
             options, Run)
      .Duration("--interval", &options->interval, "How often to look")
      .Text("--table", &options->table, "NAME", "Which to begin with: sessions, groups, streams")
      .Text("--sort", &options->sort, "COLUMN", "What that is sorted by: cost, requests, memory, ...")
      .Flag("--reverse", &options->reverse, "The other way round")
      .Text("--filter", &options->filter, "TEXT", "Only its rows that have this text")
      .Flag("--batch", &options->batch, "Plain text, again and again; so it is without a terminal")
      .Number("--count", &options->count, "N", "With --batch, how often; else for ever")
      .Flag("--once", &options->once, "The same as --batch --count 1");
}

}  // namespace roost
