#include "tools/http_rules.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "base/unique_fd.h"

namespace roost {
namespace {

constexpr size_t kTokenMin = 16;
constexpr size_t kTokenMax = 1024;

bool IsAddress(int family, const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(family, text.c_str(), bytes) == 1;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

struct HostAndPort {
  std::string host;
  std::string_view port;  // empty: none was said
  bool bracketed = false;
};

HostAndPort Split(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return {};
    return {std::string(text.substr(1, end - 1)), rest.empty() ? rest : rest.substr(1), true};
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, colon)), text.substr(colon + 1)};
}

bool IsTokenCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

}  // namespace

bool ListenAddress::loopback() const {
  return ipv6() ? address == "::1" : address.starts_with("127.");
}

std::string ListenAddress::text() const {
  return fmt::format(fmt::runtime(ipv6() ? "[{}]:{}" : "{}:{}"), address, port);
}

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const Status wrong(StatusCode::kInvalidArgument,
                     fmt::format("'{}' is no address to listen on: write ADDRESS:PORT, such as "
                                 "127.0.0.1:9464 or [::1]:9464",
                                 text));
  const HostAndPort parts = Split(text);
  ListenAddress listen{parts.host == "localhost" ? "127.0.0.1" : parts.host};
  if (!IsAddress(parts.bracketed ? AF_INET6 : AF_INET, listen.address)) return wrong;
  const char* end = parts.port.data() + parts.port.size();
  const auto [after, error] = std::from_chars(parts.port.data(), end, listen.port);
  if (parts.port.empty() || error != std::errc() || after != end) return wrong;
  return listen;
}

bool IsHostAllowed(std::string_view host, const std::vector<std::string>& names) {
  const HostAndPort parts = Split(host);
  if (parts.bracketed) return IsAddress(AF_INET6, parts.host);
  const std::string name = Lower(parts.host);
  if (name == "localhost" || IsAddress(AF_INET, name)) return true;
  return std::ranges::any_of(names, [&](const std::string& one) { return Lower(one) == name; });
}

bool IsBearer(std::string_view header, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  if (Lower(header.substr(0, kScheme.size())) != kScheme) return false;
  const std::string_view given = header.substr(kScheme.size());
  if (given.size() != token.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < token.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(token[i]);
  }
  return difference == 0;
}

bool IsToken(std::string_view text) {
  return text.size() >= kTokenMin && text.size() <= kTokenMax &&
         std::ranges::all_of(text, IsTokenCharacter);
}

Result<std::string> ReadToken(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "look at " + path);
  if (!S_ISREG(info.st_mode)) return Status(StatusCode::kInvalidArgument, path + " is no file");
  if ((info.st_mode & S_IROTH) != 0) {
    return Status(StatusCode::kPermissionDenied,
                  fmt::format("everybody can read the token in {}: chmod o= {}", path, path));
  }
  char text[kTokenMax + 2];
  const ssize_t size = ::read(fd.get(), text, sizeof(text));
  if (size < 0) return Status::FromErrno(errno, "read " + path);
  std::string token(text, static_cast<size_t>(size));
  token.resize(std::min(token.find_first_of("\r\n"), token.size()));
  if (!IsToken(token)) {
    return Status(StatusCode::kInvalidArgument,
                  fmt::format("the token in {} must be {} to {} letters, digits or -._~+/= in its "
                              "first line; openssl rand -hex 32 makes one",
                              path, kTokenMin, kTokenMax));
  }
  return token;
}

}  // namespace roost
