#include "broker/leases/recovered_leases.h"

#include "broker/coordination/own_streams.h"
#include "broker/leases/key_pattern.h"
#include "broker/own_event.h"
#include "log/ring_format.h"

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

void RecoveredLeases::Save(StateWriter* out) const {
  out->Number(table_->size());
  for (const Lease* lease = table_->FindAfter(0); lease != nullptr;
       lease = table_->FindAfter(lease->token)) {
    out->Number(lease->token);
    out->Number(lease->session);
    out->Number(lease->request);
    out->Text(lease->agent);
    out->Number(lease->ttl_ms);
    out->Text(lease->note);
    out->Number(lease->keys.size());
    for (const std::string& key : lease->keys) out->Text(key);
  }
}

bool RecoveredLeases::Load(StateReader* in) {
  for (size_t left = in->Count(kLeaseKeysMax); left > 0; --left) {
    LeaseGrant grant;
    grant.token = in->Number();
    grant.session = in->Number();
    grant.request = in->Number();
    grant.agent = in->Text(kAgentBytesMax);
    grant.ttl_ms = in->Number32();
    grant.note = in->Text(kLeaseNoteBytesMax);
    for (size_t keys = in->Count(kClaimKeysMax); keys > 0; --keys) {
      grant.keys.emplace_back(in->Text(kKeyBytesMax));
      if (KeyProblem(grant.keys.back()).has_value()) return in->Fail();
    }
    const bool fits = in->ok() && grant.token != 0 && table_->Find(grant.token) == nullptr &&
                      !grant.keys.empty() && table_->keys() + grant.keys.size() <= kLeaseKeysMax;
    if (!fits) return in->Fail();
    table_->Grant(grant, /*now_ns=*/0, nullptr);
  }
  return in->ok();
}

}  // namespace roost
