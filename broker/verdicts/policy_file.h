// The policy as the operator writes it: a TOML file, read once into memory, and refused as a whole when anything
// in it is wrong, a test of a rule included. What may stand in it: docs/validation.md.
//
// Any thread but the sequencer's: it reads the disk and takes its time.
#ifndef ROOST_BROKER_VERDICTS_POLICY_FILE_H_
#define ROOST_BROKER_VERDICTS_POLICY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "broker/verdicts/policy.h"

namespace roost {

inline constexpr size_t kPolicyBytesMax = 4 << 20;
inline constexpr uint64_t kPolicyTestsNsMax = 10'000'000'000;

// kInvalidArgument, kTooLarge: "FILE:LINE: what is wrong". kBusy: it changed each time it was read. What open says.
Result<std::shared_ptr<const Policy>> LoadPolicy(const std::string& path);

// The same of a text; `name` stands for the file in messages.
Result<std::shared_ptr<const Policy>> ParsePolicy(std::string_view text, std::string_view name);

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_POLICY_FILE_H_
