#include "tests/simulation/promises.h"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

namespace roost {
namespace {

// Nothing of it can have been done.
bool IsPlainNo(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kTooLarge:
    case StatusCode::kAlreadyExists:
    case StatusCode::kPermissionDenied:
    case StatusCode::kExhausted:
    case StatusCode::kBusy:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string Promises::DataOf(uint64_t operation, size_t index, size_t padding) {
  return fmt::format(R"({{"operation":{},"index":{},"padding":"{:x>{}}"}})", operation, index, "",
                     padding);
}

void Promises::Violation(std::string what) {
  if (violations_.size() < 20) violations_.push_back(std::move(what));
}

uint64_t Promises::Asked(Batch batch, uint64_t head) {
  operations_.push_back({.batch = std::move(batch), .asked_head = std::max(head, promised_)});
  return operations_.size() - 1;
}

void Promises::Answered(uint64_t number, const Result<AppendResult>& result, uint64_t head) {
  Operation& operation = operations_[number];
  if (!result.ok()) {
    if (IsPlainNo(result.status())) --operation.open;
    return;
  }
  --operation.open;
  if (!result->appended) {
    if (!result->conflict.has_value()) return Violation("no append, and no conflict");
    conflicts_.push_back({number, *result->conflict, operation.asked_head, head});
    return;
  }
  if (operation.is_done &&
      (operation.first != result->first || operation.last != result->sequence)) {
    Violation(fmt::format("operation {} was at {} and is at {} when asked again", number,
                          operation.first, result->first));
  }
  if (result->head < result->sequence) Violation("an answer's head is before its events");
  operation.is_done = true;
  operation.first = result->first;
  operation.last = result->sequence;
  operation.revision = result->revision;
  Promise(result->head);
}

void Promises::Granted(uint64_t token, uint64_t session) {
  granted_[token] = session;
  Promise(token);
}

void Promises::Released(uint64_t token, uint64_t head) { released_[token] = head; }

void Promises::Took(const std::string& group, const TakenItem& item, uint64_t session) {
  takings_.push_back({group, item, session});
  Promise(item.token.lease);
}

void Promises::Settled(const std::string& group, const TakenItem& item, Outcome outcome,
                       uint64_t head) {
  settled_.push_back({group, item, outcome, head});
}

void Promises::Saw(const RecordHeader& header) {
  const auto [seen, is_new] = seen_.try_emplace(header.sequence, header.crc32c);
  if (!is_new && seen->second != header.crc32c) {
    Violation(fmt::format("event {} was another one before", header.sequence));
  }
  Promise(header.sequence);
}

void Promises::FoundAfterDeath(uint64_t head) {
  if (head < promised_) {
    Violation(fmt::format("a broker's death took events: head is {} and was {}", head, promised_));
  }
  promised_ = head;
}

void Promises::FoundAfterPowerCut(uint64_t head) {
  if (head < std::min(lasting_, promised_)) {
    Violation(fmt::format("a power cut took events: head is {}, {} were to last", head, lasting_));
  }
  lasting_ = promised_ = head;
  for (Operation& operation : operations_) {
    operation.asked_head = std::min(operation.asked_head, head);
    if (!operation.is_done || operation.last <= head) continue;
    operation.is_done = false;
    operation.open = 0;  // whoever asked has gone too
  }
  const auto is_lost = [head](const auto& told) { return told.head > head; };
  std::erase_if(settled_, is_lost);
  std::erase_if(conflicts_, [head](const Conflict& told) { return told.head_after > head; });
  std::erase_if(takings_, [head](const Taking& told) { return told.item.token.lease > head; });
  std::erase_if(granted_, [head](const auto& told) { return told.first > head; });
  std::erase_if(released_, [head](const auto& told) { return told.second > head; });
  std::erase_if(seen_, [head](const auto& told) { return told.first > head; });
}

}  // namespace roost
