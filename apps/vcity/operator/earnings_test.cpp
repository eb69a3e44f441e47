// SPDX-License-Identifier: Apache-2.0
#include "operator/earnings.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

using namespace std::chrono_literals;

constexpr UnixMillis kDay0{1'700'006'400'000};  // 2023-11-15 00:00 UTC

WorkRow row(std::string job, std::chrono::minutes from, std::chrono::minutes to, std::uint64_t micro) {
    WorkRow result;
    result.job = std::move(job);
    result.is_step = true;
    result.is_acknowledged = true;
    result.amount = Usd{micro};
    result.started = kDay0 + UnixMillis{from};
    result.finished = kDay0 + UnixMillis{to};
    return result;
}

EarningsTerms terms(EarningsBy by) {
    return {.by = by, .from = kDay0, .to = kDay0 + 48h, .fee_bps = 500, .power_watts = 500, .power_price_kwh = 0.4};
}

TEST(Earnings, AreSummedByDayWithFeeAndPower) {
    const EarningsReport report =
        sum_up({row("a", 0min, 60min, 1'000'000), row("b", 25h, 26h, 2'000'000)}, terms(EarningsBy::kDay));
    ASSERT_EQ(report.rows.size(), 2U);
    EXPECT_EQ(report.rows[0].key, "2023-11-15");
    EXPECT_EQ(report.rows[1].key, "2023-11-16");
    EXPECT_DOUBLE_EQ(report.rows[0].gross, 1.0);
    EXPECT_DOUBLE_EQ(report.rows[0].fee, 0.05);
    EXPECT_DOUBLE_EQ(report.rows[0].power, 0.2);
    EXPECT_DOUBLE_EQ(report.rows[0].net, 0.75);
    EXPECT_DOUBLE_EQ(report.total.gross, 3.0);
    EXPECT_DOUBLE_EQ(report.total.net, 3.0 - 0.15 - 0.4);
    EXPECT_DOUBLE_EQ(report.occupancy, 2.0 / 48);
}

TEST(Earnings, CountPowerOnceForWhatRanTogether) {
    const EarningsReport report =
        sum_up({row("a", 0min, 60min, 1'000'000), row("b", 30min, 60min, 1'000'000)}, terms(EarningsBy::kJob));
    EXPECT_DOUBLE_EQ(report.busy_hours, 1.0);
    EXPECT_DOUBLE_EQ(report.total.power, 0.2);
    ASSERT_EQ(report.rows.size(), 2U);
    EXPECT_DOUBLE_EQ(report.rows[0].power, 0.2 * 1.0 / 1.5);
    EXPECT_DOUBLE_EQ(report.rows[0].power + report.rows[1].power, 0.2);
}

TEST(Earnings, OfSeveralGpusAreShared) {
    WorkRow gang = row("a", 0min, 60min, 1'000'000);
    gang.unit = 2;
    gang.gpu_mask = 0b101;
    WorkRow call = row("b", 0min, 60min, 10);
    call.is_step = false;
    const EarningsReport report = sum_up({gang, call, row("c", 0min, 1min, 5)}, terms(EarningsBy::kGpu));
    ASSERT_EQ(report.rows.size(), 4U);
    EXPECT_EQ(report.rows[0].key, "model");
    EXPECT_EQ(report.rows[1].key, "unit 0 cpu");
    EXPECT_EQ(report.rows[2].key, "unit 2 gpu 0");
    EXPECT_EQ(report.rows[3].key, "unit 2 gpu 2");
    EXPECT_DOUBLE_EQ(report.rows[2].gross, 0.5);
    EXPECT_DOUBLE_EQ(report.rows[3].hours, 0.5);
}

TEST(Earnings, CountOnlyWhatFinishedInTheTimeAskedFor) {
    EarningsTerms narrow = terms(EarningsBy::kDay);
    narrow.from = kDay0 + 1h;
    narrow.to = kDay0 + 2h;
    const EarningsReport report =
        sum_up({row("before", 0min, 59min, 1), row("in", 0min, 60min, 2), row("after", 0min, 120min, 4)}, narrow);
    EXPECT_EQ(report.total.results, 1U);
    EXPECT_DOUBLE_EQ(report.total.gross, 2e-6);
}

TEST(Earnings, OfNothingAreZero) {
    const EarningsReport report = sum_up({}, terms(EarningsBy::kGpu));
    EXPECT_TRUE(report.rows.empty());
    EXPECT_DOUBLE_EQ(report.total.net, 0);
    EXPECT_EQ(to_csv(report, EarningsBy::kGpu),
              "gpu,results,waiting,hours,gross_usd,fee_usd,power_usd,net_usd,usd_an_hour\n");
}

TEST(Earnings, AreWrittenAsCsv) {
    WorkRow waiting = row("0xab", 0min, 60min, 1'000'000);
    waiting.is_acknowledged = false;
    const std::string text = to_csv(sum_up({waiting}, terms(EarningsBy::kJob)), EarningsBy::kJob);
    EXPECT_NE(text.find("\n0xab,1,1,1.000,1.000000,0.050000,0.200000,0.750000,1.000000\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace vcity::cli
