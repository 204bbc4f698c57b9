// The lines that a client writes to roost-mcp, in pieces as they may arrive; with a broker, with one that answers
// late, and without. Nothing but whole messages is ever said, and no request is answered twice.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "base/check.h"
#include "client/mcp/line_reader.h"
#include "client/mcp/server.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/shim_output.h"
#include "tests/mcp/fake_log.h"

namespace roost {
namespace {

uint64_t now_ns = 0;
uint64_t Now() { return now_ns; }
uint64_t Wall() { return 1'800'000'000'000'000'000; }

class FuzzedShim {
 public:
  explicit FuzzedShim(uint8_t flags)
      : piece_((flags >> 2) + 1u),
        latencies_(std::make_unique<ShimLatencies>()),
        server_(&log_, &output_, {Now, Wall}, latencies_.get()) {
    log_.broker = (flags & 1) != 0;
    log_.answers_later = (flags & 2) != 0;
    log_.Put("tasks", "task.created", R"({"n":1})");
    log_.Put("inbox/tester", "note", "\x01\x02", "application/octet-stream");
  }

  void Feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::span<char> room = lines_.Room();
      const size_t size = std::min({bytes.size(), room.size(), piece_});
      std::copy_n(bytes.data(), size, room.data());
      lines_.Received(size);
      bytes.remove_prefix(size);
      TakeLines();
    }
  }

  void End() {
    Feed("\n");
    // What waits ends by its own time or with the input.
    for (int i = 0; i < 4; ++i) {
      now_ns += 60'000'000'000;
      if (server_.timer_ns() <= now_ns) server_.OnTimer();
      Settle();
    }
    server_.OnEndOfInput();
    Settle();
    log_.Deliver();
    Settle();
    ROOST_CHECK(answers_ <= asked_, "{} answers to {} messages", answers_, asked_);
  }

 private:
  void TakeLines() {
    for (;;) {
      switch (lines_.Next()) {
        case LineReader::Outcome::kNone:
          return;
        case LineReader::Outcome::kTooLong:
          ++asked_;
          server_.OnLongLine(lines_.id());
          break;
        case LineReader::Outcome::kLine:
          // Of a batch each element is a message: there are no more than commas.
          asked_ +=
              1 + static_cast<size_t>(std::count(lines_.line().begin(), lines_.line().end(), ','));
          server_.OnLine(lines_.line());
          while (server_.unfinished()) {
            Settle();
            server_.GoOn();
          }
          break;
      }
      Settle();
      if (++turns_ % 3 == 0) log_.Deliver();
      Settle();
    }
  }
  void Settle() {
    server_.Settle();
    for (const std::string& line : TakeShimLines(output_.line())) {
      if (CheckShimLine(line)) ++answers_;
    }
  }

  const size_t piece_;
  FakeLog log_;
  OutputQueue output_;
  std::unique_ptr<ShimLatencies> latencies_;
  Server server_;
  LineReader lines_;
  size_t asked_ = 0;
  size_t answers_ = 0;
  size_t turns_ = 0;
};

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace roost;
  FuzzInput input(data, size);
  now_ns = 1'000'000'000'000;
  FuzzedShim shim(input.Byte());
  shim.Feed(input.rest());
  shim.End();
  return 0;
}
