// What agents may write into names, labels and data, shown to people by every command that shows any of it: no
// character that a terminal obeys, that hides or that reorders comes through, in no line and no message.
#include <stdlib.h>

#include <array>
#include <chrono>

#include "base/utf8.h"
#include "roost/client.h"
#include "tests/tools/cli_fixture.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

// The broker takes these in names; control characters it takes in data alone.
const std::string kHidden = "\u202e\u2066\u200b\u200f\ufeff\U000e0041";
const std::string kControls = "\x1b[2J\x07\u009b\x7f\r";
constexpr std::array<const char*, 7> kObeyed = {"\u202e", "\u2066", "\u200b",    "\u200f",
                                                "\ufeff", "\u009b", "\U000e0041"};

class HostileTextTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    client_ = std::make_unique<Client>(ClientOptions{.socket = broker_.socket(),
                                                     .agent = "me" + kHidden,
                                                     .program = "it/1" + kHidden,
                                                     .timeout = milliseconds(60'000)});
    NewEvent event{.stream = "s" + kHidden, .type = "t" + kHidden};
    event.correlation_id = "c" + kHidden;
    event.causation_id = "d" + kHidden;
    event.content_type = "text/plain";
    const std::string data = "x" + kHidden + kControls;
    event.data = data;
    Expect(client_->Append(Batch{.events = {event}, .id = "i" + kHidden}));
    event.content_type = "image/" + kHidden;
    Expect(client_->Append(event));
    event.content_type = "application/json";
    const std::string json = "{\"" + kHidden + "\": \"\u009b" + kHidden + "\x7f\"}";
    event.data = json;
    Expect(client_->Append(event));
    Expect(client_->Claim({.keys = {"k" + kHidden}, .note = "n" + kHidden}));
    const auto taken = client_->Take({.stream = "s" + kHidden, .group = "g" + kHidden, .max = 3});
    ASSERT_TRUE(taken.ok()) << taken.status().message();
    std::vector<ItemToken> tokens;
    for (const TakenItem& item : taken->items) tokens.push_back(item.token);
    ASSERT_EQ(tokens.size(), 3u);
    Expect(client_->Settle(tokens, Outcome::kPark, "n" + kHidden));
  }
  template <typename T>
  static void Expect(const Result<T>& result) {
    ASSERT_TRUE(result.ok()) << result.status().message();
  }
  static void ExpectHarmless(const std::string& text, const std::string& what) {
    for (const std::string& line : LinesOf(text)) EXPECT_TRUE(IsPlainUtf8(line)) << what;
    for (const char* character : kObeyed) {
      EXPECT_EQ(text.find(character), std::string::npos) << what << ": " << Printable(text);
    }
  }
  // As people see it; `shows`: it has to be there at all.
  void ExpectHarmless(const std::vector<std::string>& arguments, bool shows = true) {
    const Finished finished = Roost(arguments);
    ExpectHarmless(finished.output, arguments[0]);
    ExpectHarmless(finished.errors, arguments[0]);
    if (!shows) return;
    EXPECT_NE((finished.output + finished.errors).find("\\u202e"), std::string::npos)
        << arguments[0] << ": " << finished.output << finished.errors;
  }

  std::unique_ptr<Client> client_;
};

TEST_F(HostileTextTest, IsShownByNoCommandAsItIs) {
  ExpectHarmless({"read"});
  ExpectHarmless({"read", "s*"});
  ExpectHarmless({"dump"});
  ExpectHarmless({"dump", "--hex"});
  ExpectHarmless({"streams"});
  ExpectHarmless({"agents"});
  ExpectHarmless({"claims"});
  ExpectHarmless({"groups"});
  ExpectHarmless({"parked", "s" + kHidden, "g" + kHidden});
  ExpectHarmless({"trace", "c" + kHidden});
  ExpectHarmless({"stat"}, false);
  ExpectHarmless({"health"}, false);
  ExpectHarmless({"validate", "kind" + kHidden, "{\"x\":\"" + kHidden + "\"}"}, false);
  ExpectHarmless({"append", "s" + kHidden, "t", "1"});
  ExpectHarmless({"append", "s" + kHidden, "t", "1", "--expect", "77"});
  ExpectHarmless({"claim", "k" + kHidden, "--no-wait"}, false);
  // What was typed wrong is said again.
  for (const std::string& wrong : {kHidden, kControls}) {
    ExpectHarmless({"append", "a" + wrong, "t", "{broken" + wrong}, false);
    ExpectHarmless({"append", "$a" + wrong, "t"}, false);
    ExpectHarmless({"read", "--since", "soon" + wrong}, false);
    ExpectHarmless({"trace", wrong}, false);
    ExpectHarmless({"decide", wrong, "allow"}, false);
    ExpectHarmless({"nothing" + wrong}, false);
    ExpectHarmless({"read", "--nothing" + wrong}, false);
    ExpectHarmless({"dump", "--data", "/nowhere" + wrong}, false);
    ExpectHarmless({"--socket", "/nowhere" + wrong, "stat"}, false);
  }
}

TEST_F(HostileTextTest, IsShownByNoCommandWithoutABroker) {
  client_.reset();
  broker_.Terminate();
  const std::string data = broker_.data();
  ExpectHarmless({"read", "--data", data});
  ExpectHarmless({"dump", "--data", data});
  ExpectHarmless({"streams", "--data", data});
  ExpectHarmless({"agents", "--data", data}, false);
  ExpectHarmless({"stat", "--data", data}, false);
  ExpectHarmless({"verify", "--data", data}, false);
  // A directory's own name is written by whoever made it.
  const std::string renamed = broker_.scratch() / ("d" + kHidden + kControls);
  std::filesystem::rename(data, renamed);
  WriteFile(renamed + "/00000000000000000077.segment", "nothing");
  ExpectHarmless({"verify", "--data", renamed});
  ExpectHarmless({"dump", "--data", renamed});
  ExpectHarmless({"compact", "--data", renamed}, false);
}

}  // namespace
}  // namespace roost
