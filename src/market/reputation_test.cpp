// SPDX-License-Identifier: Apache-2.0
#include "market/reputation.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace vcity::market {
namespace {

using namespace std::chrono_literals;

constexpr UnixMillis kStart{1'795'341'600'000};
const ReputationRules kRules;

UnixMillis after(std::chrono::minutes time) {
    return kStart + UnixMillis{static_cast<std::uint64_t>(time.count()) * 60'000};
}

Address client(unsigned number) {
    Address address;
    address.bytes[18] = static_cast<std::uint8_t>(number >> 8U);
    address.bytes[19] = static_cast<std::uint8_t>(number);
    return address;
}

// A node that works for `clients` clients for so many days, a delivery every half hour, an audit a day.
ReputationRecord worked(int days, unsigned clients, unsigned bad_percent, UnixMillis* now) {
    ReputationRecord record;
    std::mt19937_64 random{1};
    note_presence(&record, kRules, true, kStart);
    *now = kStart;
    for (int i = 0; i < days * 48; ++i) {
        *now += UnixMillis{1'800'000};
        note_presence(&record, kRules, true, *now);
        const bool is_good = random() % 100 >= bad_percent;
        note_delivery(&record, kRules,
                      {.client = client(static_cast<unsigned>(random() % clients)),
                       .went_well = is_good,
                       .paid = {5'000},
                       .promised_ms = 100,
                       .measured_ms = 90},
                      *now);
        if (i % 48 == 0) note_audit(&record, kRules, AuditResultKind::kAccepted, *now);
    }
    return record;
}

TEST(Decayed, IsHalfAfterAHalfLifeAndFollowsThePowerOfTwo) {
    EXPECT_EQ(decayed(1'000'000, 0h, 24h), 1'000'000U);
    EXPECT_EQ(decayed(1'000'000, -1h, 24h), 1'000'000U);
    EXPECT_EQ(decayed(1'000'000, 24h, 24h), 500'000U);
    EXPECT_EQ(decayed(~0ULL, 24h * 64, 24h), 0U);
    std::mt19937_64 random{2};
    for (int round = 0; round < 1000; ++round) {
        const Duration elapsed{random() % 1'000'000'000'000'000};
        const double exact = 1e15 * std::exp2(-static_cast<double>(elapsed.count()) / 24 / 3.6e12);
        const auto found = static_cast<double>(decayed(1'000'000'000'000'000, elapsed, 24h));
        EXPECT_NEAR(found / 1e15, exact / 1e15, 5e-8);  // 2^-24 of a half-life
    }
}

TEST(Reputation, OfANewcomerIsLowAndOfAKeptUpRecordHigh) {
    UnixMillis now;
    const std::uint64_t fresh = score_of({}, kRules, kStart).score;
    EXPECT_LT(fresh, 100'000U);
    const ReputationRecord good = worked(60, 50, 0, &now);
    EXPECT_GT(score_of(good, kRules, now).score, 600'000U);
    EXPECT_GT(score_of(good, kRules, now).success, 900'000U);
    // It fades when nothing is added.
    EXPECT_LT(score_of(good, kRules, now + UnixMillis{360ULL * 86'400'000}).score, fresh * 11 / 10);
}

TEST(Reputation, GrowsWithEveryGoodDeliveryAndFallsWithEveryBadOne) {
    ReputationRecord record;
    std::uint64_t before = score_of(record, kRules, kStart).score;
    for (unsigned i = 0; i < 50; ++i) {
        note_delivery(&record, kRules, {.client = client(i), .went_well = true, .paid = {1'000}}, kStart);
        const std::uint64_t after_it = score_of(record, kRules, kStart).score;
        EXPECT_GT(after_it, before);
        before = after_it;
    }
    note_delivery(&record, kRules, {.client = client(99), .went_well = false, .paid = {1'000}}, kStart);
    EXPECT_LT(score_of(record, kRules, kStart).score, before);
}

TEST(Reputation, SlownessAndSilenceCost) {
    ReputationRecord fast;
    ReputationRecord slow;
    for (unsigned i = 0; i < 50; ++i) {
        const Delivery delivery{
            .client = client(i), .went_well = true, .paid = {1'000}, .promised_ms = 100, .measured_ms = 100};
        Delivery late = delivery;
        late.measured_ms = 400;
        note_delivery(&fast, kRules, delivery, kStart);
        note_delivery(&slow, kRules, late, kStart);
    }
    EXPECT_EQ(score_of(fast, kRules, kStart).success, score_of(slow, kRules, kStart).success);
    EXPECT_GT(score_of(fast, kRules, kStart).speed, score_of(slow, kRules, kStart).speed + 300'000);

    const std::uint64_t before = score_of(fast, kRules, kStart).verification;
    note_audit(&fast, kRules, AuditResultKind::kNotOpened, kStart);
    const std::uint64_t missed = score_of(fast, kRules, kStart).verification;
    EXPECT_LT(missed, before);
    for (int i = 0; i < 8; ++i) note_audit(&fast, kRules, AuditResultKind::kAccepted, kStart);
    EXPECT_GT(score_of(fast, kRules, kStart).verification, missed);
}

TEST(Reputation, ARejectionIsZeroUntilItHasFaded) {
    UnixMillis now;
    ReputationRecord record = worked(60, 50, 0, &now);
    note_audit(&record, kRules, AuditResultKind::kRejected, now);
    EXPECT_EQ(score_of(record, kRules, now).score, 0U);
    EXPECT_EQ(score_of(record, kRules, now + UnixMillis{100ULL * 86'400'000}).score, 0U);
    EXPECT_GT(score_of(record, kRules, now + UnixMillis{150ULL * 86'400'000}).score, 0U);
}

// Coming back as a newcomer pays only for who is below a newcomer.
TEST(Reputation, WashingItselfDoesNotPayForANodeThatWorksWell) {
    UnixMillis now;
    const std::uint64_t fresh = score_of({}, kRules, kStart).score;
    EXPECT_GT(score_of(worked(3, 20, 5, &now), kRules, now).score, fresh);
    EXPECT_LT(score_of(worked(30, 20, 70, &now), kRules, now).success, kRules.prior_mean);
}

TEST(Reputation, OneClientCannotMakeARecordHoweverOftenItPays) {
    ReputationRecord washed;
    for (int i = 0; i < 100'000; ++i) {
        note_delivery(&washed, kRules, {.client = client(1), .went_well = true, .paid = {1'000'000}}, kStart);
    }
    ReputationRecord real;
    for (unsigned i = 0; i < 9; ++i) {
        note_delivery(&real, kRules, {.client = client(i), .went_well = true, .paid = {1'000}}, kStart);
    }
    EXPECT_LT(score_of(washed, kRules, kStart).success, score_of(real, kRules, kStart).success);
}

TEST(Reputation, DeliveriesThatCostNothingCountNothing) {
    ReputationRecord record;
    for (unsigned i = 0; i < 1'000; ++i) {
        note_delivery(&record, kRules, {.client = client(i), .went_well = true, .paid = {0}}, kStart);
    }
    EXPECT_EQ(record.clients.size(), 0U);
    for (unsigned i = 0; i < 1'000; ++i) {
        note_delivery(&record, kRules, {.client = client(i), .went_well = true, .paid = {1}}, kStart);
    }
    EXPECT_LT(score_of(record, kRules, kStart).success, 530'000U);  // as one delivery of the full weight
}

TEST(Reputation, OneClientCannotRuinARecordEither) {
    UnixMillis now;
    ReputationRecord record = worked(60, 50, 0, &now);
    const std::uint64_t before = score_of(record, kRules, now).success;
    for (int i = 0; i < 10'000; ++i) {
        note_delivery(&record, kRules, {.client = client(9'999), .went_well = false, .paid = {1'000'000}}, now);
    }
    EXPECT_GT(score_of(record, kRules, now).success, before * 9 / 10);
}

TEST(Reputation, RemembersABoundedNumberOfClients) {
    ReputationRules rules;
    rules.clients_max = 3;
    ReputationRecord record;
    for (unsigned i = 0; i < 3; ++i) {
        for (unsigned times = 0; times <= i; ++times) {
            note_delivery(&record, rules, {.client = client(i), .went_well = true, .paid = {1'000}}, kStart);
        }
    }
    note_delivery(&record, rules, {.client = client(7), .went_well = true, .paid = {1'000}}, kStart);
    EXPECT_EQ(record.clients.size(), 3U);
    EXPECT_FALSE(record.clients.contains(client(0)));
    EXPECT_TRUE(record.clients.contains(client(7)));
}

TEST(Reputation, TimeThatGoesBackwardsChangesNothing) {
    ReputationRecord record;
    note_presence(&record, kRules, true, after(10min));
    note_presence(&record, kRules, true, after(20min));
    const ReputationRecord before = record;
    note_presence(&record, kRules, false, after(15min));
    EXPECT_EQ(record, before);
    EXPECT_EQ(record.online, 600'000U);
    note_presence(&record, kRules, false, after(25min));
    EXPECT_EQ(record.offline, 300'000U);
}

TEST(Explain, BeginsWithTheWeakestPart) {
    UnixMillis now;
    ReputationRecord record = worked(30, 40, 0, &now);
    for (int i = 0; i < 20; ++i) note_audit(&record, kRules, AuditResultKind::kNotOpened, now);
    const std::vector<std::string> sentences = explain(record, kRules, now);
    ASSERT_EQ(sentences.size(), 4U);
    EXPECT_TRUE(sentences[0].starts_with("verification ")) << sentences[0];
    EXPECT_NE(sentences[0].find("20 not opened, none rejected"), std::string::npos) << sentences[0];
}

}  // namespace
}  // namespace vcity::market
