#include "client/attachment.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "schemas/text.h"

namespace roost {
namespace {

std::string HexOf(const flatbuffers::Vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

Attachment::Attachment(const std::string& socket, const std::string& agent) {
  info_.socket = socket;
  info_.agent = agent;
}

bool Attachment::IsLogOf(const wire::Attached& attached) const {
  const RingLayout& layout = ring_->layout();
  return layout.epoch == attached.epoch() &&
         std::memcmp(layout.log_id, attached.log_id()->data(), sizeof(layout.log_id)) == 0;
}

Result<Attachment::Change> Attachment::Take(const wire::Attached& attached,
                                            const UniqueFd& ring_fd) {
  if (attached.session() == 0 || attached.secret()->size() != kSessionSecretBytes ||
      attached.log_id()->size() != sizeof(RingLayout::log_id) || !attached.has_ring() ||
      !ring_fd.valid()) {
    return {StatusCode::kCorruption, "what answers at the socket is no broker of Roost"};
  }
  struct stat ring_info {};
  if (::fstat(ring_fd.get(), &ring_info) != 0) return Status::FromErrno(errno, "stat the ring");
  Change change = Change::kNone;
  // The ring that is mapped still exists, so no other one has its inode.
  if (!ring_.has_value() || ring_info.st_ino != ring_inode_ || ring_info.st_dev != ring_device_) {
    Result<RingReader> ring = RingReader::Open(ring_fd);
    if (!ring.ok()) return ring.status();
    change = ring_.has_value() && IsLogOf(attached) ? Change::kRing : Change::kLog;
    ring_.emplace(std::move(*ring));
    ring_inode_ = ring_info.st_ino;
    ring_device_ = ring_info.st_dev;
    ++generation_;
  }
  std::memcpy(secret_.data(), attached.secret()->data(), secret_.size());
  info_.session = attached.session();
  info_.log_id = HexOf(*attached.log_id());
  info_.epoch = attached.epoch();
  info_.durability = ring_->layout().durability;
  info_.started_ns = ring_->layout().started_ns;
  info_.broker_pid = attached.broker_pid();
  info_.broker_version = CopyOf(attached.broker_version());
  info_.data_directory = CopyOf(attached.data_directory());
  return change;
}

}  // namespace roost
