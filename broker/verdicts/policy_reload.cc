#include "broker/verdicts/policy_reload.h"

#include <fmt/core.h>

#include "base/utf8.h"
#include "broker/logging.h"
#include "broker/own_event.h"

namespace roost {
namespace {

constexpr std::string_view kPolicyLoadedType = "policy.loaded";
constexpr std::string_view kPolicyRefusedType = "policy.refused";

}  // namespace

void PolicyReload::TellOfFirst(const Policy& policy) {
  if (loader_ != nullptr) TellOf(policy);
}

void PolicyReload::OnSignal() {
  if (loader_ == nullptr) {
    Log(LogLevel::kWarning, "there is no policy to load anew: roostd was started without --policy");
    return;
  }
  loader_->Load();
}

void PolicyReload::OnLoaded() {
  auto loaded = loader_->TakeLoaded();
  if (!loaded.has_value()) return;
  if (!loaded->ok()) return TellOfRefused(loaded->status());
  room_->SetPolicy(**loaded);
  TellOf(***loaded);
}

void PolicyReload::TellOf(const Policy& policy) {
  Log(LogLevel::kInfo, "policy {} in force: {} rules, version {}", loader_->path(),
      policy.rules().size(), policy.version_text());
  own_events_->Add(
      kBrokerStream, kPolicyLoadedType,
      fmt::format(R"({{"file":{},"version":"{}","rules":{}}})",
                  JsonString(Printable(loader_->path())), policy.digest(), policy.rules().size()),
      0);
}

void PolicyReload::TellOfRefused(const Status& status) {
  Log(LogLevel::kError, "the policy is refused, the one before stays in force: {}",
      status.message());
  own_events_->Add(
      kBrokerStream, kPolicyRefusedType,
      fmt::format(R"({{"file":{},"reason":{}}})", JsonString(Printable(loader_->path())),
                  JsonString(Printable(status.message()))),
      0);
}

}  // namespace roost
