// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/probation.hpp"

#include <gtest/gtest.h>

namespace vcity::scheduler {
namespace {

constexpr UnixMillis kNow{1'000'000};
constexpr UnixMillis kDay{24ULL * 3'600 * 1'000};

TEST(Probation, ANodeThatMissedNothingIsAuditedByLotteryAlone) {
    const Probation probation;

    EXPECT_FALSE(probation.audits_all());
    EXPECT_FALSE(probation.is_suspended(kNow));
}

TEST(Probation, OneMissHasEveryResultAudited) {
    Probation probation;

    note_missed(&probation, AuditRates{}, kNow);

    EXPECT_TRUE(probation.audits_all());
    EXPECT_FALSE(probation.is_suspended(kNow));
}

TEST(Probation, TheThirdMissSuspendsForADayAndEachOneAfterwardsAgain) {
    Probation probation;
    for (int count = 0; count < 3; ++count) note_missed(&probation, AuditRates{}, kNow);

    EXPECT_TRUE(probation.is_suspended(kNow));
    EXPECT_TRUE(probation.is_suspended(kNow + kDay - UnixMillis{1}));
    EXPECT_FALSE(probation.is_suspended(kNow + kDay));
    EXPECT_TRUE(probation.audits_all());

    note_missed(&probation, AuditRates{}, kNow + kDay);

    EXPECT_TRUE(probation.is_suspended(kNow + kDay));
}

TEST(Probation, AMissIsPaidBackByAHundredAuditsOfTheLottery) {
    const AuditRates rates;  // 10 of 1000 audited, 10 of 1000 misses forgiven
    Probation probation;
    note_missed(&probation, rates, kNow);

    for (int count = 0; count < 9'999; ++count) note_accepted(&probation, rates, rates.per_mille);
    EXPECT_TRUE(probation.audits_all());
    note_accepted(&probation, rates, rates.per_mille);

    EXPECT_FALSE(probation.audits_all());
}

TEST(Probation, AnAuditOfAllPaysBackInAHundredResults) {
    const AuditRates rates;
    Probation probation;
    note_missed(&probation, rates, kNow);

    for (int count = 0; count < 100; ++count) note_accepted(&probation, rates, 1'000);

    EXPECT_FALSE(probation.audits_all());
    note_accepted(&probation, rates, 1'000);
    EXPECT_EQ(probation, Probation{});
}

TEST(Probation, ComesBackFromItsBytes) {
    Probation probation;
    for (int count = 0; count < 4; ++count) note_missed(&probation, AuditRates{}, kNow);

    const auto read = parse_probation(encode(probation));

    ASSERT_TRUE(read);
    EXPECT_EQ(*read, probation);
}

TEST(Probation, RefusesBytesThatAreCutOff) {
    Bytes bytes = encode(Probation{});
    bytes.pop_back();

    EXPECT_FALSE(parse_probation(bytes));
    EXPECT_FALSE(parse_probation({}));
}

}  // namespace
}  // namespace vcity::scheduler
