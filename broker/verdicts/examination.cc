#include "broker/verdicts/examination.h"

#include "base/canonical_json.h"
#include "base/utf8.h"

namespace roost {

Examination Identify(std::string_view kind, std::string_view input) {
  Examination examination;
  if (const Status status = CheckQuestionKind(kind); !status.ok()) {
    examination.error = status.message();
    return examination;
  }
  Result<std::string> canonical = CanonicalJson(input);
  if (!canonical.ok()) {
    examination.error = "the input can't be judged: " + Printable(canonical.status().message());
    return examination;
  }
  examination.kind = kind;
  examination.canonical = *std::move(canonical);
  examination.key = CanonicalQuestionKey(examination.kind, examination.canonical);
  return examination;
}

Examination Examine(const Policy& policy, std::string_view kind, std::string_view input,
                    const EvaluationBudget& budget) {
  Examination examination = Identify(kind, input);
  if (!examination.error.empty()) return examination;
  examination.ruling = policy.Evaluate(examination.kind, examination.canonical, budget);
  examination.has_ruling = true;
  return examination;
}

}  // namespace roost
