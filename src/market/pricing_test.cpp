// SPDX-License-Identifier: Apache-2.0
#include "market/pricing.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace vcity::market {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(InputTokensBound, CountsBytesAndTemplates) {
    ModelRequest chat;
    chat.messages = {{"system", "ab"}, {"user", "\xe4\xbd\xa0"}};
    EXPECT_EQ(input_tokens_bound(chat), 2U + 3U + 32U);
    ModelRequest completion;
    completion.prompt = "abcd";
    EXPECT_EQ(input_tokens_bound(completion), 20U);
    EXPECT_EQ(input_tokens_bound({}), 16U);
}

TEST(PriceOf, RoundsUpOnceOverBothParts) {
    EXPECT_EQ(price_of({1, 1}, {1, 1}).value(), Usd{1});
    EXPECT_EQ(price_of({500'000, 500'000}, {1, 1}).value(), Usd{1});
    EXPECT_EQ(price_of({500'000, 500'001}, {1, 1}).value(), Usd{2});
    EXPECT_EQ(price_of({0, 0}, {kMax, kMax}).value(), Usd{0});
}

TEST(PriceOf, RefusesWhatDoesNotFit) {
    EXPECT_EQ(price_of({kMax, 0}, {1'000'000, 0}).value(), Usd{kMax});
    EXPECT_FALSE(price_of({kMax, 1}, {1'000'000, 1}));
    EXPECT_FALSE(price_of({kMax, kMax}, {kMax, kMax}));
}

TEST(QuoteOf, IsThePriceOfTheMostThatCanHappen) {
    ModelRequest request;
    request.prompt = "abcd";
    request.output_tokens_max = 100;
    EXPECT_EQ(quote_of(request, {1'000'000, 2'000'000}).value(), Usd{20 + 200});
}

TEST(ChargeOf, IsNeverAboveTheQuote) {
    std::mt19937_64 random{3};
    for (int round = 0; round < 1000; ++round) {
        const TokenUsage usage{random() >> 40U, random() >> 40U};
        const TokenPrices prices{random() >> 40U, random() >> 40U};
        const Usd quote{random() >> 40U};
        const Usd charge = charge_of(usage, prices, quote).value();
        EXPECT_LE(charge, quote);
        EXPECT_LE(charge, price_of(usage, prices).value());
    }
    EXPECT_EQ(charge_of({10, 0}, {1'000'000, 0}, Usd{100}).value(), Usd{10});
    EXPECT_EQ(charge_of({10, 0}, {1'000'000, 0}, Usd{9}).value(), Usd{9});
}

TEST(FeeOf, RoundsUpAndNeverExceedsTheAmount) {
    EXPECT_EQ(fee_of(Usd{1}, 1).value(), Usd{1});
    EXPECT_EQ(fee_of(Usd{10'000}, 250).value(), Usd{250});
    EXPECT_EQ(fee_of(Usd{10'001}, 250).value(), Usd{251});
    EXPECT_EQ(fee_of(Usd{kMax}, 10'000).value(), Usd{kMax});
    EXPECT_EQ(fee_of(Usd{kMax}, 0).value(), Usd{0});
    EXPECT_FALSE(fee_of(Usd{1}, 10'001));
}

}  // namespace
}  // namespace vcity::market
