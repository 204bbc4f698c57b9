#include "client/mcp/tools/tool.h"

namespace roost {

MakeTool FindTool(std::string_view name) {
  struct Entry {
    std::string_view name;
    MakeTool make;
  };
  static constexpr Entry kTools[] = {{"append", MakeAppend},   {"read", MakeRead},
                                     {"wait", MakeWait},       {"claim", MakeClaim},
                                     {"release", MakeRelease}, {"take", MakeTake},
                                     {"settle", MakeSettle},   {"validate", MakeValidate},
                                     {"decide", MakeDecide},   {"status", MakeStatus}};
  for (const Entry& tool : kTools) {
    if (tool.name == name) return tool.make;
  }
  return nullptr;
}

}  // namespace roost
