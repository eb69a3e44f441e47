// SPDX-License-Identifier: Apache-2.0
#include "work/price_text.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "work/pricing.hpp"

namespace vcity::work {
namespace {

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

TEST(PriceText, SaysHowAnHourAndAnAttemptComeFromWhatTheOwnerAsks) {
    const auto found = explain_price({gpus(4), Usd{2'000'000}, {}, 1800});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hourly.micro, 8'000'000U);
    EXPECT_EQ(found->quote.micro, 4'000'000U);
    EXPECT_FALSE(found->spot_floor);
    EXPECT_NE(found->lines[0].find("$2.000000 for an hour of one GPU"), std::string::npos) << found->lines[0];
    EXPECT_NE(found->lines[1].find("An hour of 4 GPUs is $8.000000"), std::string::npos) << found->lines[1];
    EXPECT_NE(found->lines[2].find("at most 1800 s costs at most $4.000000"), std::string::npos) << found->lines[2];
    EXPECT_EQ(found->lines.back(), "Best-effort work is not taken at a lower price.");
}

TEST(PriceText, NamesPartsOfGpusAndOfCores) {
    EXPECT_NE(explain_price({gpus(1, 250), Usd{1000}, {}, 60})->lines[1].find("0.25 GPUs"), std::string::npos);
    EXPECT_NE(explain_price({cores(1500), Usd{1000}, {}, 60})->lines[1].find("1.5 cores"), std::string::npos);
    EXPECT_NE(explain_price({cores(1000), Usd{1000}, {}, 60})->lines[1].find("1 core "), std::string::npos);
}

TEST(PriceText, TheLeastBidIsTheFloorForTheSameShare) {
    const auto found = explain_price({cores(2500), Usd{40'000}, Usd{10'001}, 3600});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->spot_floor->micro, 25'003U) << "ceil(10,001 * 2.5)";
    EXPECT_NE(found->lines.back().find("for 2.5 cores"), std::string::npos) << found->lines.back();
}

TEST(PriceText, ItsAmountsAreThoseThatAreCharged) {
    for (const std::uint64_t offered : {0ULL, 1ULL, 999ULL, 40'001ULL, 7'654'321ULL}) {
        for (const std::uint32_t seconds : {1U, 59U, 3600U, 86'400U}) {
            const UnitAsk ask = cores(1337);
            const auto found = explain_price({ask, Usd{offered}, {}, seconds});
            ASSERT_TRUE(found);
            EXPECT_EQ(found->hourly, *hourly_of(ask, Usd{offered}));
            EXPECT_EQ(found->quote, *quote_of(found->hourly, seconds));
        }
    }
}

TEST(PriceText, RefusesWhatHasNoPrice) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(explain_price({cores(0), Usd{1}, {}, 60}).error().code, Errc::kInvalid);
    EXPECT_EQ(explain_price({cores(1000), Usd{1}, {}, 0}).error().code, Errc::kInvalid);
    EXPECT_EQ(explain_price({gpus(2), Usd{kMost}, {}, 60}).error().code, Errc::kInvalid);
    EXPECT_EQ(explain_price({gpus(2), Usd{1}, Usd{kMost}, 60}).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::work
