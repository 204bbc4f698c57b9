#include "tests/support/deadline.h"

#include <cstdlib>
#include <string_view>

namespace roost {

bool SoakWanted() {
  const char* wanted = ::getenv("ROOST_SOAK");
  return wanted != nullptr && std::string_view(wanted) == "1";
}

}  // namespace roost
