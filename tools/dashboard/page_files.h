// The page's files, as they were in tools/dashboard/page/ when this was built.
#ifndef ROOST_TOOLS_DASHBOARD_PAGE_FILES_H_
#define ROOST_TOOLS_DASHBOARD_PAGE_FILES_H_

#include <span>
#include <string_view>

namespace roost {

struct PageFile {
  const char* path;  // "/", "/main.js"
  const char* content_type;
  std::string_view content;
};

// Lives for ever.
std::span<const PageFile> PageFiles();

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_PAGE_FILES_H_
