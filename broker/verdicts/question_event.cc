#include "broker/verdicts/question_event.h"

#include <fmt/core.h>
#include <sodium/utils.h>

#include <boost/json.hpp>
#include <charconv>

#include "base/canonical_json.h"
#include "base/utf8.h"
#include "broker/coordination/own_streams.h"
#include "broker/own_event.h"

namespace roost {
namespace {

namespace json = boost::json;

using Type = QuestionEvent::Type;

constexpr wire::Verdict kVerdicts[] = {wire::Verdict::Allow, wire::Verdict::Deny,
                                       wire::Verdict::Ask};

const char* NameOf(wire::Verdict verdict) {
  switch (verdict) {
    case wire::Verdict::Allow:
      return "allow";
    case wire::Verdict::Deny:
      return "deny";
    default:
      return "ask";
  }
}

std::optional<Type> TypeOf(std::string_view stream, std::string_view text) {
  for (const Type type :
       {Type::kAsked, Type::kReassigned, Type::kAbandoned, Type::kDecided, Type::kRuled}) {
    if (QuestionEventStream(type) == stream && QuestionEventType(type) == text) return type;
  }
  return std::nullopt;
}

// The members of an object, each of which has to be as it is asked for.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  bool ok() const { return ok_; }

  std::string Text(std::string_view name, size_t bytes_max, bool is_optional = false) {
    const json::value* value = object_.if_contains(name);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    if (value == nullptr && is_optional) return {};
    if (text == nullptr || text->size() > bytes_max || !IsPlainUtf8({text->data(), text->size()})) {
      ok_ = false;
      return {};
    }
    return std::string(text->data(), text->size());
  }

  uint64_t Number(std::string_view name, uint64_t most, bool is_optional = false) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr && is_optional) return 0;
    const int64_t* number = value == nullptr ? nullptr : value->if_int64();
    if (number == nullptr || *number < 0 || static_cast<uint64_t>(*number) > most) {
      ok_ = false;
      return 0;
    }
    return static_cast<uint64_t>(*number);
  }

  VerdictKey Key() {
    VerdictKey key{};
    const std::string text = Text("key", 2 * key.size());
    size_t length = 0;
    if (sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), nullptr, &length,
                       nullptr) != 0 ||
        length != key.size()) {
      ok_ = false;
    }
    return key;
  }

  uint64_t Policy() {
    const std::string text = Text("policy", 16);
    uint64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version, 16);
    if (error != std::errc() || end != text.data() + text.size()) ok_ = false;
    return version;
  }

  wire::Verdict Verdict() {
    const std::string text = Text("verdict", 16);
    for (const wire::Verdict verdict : kVerdicts) {
      if (text == NameOf(verdict)) return verdict;
    }
    ok_ = false;
    return wire::Verdict::Undecided;
  }

 private:
  const json::object& object_;
  bool ok_ = true;
};

void ReadMembers(Members& members, QuestionEvent* event) {
  event->key = members.Key();
  const bool has_kind =
      event->type == Type::kAsked || event->type == Type::kDecided || event->type == Type::kRuled;
  if (has_kind) {
    event->kind = members.Text("kind", kQuestionKindBytesMax);
    event->policy = members.Policy();
  }
  if (event->type != Type::kAsked && event->type != Type::kRuled) {
    event->question = members.Number("question", INT64_MAX);
  }
  if (event->type == Type::kAsked || event->type == Type::kDecided) {
    event->uid = static_cast<uint32_t>(members.Number("uid", kAnyUid - 1));
  }
  if (event->type == Type::kDecided || event->type == Type::kRuled) {
    event->verdict = members.Verdict();
    event->ttl_ms = members.Number("ttl_ms", INT64_MAX, /*is_optional=*/true);
  }
  event->reason = members.Text("reason", kVerdictReasonMax, /*is_optional=*/true);
}

}  // namespace

std::string_view QuestionEventStream(Type type) {
  return type == Type::kDecided || type == Type::kRuled ? kVerdictsStream : kQuestionsStream;
}

std::string_view QuestionEventType(Type type) {
  switch (type) {
    case Type::kAsked:
      return kQuestionAskedType;
    case Type::kReassigned:
      return kQuestionReassignedType;
    case Type::kAbandoned:
      return kQuestionAbandonedType;
    case Type::kDecided:
      return kVerdictDecidedType;
    case Type::kRuled:
      return kVerdictRuledType;
  }
  return {};
}

std::string KeyDigits(const VerdictKey& key) {
  char digits[2 * sizeof(VerdictKey) + 1];
  return sodium_bin2hex(digits, sizeof(digits), key.data(), key.size());
}

std::string EncodeQuestionEvent(const QuestionEvent& event, std::string_view input,
                                std::string_view rule) {
  std::string data = fmt::format(R"({{"key":"{}")", KeyDigits(event.key));
  if (!event.kind.empty()) data += fmt::format(R"(,"kind":{})", JsonString(event.kind));
  if (event.type == Type::kAsked || event.type == Type::kDecided) {
    data += fmt::format(R"(,"uid":{})", event.uid);
  }
  if (event.question != 0) data += fmt::format(R"(,"question":{})", event.question);
  if (event.verdict != wire::Verdict::Undecided) {
    data += fmt::format(R"(,"verdict":"{}")", NameOf(event.verdict));
  }
  if (!event.reason.empty()) data += fmt::format(R"(,"reason":{})", JsonString(event.reason));
  if (event.ttl_ms != 0) data += fmt::format(R"(,"ttl_ms":{})", event.ttl_ms);
  if (!event.kind.empty()) data += fmt::format(R"(,"policy":"{:016x}")", event.policy);
  if (!rule.empty()) data += fmt::format(R"(,"rule":{})", JsonString(rule));
  if (!input.empty()) data += fmt::format(R"(,"input":{})", input);
  data += '}';
  return data;
}

std::optional<QuestionEvent> DecodeQuestionEvent(const RecordHeader& header,
                                                 const wire::Event& event) {
  const auto type = TypeOf(event.stream()->string_view(), event.type()->string_view());
  if (!type.has_value()) return std::nullopt;
  json::parse_options options;
  options.max_depth = kCanonicalDepthMax + 1;
  json::error_code error;
  const std::string_view data = DataOf(event);
  json::value value;
  try {
    value = json::parse({data.data(), data.size()}, error, {}, options);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (error || !value.is_object()) return std::nullopt;
  QuestionEvent decoded;
  decoded.type = *type;
  decoded.uid = kAnyUid;
  Members members(value.get_object());
  ReadMembers(members, &decoded);
  if (!members.ok()) return std::nullopt;
  decoded.sequence = header.sequence;
  decoded.revision = header.revision;
  decoded.session = header.session;
  decoded.time_ns = header.time_ns;
  decoded.agent = event.agent()->string_view();
  return decoded;
}

}  // namespace roost
