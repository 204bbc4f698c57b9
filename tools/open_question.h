// Finds an open question by its key and takes it, as one of the group of people who decide by hand. One thread, one
// Client.
#ifndef ROOST_TOOLS_OPEN_QUESTION_H_
#define ROOST_TOOLS_OPEN_QUESTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "roost/client.h"

namespace roost {

class QuestionDesk {
 public:
  explicit QuestionDesk(Client* client) : client_(client) {}

  // The token to decide with. kNotFound: it was never asked; kBusy: another of the group has it.
  Result<ItemToken> Take(const VerdictKey& key);
  // Settles the question as done, and gives back the other open ones that were taken on the way to it.
  Status Finish(const ItemToken& token);

 private:
  Result<uint64_t> FindRevision(const VerdictKey& key);
  Result<ItemToken> TakeRevision(uint64_t revision);
  Status SortOut(const TakeResult& taken);

  Client* const client_;
  std::vector<ItemToken> returns_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_OPEN_QUESTION_H_
