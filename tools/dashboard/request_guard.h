// Who may ask the dashboard for what, decided before anything is looked up.
//
// What it stands against: a page of another site that makes the browser ask (Origin, Sec-Fetch-*), another name for this
// address (DNS rebinding: Host), other users of this host, and everybody else where it listens to a network (token). The page
// and its files hold nothing of the log and need no token, so that the page can ask for it. Any thread.
#ifndef ROOST_TOOLS_DASHBOARD_REQUEST_GUARD_H_
#define ROOST_TOOLS_DASHBOARD_REQUEST_GUARD_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/dashboard/http_message.h"

namespace roost {

// What is asked for begins like this; all else is the page and its files.
inline constexpr std::string_view kApiPrefix = "/api/";

class RequestGuard {
 public:
  // `token` empty: there is none, so who needs one is refused. `names` are host names, besides the address itself, under
  // which the dashboard is reached. `own_uid` needs no token over the loopback interface, nor does root, unless
  // `token_for_all`.
  RequestGuard(std::string token, bool token_for_all, std::vector<std::string> names, uid_t own_uid);

  // nullopt: go on. Else the refusal.
  std::optional<HttpResponse> Refuse(const HttpRequest& request) const;

 private:
  bool KnowsHost(const HttpRequest& request) const;
  bool NeedsToken(const HttpPeer& peer) const;
  bool HasToken(std::string_view authorization) const;

  std::string token_;
  bool token_for_all_;
  std::vector<std::string> names_;
  uid_t own_uid_;
};

// "localhost" of "localhost:8600", "::1" of "[::1]:8600", in small letters; empty: it is no host.
std::string HostNameOf(std::string_view host);

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_REQUEST_GUARD_H_
