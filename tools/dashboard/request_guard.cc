#include "tools/dashboard/request_guard.h"

#include <algorithm>
#include <utility>

#include "tools/http_rules.h"

namespace roost {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

HttpResponse Refusal(unsigned status, std::string why) {
  return {status, "text/plain", std::move(why) + "\n"};
}

// A browser that says where a request comes from, and it is another site. Only a link to the page itself may come
// from anywhere.
bool IsFromElsewhere(const HttpRequest& request) {
  if (!request.origin.empty()) {
    const std::string origin = Lower(request.origin), host = Lower(request.host);
    if (origin != "http://" + host && origin != "https://" + host) return true;
  }
  if (request.fetch_site.empty() || request.fetch_site == "same-origin" ||
      request.fetch_site == "none") {
    return false;
  }
  return request.path != "/" || request.fetch_mode != "navigate" ||
         request.fetch_dest != "document";
}

}  // namespace

std::string HostNameOf(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return "";
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || !IsPort(rest.substr(1)))) return "";
    return Lower(host.substr(1, end - 1));
  }
  const size_t colon = host.find(':');
  if (colon != std::string_view::npos && !IsPort(host.substr(colon + 1))) return "";
  return Lower(host.substr(0, colon));
}

RequestGuard::RequestGuard(std::string token, bool token_for_all, std::vector<std::string> names,
                           uid_t own_uid)
    : token_(std::move(token)), token_for_all_(token_for_all), own_uid_(own_uid) {
  for (const std::string& name : names) names_.push_back(Lower(name));
}

std::optional<HttpResponse> RequestGuard::Refuse(const HttpRequest& request) const {
  if (!KnowsHost(request)) {
    return Refusal(421,
                   "this dashboard is not known by that name: open it by its address, or start it "
                   "with --host for each further name");
  }
  if (IsFromElsewhere(request)) return Refusal(403, "asked by a page of another site");
  if (!request.path.starts_with(kApiPrefix) || !NeedsToken(request.peer)) return std::nullopt;
  if (token_.empty()) {
    return Refusal(403,
                   "this dashboard is for the user who started it: start it with --token-file to "
                   "let others in");
  }
  if (!HasToken(request.authorization)) return Refusal(401, "the token is missing or wrong");
  return std::nullopt;
}

// The address itself can't be rebound, whatever a name server says. Ports don't matter: who forwards one has another.
bool RequestGuard::KnowsHost(const HttpRequest& request) const {
  const std::string name = HostNameOf(request.host);
  if (name.empty()) return false;
  if (name == request.peer.local_address) return true;
  if (request.peer.loopback && (name == "localhost" || name == "127.0.0.1" || name == "::1")) {
    return true;
  }
  return std::ranges::find(names_, name) != names_.end();
}

bool RequestGuard::NeedsToken(const HttpPeer& peer) const {
  if (token_for_all_ || !peer.loopback || !peer.uid.has_value()) return true;
  return *peer.uid != own_uid_ && *peer.uid != 0;
}

bool RequestGuard::HasToken(std::string_view authorization) const {
  return IsBearer(authorization, token_);
}

}  // namespace roost
