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

// 10 of 1000 misses are forgiven. With 300 clean audits the lottery audits 10 of 1000.
TEST(Probation, AMissIsPaidBackByAHundredAuditsOfTheLottery) {
    const AuditRates rates;
    Probation probation;
    probation.record.clean = 300;
    note_missed(&probation, rates, kNow);

    for (int count = 0; count < 9'999; ++count) note_accepted(&probation, rates);
    EXPECT_TRUE(probation.audits_all());
    note_accepted(&probation, rates);

    EXPECT_FALSE(probation.audits_all());
}

TEST(Probation, AnAuditOfAllPaysBackInAHundredResults) {
    AuditRates rates;
    rates.per_mille = 1'000;
    Probation probation;
    note_missed(&probation, rates, kNow);

    for (int count = 0; count < 100; ++count) note_accepted(&probation, rates);

    EXPECT_FALSE(probation.audits_all());
    EXPECT_EQ(probation.record, (market::AuditRecord{.clean = 100, .missed = 1}));
}

TEST(Probation, TheLotteryIsThatOfTheEconomicsAndNeverBelowTheFloor) {
    AuditRates rates;
    Probation probation;
    EXPECT_EQ(probation.lottery_per_mille(rates), 100U);
    probation.record.clean = 300;
    EXPECT_EQ(probation.lottery_per_mille(rates), 10U);
    note_rejected(&probation, rates, kNow);
    EXPECT_GT(probation.lottery_per_mille(rates), 10U);
    EXPECT_TRUE(probation.audits_all());
    rates.per_mille = 500;
    EXPECT_EQ(probation.lottery_per_mille(rates), 500U);
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
