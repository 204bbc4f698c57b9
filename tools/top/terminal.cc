#include "tools/top/terminal.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <langinfo.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tools/top/terminal_rescue.h"

// Last: it defines macros of ordinary words.
#include <curses.h>
#include <term.h>
#undef columns
#undef lines

namespace roost {
namespace {

constexpr int kEscapeDelayMs = 25;
constexpr short kColourPairs[][2] = {{1, COLOR_GREEN}, {2, COLOR_YELLOW}, {3, COLOR_RED},
                                     {4, COLOR_CYAN}};

attr_t AttributesOf(Style style, bool colour) {
  const auto pair = [colour](int number) { return colour ? COLOR_PAIR(number) : A_NORMAL; };
  switch (style) {
    case Style::kPlain:
      return A_NORMAL;
    case Style::kDim:
      return A_DIM;
    case Style::kBold:
      return A_BOLD;
    case Style::kGood:
      return A_BOLD | pair(1);
    case Style::kWarning:
      return A_BOLD | pair(2);
    case Style::kBad:
      return A_BOLD | (colour ? pair(3) : A_REVERSE);
    case Style::kAccent:
      return colour ? pair(4) : A_BOLD;
    case Style::kBar:
      return A_REVERSE;
    case Style::kBarAccent:
      return A_REVERSE | A_BOLD | pair(4);
  }
  return A_NORMAL;
}

bool ColoursAllowed() {
  const char* no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

Result<UniqueFd> CatchSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&signals, number);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Status::FromErrno(errno, "block signals");
  }
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, "catch signals");
  return fd;
}

// Of a capability of the terminal; empty: it has none.
std::string_view Capability(const char* name) {
  const char* text = ::tigetstr(name);
  return text == nullptr || text == reinterpret_cast<const char*>(-1) ? "" : text;
}

std::optional<Key> KeyOf(wint_t code) {
  switch (code) {
    case KEY_UP:
      return Key::kUp;
    case KEY_DOWN:
      return Key::kDown;
    case KEY_LEFT:
      return Key::kLeft;
    case KEY_RIGHT:
      return Key::kRight;
    case KEY_PPAGE:
      return Key::kPageUp;
    case KEY_NPAGE:
      return Key::kPageDown;
    case KEY_HOME:
      return Key::kHome;
    case KEY_END:
      return Key::kEnd;
    case KEY_BTAB:
      return Key::kBackTab;
    case KEY_ENTER:
      return Key::kEnter;
    case KEY_BACKSPACE:
      return Key::kBackspace;
    default:
      return std::nullopt;
  }
}

KeyPress KeyPressOf(wint_t character) {
  switch (character) {
    case '\r':
    case '\n':
      return {Key::kEnter, ""};
    case 27:
      return {Key::kEscape, ""};
    case '\t':
      return {Key::kTab, ""};
    case 8:
    case 127:
      return {Key::kBackspace, ""};
    default:
      break;
  }
  std::array<char, MB_LEN_MAX> bytes;
  std::mbstate_t state{};
  const size_t size = ::wcrtomb(bytes.data(), static_cast<wchar_t>(character), &state);
  if (size == static_cast<size_t>(-1)) return {Key::kCharacter, ""};
  return {Key::kCharacter, std::string(bytes.data(), size)};
}

}  // namespace

Charset UseLocaleCharset() {
  std::setlocale(LC_CTYPE, "");
  return std::string_view(::nl_langinfo(CODESET)) == "UTF-8" ? Charset::kUtf8 : Charset::kAscii;
}

Result<std::unique_ptr<Terminal>> Terminal::Open() {
  UniqueFd own_keys;
  int key_fd = STDIN_FILENO;
  if (::isatty(STDIN_FILENO) == 0) {
    own_keys.Reset(::open("/dev/tty", O_RDONLY | O_CLOEXEC));
    if (!own_keys.valid()) return Status::FromErrno(errno, "open /dev/tty");
    key_fd = own_keys.get();
  }
  const char* term = std::getenv("TERM");
  int known = 0;
  if (term == nullptr || ::setupterm(term, STDOUT_FILENO, &known) != OK ||
      Capability("cup").empty()) {
    return Status(StatusCode::kInvalidArgument,
                  fmt::format("the terminal \"{}\" (TERM) is not known here, or has no cursor that "
                              "moves; --batch works anywhere",
                              term == nullptr ? "" : term));
  }
  std::string leave;
  for (const char* name : {"sgr0", "rmkx", "cnorm", "rmcup"}) leave += Capability(name);
  auto signals = CatchSignals();
  if (!signals.ok()) return signals.status();
  if (const Status began = BeginTerminalRescue(STDOUT_FILENO, leave); !began.ok()) return began;

  FILE* keys = own_keys.valid() ? ::fdopen(::dup(key_fd), "r") : stdin;
  if (keys == nullptr || ::newterm(nullptr, stdout, keys) == nullptr) {
    EndTerminalRescue();
    return Status(StatusCode::kInvalidArgument, "the terminal cannot be used; try --batch");
  }
  const bool colour = ColoursAllowed() && ::has_colors() && ::start_color() == OK;
  return std::unique_ptr<Terminal>(
      new Terminal(*std::move(signals), std::move(own_keys), key_fd, colour));
}

Terminal::Terminal(UniqueFd signals, UniqueFd own_keys, int key_fd, bool colour)
    : signals_(std::move(signals)),
      own_keys_(std::move(own_keys)),
      key_fd_(key_fd),
      colour_(colour) {
  if (colour_) {
    ::use_default_colors();
    for (const auto& [pair, foreground] : kColourPairs) ::init_pair(pair, foreground, -1);
  }
  ::set_escdelay(kEscapeDelayMs);
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
}

Terminal::~Terminal() {
  ::endwin();
  EndTerminalRescue();
}

ScreenSize Terminal::size() const {
  return {static_cast<size_t>(std::max(getmaxx(stdscr), 1)),
          static_cast<size_t>(std::max(getmaxy(stdscr), 1))};
}

void Terminal::Show(const Frame& frame) {
  ::erase();
  for (size_t y = 0; y < frame.lines.size(); ++y) {
    ::move(static_cast<int>(y), 0);
    for (const Span& span : frame.lines[y].spans()) {
      ::attrset(AttributesOf(span.style, colour_));
      // Of the last column of the last line it says ERR, and writes it all the same.
      ::addnstr(span.text.data(), static_cast<int>(span.text.size()));
    }
  }
  ::attrset(A_NORMAL);
  ::curs_set(frame.cursor ? 1 : 0);
  if (frame.cursor) {
    ::move(static_cast<int>(frame.cursor->line), static_cast<int>(frame.cursor->column));
  }
  ::refresh();
}

void Terminal::RedrawAll() { ::clearok(curscr, TRUE); }

std::optional<KeyPress> Terminal::ReadKey() {
  while (true) {
    wint_t character = 0;
    const int kind = ::get_wch(&character);
    if (kind == ERR) return std::nullopt;
    if (kind != KEY_CODE_YES) return KeyPressOf(character);
    if (const auto key = KeyOf(character)) return KeyPress{*key, ""};
  }
}

bool Terminal::TakeSignals() {
  bool ends = false;
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo != SIGWINCH) {
      ends = true;
      continue;
    }
    winsize window{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0) {
      ::resizeterm(window.ws_row, window.ws_col);
    }
  }
  return ends;
}

}  // namespace roost
