#include "broker/sla/objective.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"

namespace roost {
namespace {

constexpr std::string_view kDefaultWindow = "1h";
constexpr size_t kDigitsMax = 9;
constexpr size_t kTextBytesMax = sizeof(ObjectiveRow::text) - 1;

constexpr char kForms[] =
    "write it like 'append p99 < 1ms over 1m' or 'availability 99.9% over 1h'";

// Words and the sign '<', with where each begins.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  // "" at the end.
  std::string_view Next() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    begin_ = at_;
    if (at_ < text_.size() && text_[at_] == '<') {
      ++at_;
    } else {
      while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '<') ++at_;
    }
    return text_.substr(begin_, at_ - begin_);
  }
  // The word that Next() gave last is wrong.
  Status Wrong(std::string_view expected) const {
    const std::string_view word = text_.substr(begin_, at_ - begin_);
    return {StatusCode::kInvalidArgument,
            fmt::format("at character {} {}: {}", begin_ + 1,
                        word.empty() ? "it ends" : fmt::format("is '{}'", Printable(word)),
                        expected)};
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;
};

// "99.9" as a number of units of which 1 has `ones`, a power of ten; digits beyond that are not taken.
std::optional<uint64_t> ParseDecimal(std::string_view text, uint64_t ones) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string_view rest = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || whole.size() > kDigitsMax || (point < text.size() && rest.empty())) {
    return std::nullopt;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (error != std::errc() || end != whole.data() + whole.size()) return std::nullopt;
  value *= ones;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    ones /= 10;
    if (rest.front() < '0' || rest.front() > '9' || ones == 0) return std::nullopt;
    value += static_cast<uint64_t>(rest.front() - '0') * ones;
  }
  return value;
}

// "0.2ms": as ParseDurationNs, and with a fraction.
std::optional<uint64_t> ParseTarget(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto unit_ns = ParseDurationNs("1" + std::string(text.substr(digits)));
  const auto thousandths = ParseDecimal(text.substr(0, digits), 1000);
  if (!unit_ns.ok() || !thousandths.has_value()) return std::nullopt;
  if (*thousandths > 1000 * kObjectiveTargetNsMax / *unit_ns) return std::nullopt;
  const uint64_t target_ns = *thousandths * *unit_ns / 1000;
  if (target_ns == 0) return std::nullopt;
  return target_ns;
}

// A percentage above 0 and below 100, as a share.
std::optional<double> ParseShare(std::string_view text) {
  const auto thousandths = ParseDecimal(text, 1000);
  if (!thousandths.has_value() || *thousandths == 0 || *thousandths >= 100'000) return std::nullopt;
  return static_cast<double>(*thousandths) / 100'000;
}

std::optional<size_t> LatencyNamed(std::string_view name) {
  if (name == "health") return kHealthLatency;
  for (size_t i = 0; i < kLatencyCount; ++i) {
    if (name == LatencyName(static_cast<Latency>(i))) return i;
  }
  return std::nullopt;
}

std::string AllNames() {
  std::string names = "availability, health";
  for (size_t i = 0; i < kLatencyCount; ++i) {
    names += fmt::format(", {}", LatencyName(static_cast<Latency>(i)));
  }
  return names;
}

Status ParseLatency(Words* words, ObjectiveSpec* objective) {
  const std::string_view quantile = words->Next();
  const auto share = ParseShare(quantile.substr(std::min<size_t>(1, quantile.size())));
  if (!quantile.starts_with('p') || !share.has_value()) {
    return words->Wrong("p50, p99 or p99.9 must follow, anything above p0 and below p100");
  }
  objective->share = *share;
  if (words->Next() != "<") return words->Wrong("'<' must follow");
  const std::string_view target = words->Next();
  const auto target_ns = ParseTarget(target);
  if (!target_ns.has_value()) {
    return words->Wrong("a time like 200us, 1ms or 0.2ms must follow, at most 10m");
  }
  objective->target_ns = *target_ns;
  objective->text += fmt::format(" {} < {}", quantile, target);
  return {};
}

Status ParseAvailability(Words* words, ObjectiveSpec* objective) {
  objective->kind = ObjectiveKind::kAvailability;
  const std::string_view percent = words->Next();
  const auto share = ParseShare(percent.substr(0, percent.size() - (percent.empty() ? 0 : 1)));
  if (!percent.ends_with('%') || !share.has_value()) {
    return words->Wrong(
        "a percentage like 99.9% must follow, above 0 and below 100, with at most three digits "
        "behind the point");
  }
  objective->share = *share;
  objective->text += fmt::format(" {}", percent);
  return {};
}

Status ParseWindow(Words* words, ObjectiveSpec* objective) {
  std::string_view window = kDefaultWindow;
  const std::string_view over = words->Next();
  if (!over.empty()) {
    if (over != "over") return words->Wrong("'over' and a time may follow, or nothing");
    window = words->Next();
  }
  const auto window_ns = ParseDurationNs(window);
  if (!window_ns.ok() || *window_ns < kObjectiveWindowNsMin || *window_ns > kObjectiveWindowNsMax) {
    return words->Wrong("a time like 1m or 1h must follow, from 1s to 31d");
  }
  if (!words->Next().empty()) return words->Wrong("nothing may follow");
  objective->window_ns = *window_ns;
  objective->text += fmt::format(" over {}", window);
  return {};
}

}  // namespace

Result<ObjectiveSpec> ParseObjective(std::string_view text) {
  Words words(text);
  ObjectiveSpec objective;
  const std::string_view name = words.Next();
  objective.text = name;
  if (name == "availability") {
    ROOST_RETURN_IF_ERROR(ParseAvailability(&words, &objective));
  } else if (const auto latency = LatencyNamed(name); latency.has_value()) {
    objective.latency = *latency;
    ROOST_RETURN_IF_ERROR(ParseLatency(&words, &objective));
  } else {
    return words.Wrong(fmt::format("{}; the names are {}", kForms, AllNames()));
  }
  ROOST_RETURN_IF_ERROR(ParseWindow(&words, &objective));
  if (objective.text.size() > kTextBytesMax) return words.Wrong("that is too long");
  return objective;
}

Status AddObjective(std::string_view text, std::vector<ObjectiveSpec>* objectives) {
  Result<ObjectiveSpec> parsed = ParseObjective(text);
  if (!parsed.ok()) return parsed.status();
  const auto is_same = [&](const ObjectiveSpec& other) { return other.text == parsed->text; };
  if (std::ranges::any_of(*objectives, is_same)) {
    return {StatusCode::kInvalidArgument, "it is there twice"};
  }
  if (objectives->size() >= kObjectivesMax) {
    return {StatusCode::kInvalidArgument,
            fmt::format("there are too many: at most {}", kObjectivesMax)};
  }
  objectives->push_back(*std::move(parsed));
  return {};
}

std::vector<ObjectiveSpec> DefaultObjectives(Durability durability) {
  std::vector<ObjectiveSpec> objectives;
  for (const std::string_view text :
       {std::string_view(durability == Durability::kPower ? "append p99 < 100ms over 5m"
                                                          : "append p99 < 10ms over 5m"),
        std::string_view("health p99 < 10ms over 5m"),
        std::string_view("availability 99.9% over 1h")}) {
    const Status added = AddObjective(text, &objectives);
    ROOST_CHECK(added.ok(), "{}: {}", text, added.message());
  }
  return objectives;
}

}  // namespace roost
