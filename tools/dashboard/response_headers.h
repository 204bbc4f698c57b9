// What every answer of the dashboard says to the browser: run nothing but the page's own files, load nothing from anywhere else,
// show it in no frame, keep nothing, tell nobody.
#ifndef ROOST_TOOLS_DASHBOARD_RESPONSE_HEADERS_H_
#define ROOST_TOOLS_DASHBOARD_RESPONSE_HEADERS_H_

#include <utility>

namespace roost {

inline constexpr std::pair<const char*, const char*> kResponseHeaders[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
     "require-trusted-types-for 'script'; trusted-types 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Cache-Control", "no-store"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_RESPONSE_HEADERS_H_
