#include "broker/service_manager.h"

#ifdef ROOST_HAVE_SYSTEMD
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#endif

namespace roost {

#ifdef ROOST_HAVE_SYSTEMD

Result<UniqueFd> InheritListener() {
  const int count = sd_listen_fds(/*unset_environment=*/1);
  if (count < 0) return Status::FromErrno(-count, "take the service manager's sockets");
  if (count == 0) return UniqueFd();
  if (count > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, nullptr, 0) <= 0) {
    return {StatusCode::kInvalidArgument,
            "the .socket unit must have exactly one ListenSequentialPacket= with a path"};
  }
  return UniqueFd(SD_LISTEN_FDS_START);
}

void NotifyReady() { sd_notify(0, "READY=1"); }
void NotifyStopping() { sd_notify(0, "STOPPING=1"); }

#else

Result<UniqueFd> InheritListener() { return UniqueFd(); }
void NotifyReady() {}
void NotifyStopping() {}

#endif

}  // namespace roost
