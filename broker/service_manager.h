// systemd, where roostd was built with it and runs under it; nothing happens elsewhere. One thread.
#ifndef ROOST_BROKER_SERVICE_MANAGER_H_
#define ROOST_BROKER_SERVICE_MANAGER_H_

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

// The listening socket that a .socket unit handed over; not valid: none did. kInvalidArgument: what was
// handed over is not one listening SOCK_SEQPACKET socket of the AF_UNIX family.
Result<UniqueFd> InheritListener();

void NotifyReady();
void NotifyStopping();

}  // namespace roost

#endif  // ROOST_BROKER_SERVICE_MANAGER_H_
