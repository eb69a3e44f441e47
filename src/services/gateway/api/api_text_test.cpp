// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/gateway/api/answers.hpp"
#include "services/gateway/api/offers.hpp"

namespace vcity::gateway {
namespace {

OffersReply::Entry an_offer(std::uint8_t node, std::uint64_t input, std::uint64_t output) {
    OffersReply::Entry entry;
    entry.node.bytes.fill(node);
    entry.offer.model = "m";
    entry.offer.prices = {.input = input, .output = output};
    entry.offer.context_tokens_max = 100U * node;
    return entry;
}

TEST(GenerationId, LeadsBackToTheJob) {
    JobId job_id;
    job_id.bytes.fill(0x2f);

    EXPECT_EQ(job_of_generation(make_generation_id(Endpoint::kChat, job_id)), job_id);
    EXPECT_EQ(job_of_generation(make_generation_id(Endpoint::kCompletions, job_id)), job_id);
    EXPECT_EQ(job_of_generation("chatcmpl-12"), std::nullopt);
    EXPECT_EQ(job_of_generation("xyz"), std::nullopt);
}

TEST(PriceText, IsDollarsPerToken) {
    EXPECT_EQ(to_price_text(0), "0");
    EXPECT_EQ(to_price_text(1), "0.000000000001");
    EXPECT_EQ(to_price_text(500'000), "0.0000005");
    EXPECT_EQ(to_price_text(3'000'000'000'000), "3");
}

TEST(PriceCeiling, LeavesOutliersOut) {
    ModelListing listing;
    listing.entries = {an_offer(1, 10, 10), an_offer(2, 20, 15), an_offer(3, 1'000, 1'000)};

    EXPECT_EQ(*price_ceiling(listing, std::nullopt), (TokenPrices{.input = 20, .output = 15}));
    EXPECT_EQ(*price_ceiling(listing, TokenPrices{.input = 12, .output = 12}),
              (TokenPrices{.input = 10, .output = 10}));
    EXPECT_FALSE(price_ceiling(listing, TokenPrices{.input = 1, .output = 1}).has_value());
}

TEST(PriceCeiling, ABaitLeavesTheOthersToFallBackOn) {
    ModelListing listing;
    listing.entries = {an_offer(1, 1, 1), an_offer(2, 100, 300)};

    EXPECT_EQ(*price_ceiling(listing, std::nullopt), (TokenPrices{.input = 100, .output = 300}));
}

TEST(PriceCeiling, TakesFreeModels) {
    ModelListing listing;
    listing.entries = {an_offer(1, 0, 0)};

    EXPECT_EQ(*price_ceiling(listing, std::nullopt), TokenPrices{});
}

TEST(OfferBook, GroupsByModelAndRemembersWhenItWasFirstSeen) {
    OfferBook book;
    EXPECT_FALSE(book.is_known());
    OffersReply reply;
    reply.entries = {an_offer(1, 1, 1), an_offer(2, 1, 1)};

    book.update(reply, 100);
    book.update(reply, 200);

    ASSERT_NE(book.find("m"), nullptr);
    EXPECT_EQ(book.find("m")->entries.size(), 2U);
    EXPECT_EQ(book.find("m")->context_tokens_max, 200U);
    EXPECT_EQ(book.find("m")->first_seen_unix_seconds, 100U);
    book.update({}, 300);
    EXPECT_EQ(book.find("m"), nullptr);
}

}  // namespace
}  // namespace vcity::gateway
