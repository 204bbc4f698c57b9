// The yardstick of roost-mcp's latencies: a stdio server that does nothing. Reads lines, finds the id of each
// and answers with the same bytes every time, as many as asked for: what stdio and a context switch cost, and
// what no MCP server can go below.
//
//   stdio_floor [BYTES]     of each answer, 100 by default
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kId = R"("id":)";
constexpr std::string_view kBegin = R"({"jsonrpc":"2.0","id":)";
constexpr std::string_view kResult = R"(,"result":{"pad":")";
constexpr std::string_view kEnd = "\"}}\n";

// The token behind "id":, or 0.
std::string_view IdOf(std::string_view line) {
  const size_t at = line.find(kId);
  if (at == std::string_view::npos) return "0";
  const std::string_view rest = line.substr(at + kId.size());
  const size_t begin = rest.find_first_not_of(' ');
  if (begin == std::string_view::npos) return "0";
  return rest.substr(begin, rest.find_first_of(",}", begin) - begin);
}

bool WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  size_t bytes = 100;
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), bytes);
  const std::string pad(bytes, 'x');
  std::string input;
  std::string output;
  char piece[64 << 10];
  while (true) {
    const ssize_t received = ::read(STDIN_FILENO, piece, sizeof(piece));
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return 0;
    input.append(piece, static_cast<size_t>(received));
    output.clear();
    size_t begin = 0;
    for (size_t end; (end = input.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(input).substr(begin, end - begin);
      output.append(kBegin).append(IdOf(line)).append(kResult).append(pad).append(kEnd);
    }
    input.erase(0, begin);
    if (!WriteAll(output)) return 1;
  }
}
