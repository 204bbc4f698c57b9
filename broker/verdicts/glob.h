// Globs as the policy has them: `*` stands for any characters, also none, also slashes; everything else for itself.
// Pure functions; any thread.
#ifndef ROOST_BROKER_VERDICTS_GLOB_H_
#define ROOST_BROKER_VERDICTS_GLOB_H_

#include <string_view>

namespace roost {

// Takes at most glob.size() * text.size() steps.
bool GlobMatches(std::string_view glob, std::string_view text);

inline bool HasStar(std::string_view text) { return text.find('*') != std::string_view::npos; }

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_GLOB_H_
