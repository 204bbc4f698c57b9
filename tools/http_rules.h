// What the exporter and the dashboard have in common: where they may listen, and which HTTP requests the exporter answers. Pure;
// any thread.
//
// What the exporter shows is no secret of the log, but has names that agents wrote. A web page in a browser on this host could have its
// own name lead to 127.0.0.1 and read answers from there ("DNS rebinding"): so the Host that a request names must be an
// address, localhost, or a name that the operator gave. Whoever listens for other hosts asks for a token.
#ifndef ROOST_TOOLS_HTTP_RULES_H_
#define ROOST_TOOLS_HTTP_RULES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace roost {

struct ListenAddress {
  std::string address;  // IPv4, or IPv6 without brackets
  uint16_t port = 0;    // 0: one that is free

  bool ipv6() const { return address.find(':') != std::string::npos; }
  bool loopback() const;
  std::string text() const;  // "127.0.0.1:9464", "[::1]:9464"
};

// "ADDRESS:PORT", "[ADDRESS]:PORT", "localhost:PORT". kInvalidArgument for anything else, names of hosts among it.
Result<ListenAddress> ParseListenAddress(std::string_view text);

// `host` is the Host header, with or without a port; `names` are further ones, without.
bool IsHostAllowed(std::string_view host, const std::vector<std::string>& names);

// `header` is the Authorization header. In time that does not depend on where they differ.
bool IsBearer(std::string_view header, std::string_view token);

// Whether it is long enough to be a token, not too long, and has the characters that RFC 6750 has in one.
bool IsToken(std::string_view text);

// The first line of a file that others can't read. kInvalidArgument: fewer than 16 or more than 1024 characters, or others
// than RFC 6750 has in a token; kPermissionDenied: others may read the file.
Result<std::string> ReadToken(const std::string& path);

}  // namespace roost

#endif  // ROOST_TOOLS_HTTP_RULES_H_
