// SPDX-License-Identifier: Apache-2.0
#include "work/pricing.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace vcity::work {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

UnitAsk gpus(std::uint32_t count, std::uint32_t milli = 1000) {
    UnitAsk ask;
    ask.gpus = count;
    ask.gpu_milli = milli;
    return ask;
}

UnitAsk cores(std::uint32_t milli) {
    UnitAsk ask;
    ask.cpu_milli = milli;
    return ask;
}

TEST(WorkPricing, AnHourIsPaidByGpuByShareAndByCoreRoundedUp) {
    EXPECT_EQ(hourly_of(gpus(1), Usd{2'000'000})->micro, 2'000'000U);
    EXPECT_EQ(hourly_of(gpus(4), Usd{2'000'000})->micro, 8'000'000U);
    EXPECT_EQ(hourly_of(gpus(1, 250), Usd{2'000'001})->micro, 500'001U);
    EXPECT_EQ(hourly_of(cores(1500), Usd{40'001})->micro, 60'002U);
    EXPECT_EQ(hourly_of(cores(1), Usd{1})->micro, 1U);
    EXPECT_EQ(hourly_of(cores(1000), Usd{0})->micro, 0U);
}

TEST(WorkPricing, AnHourThatNoAmountCanHoldIsAnError) {
    EXPECT_EQ(hourly_of(gpus(1), Usd{kMost})->micro, kMost);
    EXPECT_EQ(hourly_of(gpus(2), Usd{kMost}).error().code, Errc::kInvalid);
    EXPECT_EQ(quote_of(Usd{kMost}, 3601).error().code, Errc::kInvalid);
}

TEST(WorkPricing, TheQuoteCoversAllSecondsOfAnAttempt) {
    EXPECT_EQ(quote_of(Usd{3'600'000}, 3600)->micro, 3'600'000U);
    EXPECT_EQ(quote_of(Usd{3'600'000}, 1)->micro, 1000U);
    EXPECT_EQ(quote_of(Usd{1}, 1)->micro, 1U) << "ceil(1 / 3600)";
}

TEST(WorkPricing, TheAmountFollowsTheMillisecondsAndStopsAtTheQuote) {
    const Usd quote{1'000'000};
    EXPECT_EQ(amount_of(Usd{3'600'000}, milliseconds{1500}, quote).micro, 1500U);
    EXPECT_EQ(amount_of(Usd{1'000'000}, milliseconds{1}, quote).micro, 1U) << "ceil(0.277...)";
    EXPECT_EQ(amount_of(Usd{3'600'000}, milliseconds{0}, quote).micro, 0U);
    EXPECT_EQ(amount_of(Usd{3'600'000}, milliseconds{-5}, quote).micro, 0U);
    EXPECT_EQ(amount_of(Usd{3'600'000}, milliseconds{1'000'001}, quote), quote);
    EXPECT_EQ(amount_of(Usd{kMost}, milliseconds::max(), quote), quote) << "too great for 64 bits";
}

TEST(WorkPricing, AFullQuoteIsTheAmountOfTheWholeTime) {
    for (const std::uint64_t hourly : {1ULL, 3599ULL, 3600ULL, 3601ULL, 123'456'789ULL}) {
        for (const std::uint32_t seconds : {1U, 59U, 3600U, 86'400U}) {
            const Usd quote = *quote_of(Usd{hourly}, seconds);
            EXPECT_EQ(amount_of(Usd{hourly}, milliseconds{seconds * 1000ULL}, Usd{kMost}), quote);
        }
    }
}

TEST(WorkPricing, UnitsCountTwentyForASecondOfAWholeGpuOrCore) {
    EXPECT_EQ(nominal_units(gpus(1), milliseconds{1000}), 20U);
    EXPECT_EQ(nominal_units(gpus(8), milliseconds{500}), 80U);
    EXPECT_EQ(nominal_units(gpus(1, 100), milliseconds{1}), 1U) << "ceil(0.002)";
    EXPECT_EQ(nominal_units(cores(500), milliseconds{3'600'000}), 36'000U);
    EXPECT_EQ(nominal_units(cores(500), milliseconds{0}), 0U);
    EXPECT_EQ(nominal_units(gpus(UINT32_MAX, UINT32_MAX), milliseconds::max()), kMost);
}

}  // namespace
}  // namespace vcity::work
