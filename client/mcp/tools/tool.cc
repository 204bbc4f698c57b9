#include "client/mcp/tools/tool.h"

namespace roost {

const Tool* FindTool(std::string_view name) {
  static constexpr Tool kTools[] = {{"append", MakeAppend, nullptr},
                                    {"read", MakeRead, nullptr},
                                    {"wait", MakeWait, &ShimLatencies::wait},
                                    {"claim", MakeClaim, &ShimLatencies::claim},
                                    {"release", MakeRelease, &ShimLatencies::release},
                                    {"take", MakeTake, &ShimLatencies::take},
                                    {"settle", MakeSettle, &ShimLatencies::settle},
                                    {"validate", MakeValidate, nullptr},
                                    {"decide", MakeDecide, &ShimLatencies::decide},
                                    {"status", MakeStatus, &ShimLatencies::status}};
  for (const Tool& tool : kTools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

}  // namespace roost
