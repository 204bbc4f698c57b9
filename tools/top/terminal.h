// The terminal as a screen: shows frames, tells of keys, and is always given back as it was: at the end, and when the program
// crashes. ncurses does the drawing (decision 38): it knows terminals, and writes only what changed. One in a process; one thread.
#ifndef ROOST_TOOLS_TOP_TERMINAL_H_
#define ROOST_TOOLS_TOP_TERMINAL_H_

#include <memory>
#include <optional>

#include "base/status.h"
#include "base/unique_fd.h"
#include "tools/top/frame.h"
#include "tools/top/screen_text.h"
#include "tools/top/top_screen.h"
#include "tools/top/top_state.h"

namespace roost {

// Sets LC_CTYPE to what the environment says, and returns what can be shown then.
Charset UseLocaleCharset();

class Terminal {
 public:
  // Standard output must be a terminal; keys come from standard input, or from /dev/tty if that is none. From here on, until it goes,
  // SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH come as `signal_fd`, and what is written to stderr waits for the end.
  // kInvalidArgument: $TERM names no terminal that is known here, or one that cannot do it.
  static Result<std::unique_ptr<Terminal>> Open();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  ScreenSize size() const;
  void Show(const Frame& frame);
  void RedrawAll();  // also what others wrote over

  int key_fd() const { return key_fd_; }
  // Without waiting; nullopt: there is none.
  std::optional<KeyPress> ReadKey();

  int signal_fd() const { return signals_.get(); }
  // Takes what came; true: the program is to end.
  bool TakeSignals();

 private:
  Terminal(UniqueFd signals, UniqueFd own_keys, int key_fd, bool colour);

  UniqueFd signals_;
  UniqueFd own_keys_;
  int key_fd_;
  bool colour_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TERMINAL_H_
