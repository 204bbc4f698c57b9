// What roostd calls itself.
#ifndef ROOST_BROKER_VERSION_H_
#define ROOST_BROKER_VERSION_H_

namespace roost {

inline constexpr char kBrokerVersion[] = ROOST_VERSION;  // of the project, from CMake

}  // namespace roost

#endif  // ROOST_BROKER_VERSION_H_
