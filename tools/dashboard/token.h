// The secret that who is not trusted by the kernel's word has to show. Any thread.
#ifndef ROOST_TOOLS_DASHBOARD_TOKEN_H_
#define ROOST_TOOLS_DASHBOARD_TOKEN_H_

#include <string>

#include "base/status.h"

namespace roost {

// What ReadToken (tools/http_rules.h) says of `file`, else `from_environment` (may be null), if that is a token, else "".
Result<std::string> GivenToken(const std::string& file, const char* from_environment);

// 256 random bits. REQUIRES: sodium_init().
std::string MakeToken();

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_TOKEN_H_
