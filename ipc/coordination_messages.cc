// The requests of ipc/messages.h for claims, groups and verdicts.
#include <string>

#include "ipc/messages.h"

namespace roost {

using TextOffset = flatbuffers::Offset<flatbuffers::String>;

Bytes RequestEncoder::Claim(uint64_t number, const ClaimFields& claim) {
  builder_.Clear();
  std::vector<TextOffset> texts;
  texts.reserve(claim.keys.size());
  for (const std::string& key : claim.keys) texts.push_back(Required(key));
  const auto keys = builder_.CreateVector(texts);
  const TextOffset note = Optional(claim.note);
  return Finish(number, wire::CreateClaim(builder_, keys, claim.ttl_ms, claim.wait_ms, note));
}

Bytes RequestEncoder::Release(uint64_t number, uint64_t token, std::string_view note) {
  builder_.Clear();
  const TextOffset why = Optional(note);
  return Finish(number, wire::CreateRelease(builder_, token, why));
}

Bytes RequestEncoder::Take(uint64_t number, const TakeFields& take) {
  builder_.Clear();
  const TextOffset stream = Required(take.stream);
  const TextOffset group = Required(take.group);
  return Finish(number, wire::CreateTake(builder_, stream, group, take.from_head, take.max,
                                         take.lease_ms, take.wait_ms));
}

Bytes RequestEncoder::Settle(uint64_t number, std::span<const wire::ItemToken> tokens,
                             wire::Outcome outcome, std::string_view note) {
  builder_.Clear();
  const auto items = builder_.CreateVectorOfStructs(tokens.data(), tokens.size());
  const TextOffset why = Optional(note);
  return Finish(number, wire::CreateSettle(builder_, items, outcome, why));
}

Bytes RequestEncoder::ListParked(uint64_t number, std::string_view stream, std::string_view group,
                                 uint64_t after, uint32_t limit) {
  builder_.Clear();
  const TextOffset stream_name = Required(stream);
  const TextOffset group_name = Required(group);
  return Finish(number, wire::CreateListParked(builder_, stream_name, group_name, after, limit));
}

Bytes RequestEncoder::Unpark(uint64_t number, const UnparkFields& unpark) {
  builder_.Clear();
  const TextOffset stream = Required(unpark.stream);
  const TextOffset group = Required(unpark.group);
  flatbuffers::Offset<flatbuffers::Vector<uint64_t>> revisions;
  if (!unpark.revisions.empty()) {
    revisions = builder_.CreateVector(unpark.revisions.data(), unpark.revisions.size());
  }
  const TextOffset note = Optional(unpark.note);
  return Finish(number, wire::CreateUnpark(builder_, stream, group, revisions, unpark.drop, note));
}

Bytes RequestEncoder::RemoveGroup(uint64_t number, std::string_view stream, std::string_view group,
                                  std::string_view note) {
  builder_.Clear();
  const TextOffset stream_name = Required(stream);
  const TextOffset group_name = Required(group);
  const TextOffset why = Optional(note);
  return Finish(number, wire::CreateRemoveGroup(builder_, stream_name, group_name, why));
}

Bytes RequestEncoder::Validate(uint64_t number, std::span<const QuestionFields> questions,
                               uint32_t wait_ms, bool only_known) {
  builder_.Clear();
  std::vector<flatbuffers::Offset<wire::Question>> asked;
  asked.reserve(questions.size());
  for (const QuestionFields& question : questions) {
    const TextOffset kind = Required(question.kind);
    const auto input = builder_.CreateVector(
        reinterpret_cast<const uint8_t*>(question.input.data()), question.input.size());
    asked.push_back(wire::CreateQuestion(builder_, kind, input));
  }
  const auto all = builder_.CreateVector(asked);
  return Finish(number, wire::CreateValidate(builder_, all, wait_ms, only_known));
}

Bytes RequestEncoder::Decide(uint64_t number, const DecideFields& decide) {
  builder_.Clear();
  const auto key = builder_.CreateVector(decide.key.data(), decide.key.size());
  const TextOffset reason = Optional(decide.reason);
  return Finish(number, wire::CreateDecide(builder_, key, &decide.token, decide.verdict, reason,
                                           decide.ttl_ms));
}

Bytes RequestEncoder::CancelRequest(uint64_t request) {
  builder_.Clear();
  return Finish(0, wire::CreateCancelRequest(builder_, request));
}

Bytes RequestEncoder::Active(const ReportFields& report) {
  builder_.Clear();
  flatbuffers::Offset<wire::WorkReport> work;
  if (!report.durations.empty() || report.cache_hits != 0 || report.cache_misses != 0 ||
      report.overtaken != 0) {
    const auto durations =
        builder_.CreateVectorOfStructs(report.durations.data(), report.durations.size());
    work = wire::CreateWorkReport(builder_, durations, report.durations_lost, report.cache_hits,
                                  report.cache_misses, report.overtaken);
  }
  return Finish(0, wire::CreateActive(builder_, work));
}

Bytes RequestEncoder::OpenLane(uint64_t number) {
  builder_.Clear();
  return Finish(number, wire::CreateOpenLane(builder_));
}

Bytes RequestEncoder::LaneBell() {
  builder_.Clear();
  return Finish(0, wire::CreateLaneBell(builder_));
}

Bytes RequestEncoder::ListLeases(uint64_t number, std::string_view prefix, uint64_t after,
                                 uint32_t limit) {
  builder_.Clear();
  const TextOffset begin = Optional(prefix);
  return Finish(number, wire::CreateListLeases(builder_, begin, after, limit));
}

Bytes RequestEncoder::ListGroups(uint64_t number, const ListGroupsFields& list) {
  builder_.Clear();
  const TextOffset prefix = Optional(list.prefix);
  const TextOffset after_stream = Optional(list.after_stream);
  const TextOffset after_group = Optional(list.after_group);
  return Finish(number,
                wire::CreateListGroups(builder_, prefix, after_stream, after_group, list.limit));
}

}  // namespace roost
