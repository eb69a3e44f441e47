// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/calls/reputation_book.hpp"

#include <gtest/gtest.h>

namespace vcity::scheduler {
namespace {

constexpr UnixMillis kStart{1'700'000'000'000};
constexpr UnixMillis kMinute{60'000};
constexpr UnixMillis kDay{86'400'000};

Address address(std::uint64_t number) {
    Address result;
    for (std::size_t i = 0; i < 8; ++i) result.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return result;
}

market::Delivery delivery(std::uint64_t client, bool went_well = true) {
    return {.client = address(client), .went_well = went_well, .paid = Usd{1'000}};
}

TEST(ReputationBook, AStrangerIsANewcomer) {
    const ReputationBook book;
    EXPECT_EQ(book.basis_points(address(1), kStart), 937);
    EXPECT_TRUE(book.is_newcomer(address(1), kStart));
    EXPECT_FALSE(book.is_below_newcomer(address(1), kStart));
    EXPECT_EQ(book.explain(address(1), kStart).size(), 4U);
}

TEST(ReputationBook, GoodDeliveriesRaiseAndBadOnesLower) {
    ReputationBook book;
    for (std::uint64_t i = 0; i < 64; ++i) {
        book.note_delivery(address(1), delivery(i), kStart + i * kMinute);
        book.note_delivery(address(2), delivery(i, false), kStart + i * kMinute);
    }
    const UnixMillis now = kStart + 64 * kMinute;
    EXPECT_GT(book.basis_points(address(1), now), book.basis_points(address(3), now));
    EXPECT_TRUE(book.is_below_newcomer(address(2), now));
    EXPECT_TRUE(book.is_newcomer(address(1), now));
    EXPECT_FALSE(book.is_newcomer(address(2), now));
}

TEST(ReputationBook, AFullRecordEndsTheTrials) {
    ReputationBook book;
    book.note_connected(address(1), kStart);
    for (std::uint64_t i = 0; i < 200; ++i) {
        const UnixMillis now = kStart + i * kMinute * 30;
        book.note_delivery(address(1), delivery(i % 50), now);
        book.note_audit(address(1), market::AuditResultKind::kAccepted, now);
    }
    const UnixMillis now = kStart + 100 * kMinute * 60;
    EXPECT_GT(book.basis_points(address(1), now), 5'000);
    EXPECT_FALSE(book.is_newcomer(address(1), now));
}

TEST(ReputationBook, CountsTimeAsTheNodeSpentIt) {
    ReputationBook book;
    book.note_connected(address(1), kStart);
    book.note_connected(address(2), kStart);
    book.note_disconnected(address(2), kStart + kDay);
    // Deliveries in between must not take time online away.
    for (std::uint64_t i = 1; i < 20; ++i) book.note_delivery(address(1), delivery(1), kStart + i * kMinute);
    const UnixMillis now = kStart + 2 * kDay;
    EXPECT_NEAR(static_cast<double>(book.score(address(1), now).availability), 2.5 / 3 * 1e6, 5'000);
    EXPECT_NEAR(static_cast<double>(book.score(address(2), now).availability), 1.5 / 3 * 1e6, 20'000);
}

TEST(ReputationBook, ManyNotesOfOneMinuteLoseNothing) {
    ReputationBook book;
    for (int i = 0; i < 10'000; ++i) {
        market::Delivery cheap = delivery(1);
        cheap.paid = Usd{1};
        book.note_delivery(address(1), cheap, kStart + UnixMillis{static_cast<std::uint64_t>(i)});
    }
    ReputationBook once;
    for (int i = 0; i < 10; ++i) once.note_delivery(address(1), delivery(1), kStart);
    EXPECT_EQ(book.score(address(1), kStart + kMinute).success, once.score(address(1), kStart + kMinute).success);
}

TEST(ReputationBook, ARejectionCountsAtOnce) {
    ReputationBook book;
    book.note_connected(address(1), kStart);
    EXPECT_GT(book.basis_points(address(1), kStart), 0);
    book.note_audit(address(1), market::AuditResultKind::kRejected, kStart);
    EXPECT_EQ(book.basis_points(address(1), kStart), 0);
    EXPECT_FALSE(book.is_newcomer(address(1), kStart));
}

TEST(ReputationBook, WritesWhatChangedOnceAndReadsItBack) {
    ReputationBook book;
    for (std::uint64_t node = 0; node < 5; ++node) {
        book.note_delivery(address(node), delivery(1), kStart);
        book.note_delivery(address(node), delivery(2, false), kStart);
    }
    ports::StoreChange change;
    EXPECT_EQ(book.put_changed(&change, 3), 3U);
    EXPECT_EQ(book.put_changed(&change, 3), 2U);
    EXPECT_EQ(book.put_changed(&change, 3), 0U);
    ASSERT_EQ(change.puts.size(), 5U);
    ReputationBook after;
    ASSERT_TRUE(after.restore(address(4), change.puts.back().value, kStart).has_value());
    EXPECT_EQ(change.puts.back().key, reputation_key(address(4)));
    EXPECT_EQ(after.score(address(4), kStart).score, book.score(address(4), kStart).score);
}

TEST(ReputationBook, TimeInWhichNobodyWatchedIsNoAbsence) {
    ReputationBook book;
    book.note_connected(address(1), kStart);
    book.note_disconnected(address(1), kStart + kDay);
    ports::StoreChange change;
    book.put(&change, address(1));
    ReputationBook after;
    ASSERT_TRUE(after.restore(address(1), change.puts.front().value, kStart + 2 * kDay).has_value());
    after.note_connected(address(1), kStart + 2 * kDay);
    EXPECT_GT(after.score(address(1), kStart + 2 * kDay).availability, 700'000U);
}

TEST(ReputationBook, RefusesDamagedRecords) {
    ReputationBook book{{.rules = {.clients_max = 2}, .nodes_max = 4}};
    for (std::uint64_t client = 0; client < 2; ++client) book.note_delivery(address(1), delivery(client), kStart);
    ports::StoreChange change;
    book.put(&change, address(1));
    Bytes bytes = change.puts.front().value;
    EXPECT_EQ(parse_reputation(bytes, 1).error().code, Errc::kCorrupt);
    bytes.pop_back();
    EXPECT_EQ(parse_reputation(bytes, 2).error().code, Errc::kCorrupt);
    EXPECT_EQ(parse_reputation({}, 2).error().code, Errc::kCorrupt);
}

TEST(ReputationBook, IsBoundedAndKeepsTheWorst) {
    ReputationBook book{{.rules = {}, .nodes_max = 4}};
    book.note_audit(address(0), market::AuditResultKind::kRejected, kStart);
    ports::StoreChange change;
    for (std::uint64_t node = 1; node < 20; ++node) {
        book.note_delivery(address(node), delivery(1), kStart + node * kMinute);
        book.put_changed(&change, 100);
    }
    EXPECT_EQ(book.size(), 4U);
    EXPECT_EQ(book.basis_points(address(0), kStart + kDay), 0);
}

}  // namespace
}  // namespace vcity::scheduler
