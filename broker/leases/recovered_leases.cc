#include "broker/leases/recovered_leases.h"

#include "broker/coordination/own_streams.h"
#include "broker/own_event.h"

namespace roost {

void RecoveredLeases::OnOwnEvent(const RecordHeader& header, const wire::Event& event) {
  if (event.stream()->string_view() != kLeasesStream) return;
  const std::string_view type = event.type()->string_view();
  if (type == kLeaseGrantedType || type == kLeaseRenewedType) {
    auto grant = DecodeLeaseGrant(DataOf(event));
    if (!grant.has_value()) return;
    grant->token = header.sequence;
    grant->session = header.session;
    grant->request = header.request;
    grant->agent = event.agent()->string_view();
    table_->Grant(*grant, /*now_ns=*/0, nullptr);
  } else if (type == kLeaseReleasedType || type == kLeaseExpiredType) {
    if (const auto token = DecodeLeaseEnd(DataOf(event))) table_->End(*token, nullptr);
  }
}

}  // namespace roost
