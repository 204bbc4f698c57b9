// Client's calls about claims, groups and verdicts.
#include <unistd.h>

#include <utility>

#include "client/client_impl.h"
#include "client/coordination_check.h"
#include "client/page_builder.h"
#include "client/verdict_lookup.h"
#include "ipc/question_key.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

// Events with revisions that follow one another.
struct Run {
  uint64_t first;
  uint64_t last;
};

std::vector<Run> RunsOf(const TakeResult& taken) {
  std::vector<Run> runs;
  for (const TakenItem& item : taken.items) {
    if (!runs.empty() && runs.back().last + 1 == item.revision) {
      runs.back().last = item.revision;
    } else {
      runs.push_back({item.revision, item.revision});
    }
  }
  return runs;
}

}  // namespace

Result<ClaimResult> Client::Claim(const ClaimRequest& request) {
  return impl_->Ask<Result<ClaimResult>>(request.wait, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Claim(request, deadline_ns, std::move(done));
  });
}

Result<bool> Client::Release(uint64_t token, std::string_view note) {
  return impl_->Ask<Result<bool>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Release(token, note, deadline_ns, std::move(done));
  });
}

std::vector<EndedLease> Client::TakeEndedLeases() {
  if (impl_->connection.ring() != nullptr) impl_->Look();
  return impl_->connection.TakeEndedLeases();
}

Result<TakeResult> Client::Take(const TakeRequest& request) {
  return impl_->Ask<Result<TakeResult>>(request.wait, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Take(request, deadline_ns, std::move(done));
  });
}

Status Client::ReadTaken(const std::string& stream, const TakeResult& taken, Page* page) {
  ROOST_RETURN_IF_ERROR(impl_->EnsureRing());
  PageBuilder::Clear(page);
  Page part;
  for (const Run& run : RunsOf(taken)) {
    ReadQuery query;
    query.filter.stream = stream;
    query.from_revision = run.first;
    while (query.from_revision <= run.last) {
      query.limit = static_cast<uint32_t>(run.last - query.from_revision + 1);
      ROOST_RETURN_IF_ERROR(impl_->Read(query, impl_->Deadline(), &part));
      for (size_t i = 0; i < part.size(); ++i) {
        query.from_revision = part[i].revision + 1;
        if (part[i].revision <= run.last) PageBuilder::AppendEvent(part, i, page);
      }
      PageBuilder::TakeMarks(part, page);
      if (!part.more()) break;
      query.after = part.next();
    }
  }
  return {};
}

Result<std::vector<bool>> Client::Settle(std::span<const ItemToken> tokens, Outcome outcome,
                                         std::string_view note) {
  return impl_->Ask<Result<std::vector<bool>>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Settle(tokens, outcome, note, deadline_ns, std::move(done));
  });
}

Result<ParkedPage> Client::ListParked(std::string_view stream, std::string_view group,
                                      uint64_t after, uint32_t limit) {
  return impl_->Ask<Result<ParkedPage>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.ListParked(stream, group, after, limit, deadline_ns, std::move(done));
  });
}

Result<uint64_t> Client::Unpark(std::string_view stream, std::string_view group,
                                std::span<const uint64_t> revisions, bool drop,
                                std::string_view note) {
  return impl_->Ask<Result<uint64_t>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Unpark(stream, group, revisions, drop, note, deadline_ns, std::move(done));
  });
}

Result<GroupRemoval> Client::RemoveGroup(std::string_view stream, std::string_view group,
                                         std::string_view note) {
  return impl_->Ask<Result<GroupRemoval>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.RemoveGroup(stream, group, note, deadline_ns, std::move(done));
  });
}

namespace {

// All answers from shared memory; nullopt: the broker has to be asked, and for all of them, since what is known now
// may not hold any more when the others are answered.
std::optional<std::vector<Answer>> LookUpAll(const RingReader& ring,
                                             std::span<const Question> questions) {
  std::vector<Answer> answers;
  const uint64_t now_ns = MonotonicNs();
  for (const Question& question : questions) {
    const Result<VerdictKey> key = QuestionKey(question.kind, question.input);
    // What is wrong with a question is the broker's to say, beside the answers to the others.
    if (!key.ok()) return std::nullopt;
    std::optional<Answer> known = LookUpVerdict(ring, *key, ::geteuid(), now_ns);
    if (!known.has_value()) return std::nullopt;
    answers.push_back(*std::move(known));
  }
  return answers;
}

}  // namespace

Result<std::vector<Answer>> Client::Validate(std::span<const Question> questions, milliseconds wait,
                                             Asking asking) {
  ROOST_RETURN_IF_ERROR(CheckQuestions(questions, wait));
  ROOST_RETURN_IF_ERROR(impl_->EnsureRing());
  // A broker that has gone takes nothing back any more: what it left behind does not count.
  if (impl_->connection.attached()) {
    const uint64_t began_ns = MonotonicNs();
    if (auto answers = LookUpAll(*impl_->connection.ring(), questions)) {
      impl_->Record(wire::ClientWork::Validate, began_ns);
      impl_->connection.own_work().CountCache(true);
      impl_->connection.NoteActivity();
      return *std::move(answers);
    }
  }
  impl_->connection.own_work().CountCache(false);
  return impl_->Ask<Result<std::vector<Answer>>>(wait, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Validate(questions, wait, deadline_ns, std::move(done), asking);
  });
}

Result<DecideResult> Client::Decide(const Decision& decision) {
  return impl_->Ask<Result<DecideResult>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.Decide(decision, deadline_ns, std::move(done));
  });
}

Result<std::vector<LeaseInfo>> Client::ListLeases(std::string_view prefix) {
  return impl_->Ask<Result<std::vector<LeaseInfo>>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.ListLeases(prefix, deadline_ns, std::move(done));
  });
}

Result<std::vector<GroupInfo>> Client::ListGroups(std::string_view prefix) {
  return impl_->Ask<Result<std::vector<GroupInfo>>>({}, [&](uint64_t deadline_ns, auto done) {
    impl_->connection.ListGroups(prefix, deadline_ns, std::move(done));
  });
}

}  // namespace roost
