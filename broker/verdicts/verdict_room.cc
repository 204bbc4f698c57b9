#include "broker/verdicts/verdict_room.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "broker/coordination/own_streams.h"
#include "schemas/text.h"

namespace roost {
namespace {

using wire::RefusalCode;
using wire::RequestBody;
using Type = QuestionEvent::Type;

constexpr std::string_view kNotDecidedYet = "it is being decided; ask again, or wait with wait_ms";
constexpr std::string_view kTimeOver = "it is being decided and was not within the time; ask again";
constexpr std::string_view kHasEnded =
    "what was decided has ended while the others were waited for; ask again";
constexpr std::string_view kNotWritten =
    "nothing can be written down, since there is no room for the journal; make room and ask again";
constexpr std::string_view kPolicyChanged = "the policy was changed meanwhile; ask again";
// Each attempt stages at least one event, or nothing is missing any more.
constexpr int kSettleAttemptsMax = VerdictRoom::kQuestionsMax + 2;

std::string_view InputOf(const wire::Question& question) {
  return AsText(std::as_bytes(std::span(question.input()->data(), question.input()->size())));
}

std::optional<Refusal> Check(const wire::Validate& validate) {
  const uint32_t count = validate.questions()->size();
  if (count < 1 || count > VerdictRoom::kQuestionsMax) {
    return Refusal{RefusalCode::Invalid,
                   fmt::format("a request has 1 to {} questions, and this one {}",
                               VerdictRoom::kQuestionsMax, count)};
  }
  if (validate.wait_ms() > VerdictRoom::kWaitMsMax) {
    return Refusal{RefusalCode::Invalid, fmt::format("a request may wait {} ms at most, not {}",
                                                     VerdictRoom::kWaitMsMax, validate.wait_ms())};
  }
  return std::nullopt;
}

std::optional<Refusal> Check(const wire::Decide& decide) {
  const auto invalid = [](std::string message) {
    return Refusal{RefusalCode::Invalid, std::move(message)};
  };
  if (decide.key()->size() != sizeof(VerdictKey)) {
    return invalid(fmt::format("a key has {} bytes, and this one {}", sizeof(VerdictKey),
                               decide.key()->size()));
  }
  if (decide.token() == nullptr) return invalid("a decision needs the token of who decides");
  if (decide.verdict() < wire::Verdict::Allow || decide.verdict() > wire::Verdict::Ask) {
    return invalid("a decision's verdict is allow, deny or ask");
  }
  const std::string_view reason = TextOf(decide.reason());
  if (reason.size() > kVerdictReasonMax || !IsPlainUtf8(reason)) {
    return invalid(fmt::format("a reason has at most {} bytes of UTF-8 without control characters",
                               kVerdictReasonMax));
  }
  if (decide.ttl_ms() > VerdictRoom::kTtlMsMax) {
    return invalid(fmt::format("a verdict holds for {} ms at most, or with 0 for ever",
                               VerdictRoom::kTtlMsMax));
  }
  return std::nullopt;
}

QuestionAnswer Answered(const VerdictKey& key, const KnownVerdict& known, bool cached) {
  QuestionAnswer answer;
  answer.verdict = known.verdict;
  answer.key = key;
  answer.reason = known.reason;
  answer.by = known.by;
  answer.decided_ns = known.decided_ns;
  answer.sequence = known.sequence;
  answer.cached = cached;
  return answer;
}

QuestionAnswer Undecided(const VerdictKey& key, std::string_view reason) {
  QuestionAnswer answer;
  answer.key = key;
  answer.reason = reason;
  return answer;
}

void Set(QuestionSlot* slot, QuestionAnswer answer, uint64_t expires_ns = UINT64_MAX) {
  slot->is_answered = true;
  slot->answer = std::move(answer);
  slot->expires_ns = expires_ns;
}

bool IsOfRule(const QuestionSlot& slot) {
  return slot.is_answered && slot.answer.by == kPolicyAgent;
}

// Nothing that was answered under the old policy is answered still.
void Void(QuestionSlot* slot) {
  if (!slot->answer.error.empty()) return;
  Set(slot, Undecided(slot->is_answered ? slot->answer.key : slot->id.key, kPolicyChanged));
}

}  // namespace

VerdictRoom::VerdictRoom(const Parts& parts, std::shared_ptr<const Policy> policy)
    : parts_(parts), policy_(std::move(policy)) {}

// ---- requests ----

TryOutcome VerdictRoom::Try(const Asked& asked, const wire::Request& request) {
  if (request.body_type() == RequestBody::Decide) {
    return TryDecide(asked, *request.body_as_Decide());
  }
  return TryValidate(asked, *request.body_as_Validate());
}

TryOutcome VerdictRoom::TryValidate(const Asked& asked, const wire::Validate& validate) {
  if (const auto refusal = Check(validate)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  Cancel(asked.session, asked.number);  // one of this number that waits is asked again
  const Wish wish{validate.wait_ms(), validate.only_known()};
  if (!IsSmall(validate)) {
    Post(asked, validate, wish);
    return TryOutcome::kDone;
  }
  std::vector<Examination> questions;
  for (const wire::Question* question : *validate.questions()) {
    questions.push_back(Identify(TextOf(question->kind()), InputOf(*question)));
  }
  return Settle(asked, questions, wish);
}

bool VerdictRoom::IsSmall(const wire::Validate& validate) const {
  uint64_t bytes = 0;
  uint64_t steps = 0;
  for (const wire::Question* question : *validate.questions()) {
    bytes += question->input()->size();
    const std::string_view kind = TextOf(question->kind());
    if (bytes > kInlineBytesMax || kind.size() > kQuestionKindBytesMax) return false;
    const uint64_t more = policy_->StepsMax(kind, question->input()->size());
    if (more > kInlineStepsMax - steps) return false;
    steps += more;
  }
  return true;
}

void VerdictRoom::Post(const Asked& asked, const wire::Validate& validate, const Wish& wish) {
  auto job = std::make_unique<ExaminationJob>();
  job->id = next_job_++;
  job->session = asked.session.number;
  job->uid = asked.session.uid;
  job->policy = policy_;
  for (const wire::Question* question : *validate.questions()) {
    job->questions.push_back(
        {std::string(TextOf(question->kind())), std::string(InputOf(*question))});
  }
  const uint64_t id = job->id;
  const Examiner::Posted posted = parts_.examiner->Post(std::move(job));
  if (posted != Examiner::Posted::kTaken) return RefuseBusy(asked, posted);
  examined_.insert({id, {&asked.peer, &asked.session, asked.number, asked.received_ns, wish}});
}

void VerdictRoom::RefuseBusy(const Asked& asked, Examiner::Posted posted) {
  std::string message =
      "too many large questions are being examined at this moment; ask again in a moment";
  if (posted == Examiner::Posted::kTooMuchOfSession) {
    message = fmt::format(
        "{} requests of this session with large questions are being examined, which is the limit; "
        "wait for an answer to one, then ask again",
        Examiner::kJobsPerSessionMax);
  } else if (posted == Examiner::Posted::kTooMuchOfUser) {
    message = fmt::format(
        "{} requests with questions, or {} MiB of large ones, of this user are being examined, "
        "which is the limit; wait for answers to those, then ask again",
        Examiner::kJobsPerUserMax, Examiner::kBytesPerUserMax >> 20);
  }
  parts_.changes->Refuse(asked, {RefusalCode::Busy, std::move(message)});
}

void VerdictRoom::OnExamined() {
  for (std::unique_ptr<ExaminationJob>& job : parts_.examiner->TakeDone()) {
    const auto found = examined_.find(job->id);
    if (found == examined_.end()) continue;  // cancelled, or its session has ended
    const Examined request = found->second;
    if (job->policy == policy_) {
      examined_.erase(found);
      Resume(request, std::move(job));
      continue;
    }
    // Examined with a policy that is not in force any more.
    job->policy = policy_;
    const Examiner::Posted posted = parts_.examiner->Post(std::move(job));
    if (posted == Examiner::Posted::kTaken) continue;
    examined_.erase(found);
    RefuseBusy({*request.peer, *request.session, request.number, request.received_ns}, posted);
  }
}

void VerdictRoom::Resume(const Examined& request, std::unique_ptr<ExaminationJob> job) {
  const Asked asked{*request.peer, *request.session, request.number, request.received_ns};
  for (int attempt = 0; attempt < kSettleAttemptsMax; ++attempt) {
    if (Settle(asked, job->done, request.wish) == TryOutcome::kDone) return;
    parts_.turn->Finish();
  }
  parts_.changes->Refuse(asked,
                         {RefusalCode::Busy, "the journal has no room at the moment; try again"});
}

// ---- answering ----

TryOutcome VerdictRoom::Settle(const Asked& asked, std::span<Examination> questions,
                               const Wish& wish) {
  std::vector<QuestionSlot> slots(questions.size());
  for (size_t i = 0; i < questions.size(); ++i) {
    switch (SettleOne(asked, questions[i], wish, &slots[i])) {
      case Step::kGoOn:
        break;
      case Step::kTurnFull:
        return TryOutcome::kTurnFull;
      case Step::kRefused:
        break;  // told in its slot
    }
  }
  // Beside answers it is said of each question; where there is none the request is refused.
  if (std::ranges::all_of(slots, [](const auto& slot) { return slot.refused.has_value(); })) {
    parts_.changes->Refuse(asked, *slots.front().refused);
    return TryOutcome::kDone;
  }
  const auto is_open = [](const QuestionSlot& slot) { return !slot.is_answered; };
  const auto is_mine = [&](const QuestionSlot& slot) {
    const OpenQuestion* open = slot.is_answered ? nullptr : parts_.table->FindOpen(slot.id);
    return open != nullptr && open->is_assigned && open->session == asked.session.number;
  };
  const bool waits = wish.wait_ms > 0 && std::any_of(slots.begin(), slots.end(), is_open) &&
                     std::none_of(slots.begin(), slots.end(), is_mine);
  if (waits) {
    Wait(asked, std::move(slots), wish.wait_ms);
  } else {
    Conclude(asked, slots, kNotDecidedYet);
  }
  return TryOutcome::kDone;
}

VerdictRoom::Step VerdictRoom::SettleOne(const Asked& asked, Examination& question,
                                         const Wish& wish, QuestionSlot* slot) {
  if (!question.error.empty()) {
    QuestionAnswer wrong;
    wrong.error = question.error;
    Set(slot, std::move(wrong));
    return Step::kGoOn;
  }
  const uint64_t now_ns = parts_.now_ns();
  const QuestionId ruled{question.key, policy_->version(), kAnyUid};
  if (const KnownVerdict* known = parts_.table->FindVerdict(ruled, now_ns)) {
    Set(slot, Answered(question.key, *known, /*cached=*/true), known->expires_ns);
    return Step::kGoOn;
  }
  if (!question.has_ruling) {
    question.ruling = policy_->Evaluate(question.kind, question.canonical, EvaluationBudget());
    question.has_ruling = true;
  }
  if (question.ruling.outcome != Ruling::Outcome::kNoRule) return ApplyRule(asked, question, slot);

  slot->id = {question.key, policy_->version(), asked.session.uid};
  if (const KnownVerdict* known = parts_.table->FindVerdict(slot->id, now_ns)) {
    Set(slot, Answered(question.key, *known, /*cached=*/true), known->expires_ns);
    return Step::kGoOn;
  }
  if (!policy_->AgentsMayDecide(question.kind)) {
    Set(slot, Undecided(question.key,
                        "no rule of the policy answers it, and agents may not decide questions of "
                        "this kind"));
    return Step::kGoOn;
  }
  if (wish.only_known) {
    Set(slot, Undecided(question.key, "neither a rule nor a decision answers it"));
    return Step::kGoOn;
  }
  return AskAgents(asked, question, slot);
}

VerdictRoom::Step VerdictRoom::ApplyRule(const Asked& asked, const Examination& question,
                                         QuestionSlot* slot) {
  const Rule& rule = *question.ruling.rule;
  QuestionAnswer answer;
  answer.key = question.key;
  answer.by = kPolicyAgent;
  if (question.ruling.outcome == Ruling::Outcome::kRanOut) {
    answer.verdict = wire::Verdict::Ask;
    answer.reason = fmt::format(
        "there was no time to try rule '{}' of the policy on this input; a person has to be asked",
        rule.name);
    Set(slot, std::move(answer));
    return Step::kGoOn;
  }
  QuestionEvent event;
  event.type = Type::kRuled;
  event.key = question.key;
  event.kind = question.kind;
  event.policy = policy_->version();
  event.uid = kAnyUid;
  event.verdict = rule.verdict;
  event.reason = rule.reason;
  event.ttl_ms = rule.ttl_ms;
  const QuestionId id{event.key, event.policy, event.uid};
  Refusal why;
  const Step step = Write(asked, std::move(event), &why, {}, rule.name);
  if (step == Step::kTurnFull) return step;
  if (step == Step::kRefused) {
    // A rule holds also while nothing can be written down.
    answer.verdict = rule.verdict;
    answer.reason = rule.reason;
    answer.decided_ns = WallNs();
    Set(slot, std::move(answer));
    return Step::kGoOn;
  }
  parts_.publisher->Note(id);
  const auto& known = parts_.table->verdicts().at(id);
  Set(slot, Answered(question.key, known, /*cached=*/false), known.expires_ns);
  return Step::kGoOn;
}

VerdictRoom::Step VerdictRoom::AskAgents(const Asked& asked, const Examination& question,
                                         QuestionSlot* slot) {
  const OpenQuestion* open = parts_.table->FindOpen(slot->id);
  if (open != nullptr && open->is_assigned) return Step::kGoOn;
  if (!parts_.table->HasRoomFor(asked.session.number)) {
    Set(slot, Undecided(question.key,
                        "too many questions are open; decide some of yours, or ask again later"));
    return Step::kGoOn;
  }
  QuestionEvent event;
  event.key = question.key;
  std::string_view input;
  if (open != nullptr) {
    event.type = Type::kReassigned;
    event.question = open->sequence;
  } else {
    event.type = Type::kAsked;
    event.kind = question.kind;
    event.policy = policy_->version();
    event.uid = asked.session.uid;
    input = question.canonical;
  }
  Refusal why;
  const Step step = Write(asked, std::move(event), &why, input);
  if (step != Step::kRefused) return step;
  Set(slot, Undecided(question.key, why.message));
  slot->refused = std::move(why);
  return step;
}

VerdictRoom::Step VerdictRoom::Write(const Asked& asked, QuestionEvent event, Refusal* why,
                                     std::string_view input, std::string_view rule) {
  const std::string data = EncodeQuestionEvent(event, input, rule);
  BatchPlace place;
  const Change change{QuestionEventStream(event.type), QuestionEventType(event.type), data};
  switch (parts_.changes->TryStage(asked, std::span(&change, 1), &place, why)) {
    case ChangeWriter::Outcome::kStaged:
      break;
    case ChangeWriter::Outcome::kTurnFull:
      return Step::kTurnFull;
    case ChangeWriter::Outcome::kRefused:
      return Step::kRefused;
  }
  event.sequence = place.first;
  event.revision = place.revision;
  event.session = asked.session.number;
  event.time_ns = place.time_ns;
  event.agent = asked.session.agent;
  parts_.table->Apply(event, parts_.now_ns(), parts_.changes->undo());
  return Step::kGoOn;
}

void VerdictRoom::Wait(const Asked& asked, std::vector<QuestionSlot> slots, uint32_t wait_ms) {
  if (const auto refusal = parts_.waiting->Spend(asked.session)) {
    parts_.changes->Refuse(asked, *refusal);
    return;
  }
  std::vector<std::byte> unwritten = Unwritten(asked, slots);
  parts_.changes->Answer(asked, replies_.Queued(asked.number), std::move(unwritten));
  WaitingRequest request;
  request.peer = &asked.peer;
  request.session = &asked.session;
  request.number = asked.number;
  request.received_ns = asked.received_ns;
  request.deadline_ns = parts_.now_ns() + wait_ms * kNsPerMs;
  for (const QuestionSlot& slot : slots) {
    if (!slot.is_answered) request.open.insert(slot.id);
  }
  request.slots = std::move(slots);
  waiting_.Add(std::move(request));
  // Should the commit fail, Queued becomes a refusal or an answer.
  if (UndoLog& undo = *parts_.changes->undo(); !undo.empty()) {
    Session* const session = &asked.session;
    undo.Add([this, session, number = asked.number] { Cancel(*session, number); });
  }
}

QuestionAnswer VerdictRoom::AnswerFor(const Session& session, const QuestionSlot& slot,
                                      std::string_view otherwise) const {
  const uint64_t now_ns = parts_.now_ns();
  if (slot.is_answered && now_ns >= slot.expires_ns) return Undecided(slot.answer.key, kHasEnded);
  if (slot.is_answered) return slot.answer;
  if (const KnownVerdict* known = parts_.table->FindVerdict(slot.id, now_ns)) {
    return Answered(slot.id.key, *known, /*cached=*/false);
  }
  const OpenQuestion* open = parts_.table->FindOpen(slot.id);
  if (open == nullptr || !open->is_assigned || open->session != session.number) {
    return Undecided(slot.id.key, otherwise);
  }
  QuestionAnswer answer = Undecided(
      slot.id.key, "nobody has decided it: find it out, then decide with this key and token");
  answer.you_decide = true;
  answer.token = open->token;
  return answer;
}

void VerdictRoom::Conclude(const Asked& asked, std::span<const QuestionSlot> slots,
                           std::string_view otherwise) {
  std::vector<QuestionAnswer> answers;
  for (const QuestionSlot& slot : slots) {
    answers.push_back(AnswerFor(asked.session, slot, otherwise));
  }
  std::vector<std::byte> unwritten = Unwritten(asked, slots);
  parts_.changes->Answer(asked, replies_.Validated(asked.number, answers), std::move(unwritten));
}

bool VerdictRoom::HoldsUnwritten(const QuestionSlot& slot) const {
  if (IsOfRule(slot)) return true;
  return slot.is_answered && slot.answer.sequence != 0 &&
         parts_.changes->IsCommitted(slot.answer.sequence);
}

std::vector<std::byte> VerdictRoom::Unwritten(const Asked& asked,
                                              std::span<const QuestionSlot> slots) {
  const auto holds = [this](const QuestionSlot& slot) { return HoldsUnwritten(slot); };
  if (parts_.changes->undo()->empty() || std::ranges::none_of(slots, holds)) return {};
  std::vector<QuestionAnswer> answers;
  for (const QuestionSlot& slot : slots) {
    if (IsOfRule(slot)) {
      answers.push_back(slot.answer);
      answers.back().sequence = 0;
    } else if (!slot.answer.error.empty() || holds(slot)) {
      answers.push_back(slot.answer);
    } else {
      // A decision may be one of those that were not written down.
      answers.push_back(Undecided(slot.is_answered ? slot.answer.key : slot.id.key, kNotWritten));
    }
  }
  const Bytes reply = replies_.Validated(asked.number, answers);
  return {reply.begin(), reply.end()};
}

// ---- deciding ----

bool VerdictRoom::MayDecide(const Session& session, const OpenQuestion& open,
                            const wire::ItemToken& token) const {
  if (open.session == session.number && open.token == token.lease() && token.index() == 0) {
    return true;  // also when its time is over, as long as nobody else was told to
  }
  if (parts_.taken == nullptr) return false;
  const auto revision = parts_.taken->RevisionOf(session, kQuestionsStream, token);
  return revision.has_value() && (*revision == open.revision || *revision == open.last_revision);
}

TryOutcome VerdictRoom::TryDecide(const Asked& asked, const wire::Decide& decide) {
  if (const auto refusal = Check(decide)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  QuestionId id{{}, policy_->version(), asked.session.uid};
  std::copy(decide.key()->begin(), decide.key()->end(), id.key.begin());
  const OpenQuestion* open = parts_.table->FindOpen(id);
  if (open == nullptr || !MayDecide(asked.session, *open, *decide.token())) {
    const KnownVerdict* known = parts_.table->FindVerdict(id, parts_.now_ns());
    std::string reason =
        "no such question is open for this user under the policy in force; ask it again";
    if (known != nullptr) reason = fmt::format("{} has decided it already", known->by);
    if (open != nullptr) {
      reason =
          "this token is not, or not any more, for deciding it; ask it again to see how it stands";
    }
    parts_.changes->Answer(
        asked,
        replies_.Decided(asked.number, false,
                         known == nullptr ? wire::Verdict::Undecided : known->verdict, reason));
    return TryOutcome::kDone;
  }
  QuestionEvent event;
  event.type = Type::kDecided;
  event.key = id.key;
  event.kind = open->kind;
  event.policy = id.policy;
  event.uid = id.uid;
  event.question = open->sequence;
  event.verdict = decide.verdict();
  event.reason = TextOf(decide.reason());
  event.ttl_ms = decide.ttl_ms();
  Refusal why;
  switch (Write(asked, std::move(event), &why)) {
    case Step::kGoOn:
      break;
    case Step::kTurnFull:
      return TryOutcome::kTurnFull;
    case Step::kRefused:
      parts_.changes->Refuse(asked, why);
      return TryOutcome::kDone;
  }
  parts_.publisher->Note(id);
  changed_.insert(id);
  KeptAnswer answer;
  answer.kind = KeptAnswer::Kind::kDecided;
  answer.first = answer.last = parts_.table->verdicts().at(id).sequence;
  answer.count = static_cast<uint32_t>(decide.verdict());
  parts_.changes->AnswerStaged(asked, std::move(answer));
  return TryOutcome::kDone;
}

Bytes VerdictRoom::ReplyTo(const KeptAnswer& answer) {
  return replies_.Decided(answer.number, true, static_cast<wire::Verdict>(answer.count), {});
}

// ---- what happens by itself ----

void VerdictRoom::OnStarted(uint64_t now_ns) {
  parts_.table->SetPolicy(policy_->version());
  parts_.table->RestartTimes(now_ns, WallNs());
  for (const auto& [id, open] : parts_.table->open()) {
    const Session* session = parts_.sessions->Find(open.session);
    const bool may_come_back = session != nullptr && session->state != Session::State::kEnded;
    if (open.is_assigned && !may_come_back) freed_.insert(id);
  }
  parts_.publisher->SetPolicy(policy_->version());
  parts_.publisher->NoteAll();
}

void VerdictRoom::SetPolicy(std::shared_ptr<const Policy> policy) {
  // The same again voids nothing: what it has answered stands, and who waits for an answer goes on waiting.
  if (policy->version() == policy_->version()) return;
  if (!parts_.changes->undo()->empty()) parts_.turn->Finish();
  policy_ = std::move(policy);
  parts_.table->SetPolicy(policy_->version());
  parts_.publisher->SetPolicy(policy_->version());
  parts_.publisher->NoteAll();
  for (auto place = waiting_.First(); waiting_.Has(place); place = waiting_.First()) {
    WaitingRequest request = TakeWaiting(place);
    for (QuestionSlot& slot : request.slots) Void(&slot);
    Conclude(request.asked(), request.slots, kPolicyChanged);
  }
}

void VerdictRoom::OnSessionEnded(Session& session, std::string_view /*reason*/) {
  DropWaiting(session);
  for (const QuestionId& id : parts_.table->DecidedBy(session.number)) {
    parts_.table->StopLease(id);
    freed_.insert(id);
  }
}

void VerdictRoom::DropWaiting(Session& session) {
  for (auto place = waiting_.FirstOf(session); waiting_.Has(place);
       place = waiting_.FirstOf(session)) {
    TakeWaiting(place);
  }
  std::erase_if(examined_, [&](const auto& entry) { return entry.second.session == &session; });
}

void VerdictRoom::Cancel(Session& session, uint64_t number) {
  if (const auto place = waiting_.Find(session, number); waiting_.Has(place)) TakeWaiting(place);
  std::erase_if(examined_, [&](const auto& entry) {
    return entry.second.session == &session && entry.second.number == number;
  });
}

WaitingRequest VerdictRoom::TakeWaiting(WaitingQuestions::Place place) {
  parts_.waiting->GiveBack(*place->session);
  return waiting_.Take(place);
}

uint64_t VerdictRoom::NextTimerNs() const {
  if (!freed_.empty()) return 0;  // the turn was full
  return std::min(waiting_.NextDeadlineNs(), parts_.table->NextLeaseEndNs());
}

void VerdictRoom::OnTimer(uint64_t now_ns) {
  while (const auto id = parts_.table->FirstLate(now_ns)) {
    parts_.table->StopLease(*id);
    freed_.insert(*id);
  }
  for (auto place = waiting_.FirstLate(now_ns); waiting_.Has(place);
       place = waiting_.FirstLate(now_ns)) {
    const WaitingRequest request = TakeWaiting(place);
    Conclude(request.asked(), request.slots, kTimeOver);
  }
}

void VerdictRoom::ServeWaiting() {
  parts_.publisher->Publish(parts_.now_ns());
  for (const QuestionId& id : std::exchange(changed_, {})) {
    if (parts_.table->FindOpen(id) != nullptr) continue;  // its decision was taken back
    for (auto place = waiting_.FirstFor(id); waiting_.Has(place); place = waiting_.FirstFor(id)) {
      waiting_.StopWaiting(place, id);
      if (!place->open.empty()) continue;
      const WaitingRequest request = TakeWaiting(place);
      Conclude(request.asked(), request.slots, kNotDecidedYet);
    }
  }
  while (!freed_.empty() && HandOver(*freed_.begin())) {
  }
}

bool VerdictRoom::HandOver(const QuestionId& freed) {
  const QuestionId id = freed;
  const OpenQuestion* open = parts_.table->FindOpen(id);
  if (open == nullptr || !open->is_assigned) {
    freed_.erase(id);
    return true;
  }
  QuestionEvent event;
  event.key = id.key;
  event.question = open->sequence;
  for (auto place = waiting_.FirstFor(id); waiting_.Has(place); place = waiting_.FirstFor(id)) {
    event.type = Type::kReassigned;
    Refusal why;
    const Step step = Write(place->asked(), event, &why);
    if (step == Step::kTurnFull) return false;
    const WaitingRequest request = TakeWaiting(place);
    if (step == Step::kRefused) {
      parts_.changes->Refuse(request.asked(), why);
      continue;
    }
    parts_.changes->undo()->Add([this, id] { freed_.insert(id); });
    Conclude(request.asked(), request.slots, kNotDecidedYet);
    freed_.erase(id);
    return true;
  }
  event.type = Type::kAbandoned;
  event.reason = "whoever was to decide it has left, or took too long";
  parts_.changes->Add(QuestionEventStream(event.type), QuestionEventType(event.type),
                      EncodeQuestionEvent(event), open->session);
  parts_.table->Apply(event, parts_.now_ns(), nullptr);
  freed_.erase(id);
  return true;
}

}  // namespace roost
