// What the dashboard's HTTP server and its handlers say to each other. Values.
#ifndef ROOST_TOOLS_DASHBOARD_HTTP_MESSAGE_H_
#define ROOST_TOOLS_DASHBOARD_HTTP_MESSAGE_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Who is at the other end of a connection, as the kernel says it.
struct HttpPeer {
  std::string local_address;  // on which it reached us, without port: "127.0.0.1", "::1"
  bool loopback = false;      // it came over the loopback interface
  std::optional<uid_t> uid;   // of a process of this host; nullopt: not known
};

// A request without a body: the server takes no other. Header fields that are not there are empty.
struct HttpRequest {
  std::string method;
  std::string path;   // begins with '/', as it was sent
  std::string query;  // behind the '?', as it was sent
  std::string host;
  std::string origin;
  std::string fetch_site;
  std::string fetch_mode;
  std::string fetch_dest;
  std::string authorization;
  HttpPeer peer;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_HTTP_MESSAGE_H_
