// What the broker said when a client attached: the session, the log and its ring. Kept while the broker is
// away, so that reading goes on, and compared with what the next broker says. One thread.
#ifndef ROOST_CLIENT_ATTACHMENT_H_
#define ROOST_CLIENT_ATTACHMENT_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "ipc/protocol.h"
#include "log/ring_reader.h"
#include "roost/read.h"
#include "schemas/control_generated.h"

namespace roost {

class Attachment {
 public:
  Attachment(const std::string& socket, const std::string& agent);

  enum class Change {
    kNone,  // the same ring
    kRing,  // another ring of the same log: the broker was restarted
    kLog,   // another log, or sequences may have been given out again
  };

  // Takes over what `attached` says; maps `ring_fd` unless that ring is mapped already. On an error
  // nothing has changed. kCorruption: no broker says such a thing; and what RingReader::Open has.
  Result<Change> Take(const wire::Attached& attached, const UniqueFd& ring_fd);
  void SetAttached(bool attached) { info_.attached = attached; }

  uint64_t session() const { return info_.session; }  // 0: never attached
  Bytes secret() const { return session() == 0 ? Bytes() : Bytes(secret_); }
  const RingReader* ring() const { return ring_.has_value() ? &*ring_ : nullptr; }
  uint64_t generation() const { return generation_; }  // grows with each ring
  const LogInfo& info() const { return info_; }

 private:
  bool IsLogOf(const wire::Attached& attached) const;

  LogInfo info_;
  std::array<std::byte, kSessionSecretBytes> secret_{};
  std::optional<RingReader> ring_;
  ino_t ring_inode_ = 0;
  dev_t ring_device_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_ATTACHMENT_H_
