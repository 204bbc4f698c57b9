#include "broker/session_table.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <string>
#include <vector>

namespace roost {
namespace {

constexpr std::array<uint8_t, 32> kKey = {1, 2, 3};
constexpr uint64_t kEpoch = 5;

class SessionTableTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_GE(sodium_init(), 0); }

  static Bytes AsSecret(const SessionSecret& secret) { return std::as_bytes(std::span(secret)); }

  SessionTable sessions_{kKey.data(), kEpoch};
};

TEST_F(SessionTableTest, FindsASessionByItsSecret) {
  Session& session = sessions_.Add(12);
  EXPECT_EQ(sessions_.FindWithSecret(12, 7, AsSecret(sessions_.SecretOf(12, 7))), &session);
}

TEST_F(SessionTableTest, RefusesTheSecretOfAnotherSessionUidOrEpoch) {
  sessions_.Add(12);
  const SessionTable later(kKey.data(), kEpoch + 1);
  std::array<uint8_t, 32> other_key = kKey;
  other_key[31] = 1;
  const SessionTable other(other_key.data(), kEpoch);
  for (const SessionSecret& secret :
       {sessions_.SecretOf(13, 7), sessions_.SecretOf(12, 8), later.SecretOf(12, 7),
        other.SecretOf(12, 7), SessionSecret{}}) {
    EXPECT_EQ(sessions_.FindWithSecret(12, 7, AsSecret(secret)), nullptr);
  }
}

TEST_F(SessionTableTest, RefusesSecretsOfAnotherLength) {
  sessions_.Add(12);
  const SessionSecret secret = sessions_.SecretOf(12, 7);
  EXPECT_EQ(sessions_.FindWithSecret(12, 7, AsSecret(secret).first(31)), nullptr);
  EXPECT_EQ(sessions_.FindWithSecret(12, 7, {}), nullptr);
}

TEST_F(SessionTableTest, KeepsAnEndedSessionForTenMinutes) {
  sessions_.End(sessions_.Add(12), 1000);
  EXPECT_EQ(sessions_.attached(), 0u);
  EXPECT_EQ(sessions_.NextExpiryNs(), 1000 + SessionTable::kEndedNsMax);
  sessions_.Expire(999 + SessionTable::kEndedNsMax);
  EXPECT_NE(sessions_.Find(12), nullptr);
  sessions_.Expire(1000 + SessionTable::kEndedNsMax);
  EXPECT_EQ(sessions_.Find(12), nullptr);
  EXPECT_EQ(sessions_.NextExpiryNs(), UINT64_MAX);
}

TEST_F(SessionTableTest, DoesNotExpireASessionThatCameBack) {
  Session& session = sessions_.Add(12);
  sessions_.End(session, 1000);
  sessions_.Attach(session);
  EXPECT_EQ(sessions_.attached(), 1u);
  sessions_.Expire(UINT64_MAX - 1);
  EXPECT_EQ(sessions_.Find(12), &session);
}

TEST_F(SessionTableTest, KeepsTheNewestEndedSessionsWhenThereAreTooMany) {
  for (uint64_t number = 1; number <= SessionTable::kEndedMax + 1; ++number) {
    sessions_.End(sessions_.Add(number), number);
  }
  EXPECT_EQ(sessions_.ended(), SessionTable::kEndedMax);
  EXPECT_EQ(sessions_.Find(1), nullptr);
  EXPECT_NE(sessions_.Find(2), nullptr);
}

TEST_F(SessionTableTest, CountsSessionsThatAreAway) {
  Session& session = sessions_.Add(12);
  sessions_.SetAway(session);
  EXPECT_EQ(sessions_.attached(), 0u);
  EXPECT_EQ(sessions_.away(), 1u);
  EXPECT_EQ(sessions_.Away(), std::vector<Session*>{&session});
  sessions_.Attach(session);
  EXPECT_EQ(sessions_.away(), 0u);
  EXPECT_EQ(sessions_.attached(), 1u);
}

TEST_F(SessionTableTest, ForgetsAnUnloggedSessionAtOnce) {
  const uint64_t number = sessions_.NextUnlogged();
  EXPECT_NE(number, sessions_.NextUnlogged());
  Session& session = sessions_.Add(number);
  EXPECT_TRUE(IsUnlogged(session));
  sessions_.End(session, 1000);
  EXPECT_EQ(sessions_.Find(number), nullptr);
  EXPECT_EQ(sessions_.ended(), 0u);
}

TEST_F(SessionTableTest, ListsInTheOrderOfNumbers) {
  for (const uint64_t number : {30, 10, 20}) sessions_.Add(number);
  EXPECT_EQ(sessions_.FindAfter(0)->number, 10u);
  EXPECT_EQ(sessions_.FindAfter(10)->number, 20u);
  EXPECT_EQ(sessions_.FindAfter(30), nullptr);
}

TEST(UntoldEndsTest, KeepsTheNewestAndTheirKeysAsFarAsTheirMemoryGoes) {
  UntoldEnds ends;
  const std::vector<std::string> keys(16, "k");
  for (uint64_t token = 1; token <= UntoldEnds::kMax + 2; ++token) {
    ends.Add({token, keys, "expired"});
  }
  const std::vector<UntoldEnd> taken = ends.Take();
  ASSERT_EQ(taken.size(), UntoldEnds::kMax);
  EXPECT_EQ(taken.front().token, 3u);
  EXPECT_EQ(taken.back().keys, keys);
  size_t bytes = 0;
  for (const UntoldEnd& end : taken) bytes += end.keys.capacity() * sizeof(std::string);
  EXPECT_LE(bytes, UntoldEnds::kKeyBytesMax);
  ends.Add({99, std::vector<std::string>(64, std::string(255, 'k')), "expired"});
  ends.Add({100, {"k"}, "expired"});
  const std::vector<UntoldEnd> again = ends.Take();
  ASSERT_EQ(again.size(), 2u);
  EXPECT_TRUE(again[0].keys.empty());
  EXPECT_EQ(again[1].keys.size(), 1u);
}

}  // namespace
}  // namespace roost
