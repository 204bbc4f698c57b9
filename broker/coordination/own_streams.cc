#include "broker/coordination/own_streams.h"

namespace roost {

std::optional<KeptAnswer::Kind> AnswerKindOf(std::string_view type) {
  struct Entry {
    std::string_view type;
    KeptAnswer::Kind kind;
  };
  static constexpr Entry kKinds[] = {
      {kLeaseGrantedType, KeptAnswer::Kind::kGranted},
      {kLeaseRenewedType, KeptAnswer::Kind::kGranted},
      {kLeaseReleasedType, KeptAnswer::Kind::kReleased},
      {kGroupTakenType, KeptAnswer::Kind::kTaken},
      {kGroupSettledType, KeptAnswer::Kind::kSettled},
      {kGroupRetriedType, KeptAnswer::Kind::kUnparked},
      {kGroupDroppedType, KeptAnswer::Kind::kUnparked},
      {kGroupRemovedType, KeptAnswer::Kind::kGroupRemoved},
      {kVerdictDecidedType, KeptAnswer::Kind::kDecided},
  };
  for (const Entry& entry : kKinds) {
    if (entry.type == type) return entry.kind;
  }
  return std::nullopt;
}

}  // namespace roost
