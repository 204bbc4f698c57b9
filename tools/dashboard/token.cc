#include "tools/dashboard/token.h"

#include <sodium.h>

#include <array>

#include "tools/http_rules.h"

namespace roost {

Result<std::string> GivenToken(const std::string& file, const char* from_environment) {
  if (!file.empty()) return ReadToken(file);
  if (from_environment == nullptr || *from_environment == '\0') return std::string();
  if (!IsToken(from_environment)) {
    return Status(StatusCode::kInvalidArgument,
                  "$ROOST_DASHBOARD_TOKEN: a token has at least 16 letters, digits or -._~+/=; "
                  "openssl rand -hex 32 makes one");
  }
  return std::string(from_environment);
}

std::string MakeToken() {
  std::array<unsigned char, 32> random;
  ::randombytes_buf(random.data(), random.size());
  constexpr int kUrlSafe = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(random.size(), kUrlSafe), '\0');
  ::sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), kUrlSafe);
  text.pop_back();  // the zero at its end
  return text;
}

}  // namespace roost
