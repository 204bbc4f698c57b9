#include "broker/leases/lease_events.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <iterator>

#include "base/utf8.h"
#include "broker/leases/key_pattern.h"
#include "broker/own_event.h"

namespace roost {
namespace {

namespace json = boost::json;

std::string KeysJson(const std::vector<std::string>& keys) {
  std::string list = "[";
  for (const std::string& key : keys) {
    if (list.size() > 1) list += ',';
    list += JsonString(key);
  }
  list += ']';
  return list;
}

std::optional<json::object> ParseObject(std::string_view data) {
  json::error_code error;
  json::value value = json::parse(data, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<uint64_t> NumberOf(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (const uint64_t* number = value->if_uint64()) return *number;
  const int64_t* number = value->if_int64();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

bool ReadKeys(const json::object& object, std::vector<std::string>* keys) {
  const json::value* value = object.if_contains("keys");
  const json::array* list = value == nullptr ? nullptr : value->if_array();
  if (list == nullptr || list->empty() || list->size() > kClaimKeysMax) return false;
  for (const json::value& item : *list) {
    const json::string* key = item.if_string();
    if (key == nullptr || KeyProblem(std::string_view(*key)).has_value()) return false;
    keys->emplace_back(std::string_view(*key));
  }
  return true;
}

bool ReadReplaces(const json::object& object, std::vector<uint64_t>* replaces) {
  const json::value* value = object.if_contains("replaces");
  if (value == nullptr) return true;
  const json::array* list = value->if_array();
  if (list == nullptr || list->size() > kClaimKeysMax) return false;
  for (const json::value& item : *list) {
    const auto token = NumberOf(&item);
    if (!token.has_value()) return false;
    replaces->push_back(*token);
  }
  return true;
}

}  // namespace

std::string EncodeLeaseGrant(const LeaseGrant& grant) {
  std::string data = fmt::format(R"({{"keys":{},"ttl_ms":{})", KeysJson(grant.keys), grant.ttl_ms);
  if (!grant.note.empty()) data += fmt::format(R"(,"note":{})", JsonString(grant.note));
  if (!grant.replaces.empty()) {
    data += R"(,"replaces":[)";
    for (const uint64_t token : grant.replaces) {
      fmt::format_to(std::back_inserter(data), "{}{}", data.back() == '[' ? "" : ",", token);
    }
    data += ']';
  }
  data += '}';
  return data;
}

std::optional<LeaseGrant> DecodeLeaseGrant(std::string_view data) {
  const auto object = ParseObject(data);
  if (!object.has_value()) return std::nullopt;
  LeaseGrant grant;
  if (!ReadKeys(*object, &grant.keys) || !ReadReplaces(*object, &grant.replaces)) {
    return std::nullopt;
  }
  const auto ttl_ms = NumberOf(object->if_contains("ttl_ms"));
  if (!ttl_ms.has_value() || *ttl_ms < kClaimTtlMsMin || *ttl_ms > kClaimTtlMsMax) {
    return std::nullopt;
  }
  grant.ttl_ms = static_cast<uint32_t>(*ttl_ms);
  if (const json::value* note = object->if_contains("note")) {
    const json::string* text = note->if_string();
    if (text == nullptr || text->size() > kLeaseNoteBytesMax ||
        !IsPlainUtf8(std::string_view(*text)))
      return std::nullopt;
    grant.note = std::string_view(*text);
  }
  return grant;
}

std::string EncodeLeaseEnd(uint64_t token, const std::vector<std::string>& keys,
                           std::string_view note, std::string_view reason) {
  std::string data = fmt::format(R"({{"token":{},"keys":{})", token, KeysJson(keys));
  if (!note.empty()) data += fmt::format(R"(,"note":{})", JsonString(note));
  if (!reason.empty()) data += fmt::format(R"(,"reason":{})", JsonString(reason));
  data += '}';
  return data;
}

std::optional<uint64_t> DecodeLeaseEnd(std::string_view data) {
  const auto object = ParseObject(data);
  if (!object.has_value()) return std::nullopt;
  return NumberOf(object->if_contains("token"));
}

}  // namespace roost
