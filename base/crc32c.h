// CRC-32C (Castagnoli, as in iSCSI, LevelDB and ext4), with the processor's instruction where it has
// one. Any thread.
#ifndef ROOST_BASE_CRC32C_H_
#define ROOST_BASE_CRC32C_H_

#include <cstdint>

#include "base/bytes.h"

namespace roost {

// The checksum of `bytes` behind those that gave `crc` (0 to begin with).
uint32_t Crc32c(uint32_t crc, Bytes bytes);

// The same without the instruction, for the test that compares the two.
uint32_t Crc32cPortable(uint32_t crc, Bytes bytes);

}  // namespace roost

#endif  // ROOST_BASE_CRC32C_H_
