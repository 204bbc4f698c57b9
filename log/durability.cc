#include "log/durability.h"

namespace roost {

const char* DurabilityName(Durability durability) {
  switch (durability) {
    case Durability::kMemory:
      return "memory";
    case Durability::kProcess:
      return "process";
    case Durability::kPower:
      return "power";
  }
  return "?";
}

}  // namespace roost
