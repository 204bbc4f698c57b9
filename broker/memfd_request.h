// Requests that come in a memfd. The bytes are copied once, so what the client does to them meanwhile changes
// nothing that was checked; nothing but a memfd is read, since reading a pipe or a file of somebody's
// network file system could block the broker.
//
// Sequencer thread. Keeps its buffer, at most kRequestBytesMax, until Release().
#ifndef ROOST_BROKER_MEMFD_REQUEST_H_
#define ROOST_BROKER_MEMFD_REQUEST_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace roost {

class MemfdRequest {
 public:
  // `length` bytes from the beginning of `fd`, on an address divisible by 8; valid until the next call.
  // kTooLarge, kInvalidArgument (no memfd, or shorter than it says), kIoError.
  Result<Bytes> Read(int fd, uint64_t length);

  bool HoldsMemory() const { return words_.capacity() > 0; }
  void Release() { words_ = std::vector<uint64_t>(); }  // not {}, which keeps the memory

 private:
  std::vector<uint64_t> words_;
};

}  // namespace roost

#endif  // ROOST_BROKER_MEMFD_REQUEST_H_
