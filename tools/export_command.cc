// roost export: hands over to roost-export, the program beside this one.
#include "tools/command.h"
#include "tools/export/export_options.h"
#include "tools/sibling_program.h"

namespace roost {
namespace {

ExitStatus Run(Program& program, const ExportOptions& options) {
  return BecomeSibling(program, "roost-export", ArgumentsOf(options));
}

}  // namespace

void AddExportCommand(Program& program) { AddExportCommand(program, Run); }

}  // namespace roost
