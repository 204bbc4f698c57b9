// A request too large for a message, put into a memfd that nobody can change any more. Any thread.
#ifndef ROOST_IPC_REQUEST_MEMFD_H_
#define ROOST_IPC_REQUEST_MEMFD_H_

#include "base/bytes.h"
#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

// Sealed WRITE, SHRINK, GROW and SEAL. kExhausted: no descriptors or no memory.
Result<UniqueFd> MakeRequestMemfd(Bytes request);

}  // namespace roost

#endif  // ROOST_IPC_REQUEST_MEMFD_H_
