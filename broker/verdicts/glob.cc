#include "broker/verdicts/glob.h"

namespace roost {

bool GlobMatches(std::string_view glob, std::string_view text) {
  size_t in_glob = 0;
  size_t in_text = 0;
  // Of the last star: where it is, and up to where it reaches so far. An earlier one never has to reach further.
  size_t star = std::string_view::npos;
  size_t reached = 0;
  while (in_text < text.size()) {
    if (in_glob < glob.size() && glob[in_glob] == '*') {
      star = in_glob++;
      reached = in_text;
    } else if (in_glob < glob.size() && glob[in_glob] == text[in_text]) {
      ++in_glob;
      ++in_text;
    } else if (star != std::string_view::npos) {
      in_glob = star + 1;
      in_text = ++reached;
    } else {
      return false;
    }
  }
  while (in_glob < glob.size() && glob[in_glob] == '*') ++in_glob;
  return in_glob == glob.size();
}

}  // namespace roost
