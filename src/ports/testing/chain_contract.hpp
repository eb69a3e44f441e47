// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ports/chain.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

enum class ChainParty : unsigned char { kClient, kScheduler, kNode };

// One receipt's batch and what its node claims with.
struct ChainBatch {
    BatchHeader header;
    std::vector<Charge> charges;
    Earning earning;
    std::vector<Hash> proof;
};

// A chain with our contracts, without faults. Every party has 5,000 dollars of stablecoin and 50,000 VCAI and is
// registered nowhere; the minimum stake is at most 10,000 VCAI. The network fee is 5 %.
class ChainHarness : public TaskRunner {
  public:
    virtual ChainReader& reader() = 0;
    virtual ChainWriter& writer(ChainParty party) = 0;
    // From the client for the scheduler, valid for a day, rightly signed.
    virtual SignedCap signed_cap(Usd limit, std::uint64_t nonce) = 0;
    virtual CapId cap_id(const SpendingCap& cap) = 0;
    // The scheduler's batch with one receipt of that amount; earned_before is what its node earned by earlier batches.
    virtual ChainBatch batch_of(std::uint64_t index, const CapId& cap_id, Usd amount, Usd earned_before) = 0;
    // Lets the challenge window of all posted batches pass.
    virtual void pass_window() = 0;
};

using ChainHarnessFactory = std::function<std::unique_ptr<ChainHarness>()>;

// What every chain must do for those who act on it. Include it in one file of a test program and instantiate it.
class ChainContract : public ::testing::TestWithParam<ChainHarnessFactory> {
  protected:
    static constexpr Usd dollars(std::uint64_t amount) { return Usd{amount * 1'000'000}; }
    static constexpr Vcai vcai(std::uint64_t amount) { return Vcai{amount * kWeiPerVcai}; }
    template <class T>
    T run(Task<T> task) {
        return await(*harness, std::move(task));
    }
    ChainWriter& writer(ChainParty party) { return harness->writer(party); }
    NodeRecord record_of(ChainParty party, Role role) {
        NodeRecord node;
        node.identity = writer(party).account();
        node.role = role;
        node.kind = NodeKind::kStable;
        node.hardware = {.gpu_model = "cpu", .gpu_count = 2, .vram_mib = 1'024, .region = "eu-central"};
        node.did_document_uri = "did:example";
        node.stake = vcai(10'000);
        return node;
    }
    template <class T>
    static void expect_done(const Result<T>& result) {
        EXPECT_TRUE(result.has_value()) << result.error().message;
    }
    template <class T>
    static void expect_refused(const Result<T>& result) {
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error().code, Errc::kConflict) << result.error().message;
        EXPECT_FALSE(result.error().message.empty());
    }
    // A registered scheduler and a client's open cap of 100 dollars.
    CapId prepare_cap() {
        expect_done(
            run(writer(ChainParty::kScheduler).register_node(record_of(ChainParty::kScheduler, Role::kScheduler))));
        expect_done(run(writer(ChainParty::kClient).deposit(writer(ChainParty::kClient).account(), dollars(200))));
        const SignedCap cap = harness->signed_cap(dollars(100), 1);
        expect_done(run(writer(ChainParty::kScheduler).open_cap(cap)));
        return harness->cap_id(cap.cap);
    }
    Usd balance(ChainParty party) {
        return run(harness->reader().stable_balance(writer(party).account())).value_or(Usd{});
    }

    std::unique_ptr<ChainHarness> harness = GetParam()();
};

TEST_P(ChainContract, KnowsNothingAtFirst) {
    ChainReader& reader = harness->reader();
    const Address node = writer(ChainParty::kNode).account();

    EXPECT_FALSE(run(reader.node(node)).value().has_value());
    EXPECT_FALSE(run(reader.cap(CapId{})).value().open);
    EXPECT_EQ(run(reader.next_batch_index(node)).value(), 0U);
    EXPECT_FALSE(run(reader.batch(node, 0)).value().has_value());
    EXPECT_EQ(run(reader.claimed(node, node)).value(), Usd{});
    EXPECT_EQ(run(reader.escrow_available(node)).value(), Usd{});
    EXPECT_EQ(run(reader.stable_balance(node)).value(), dollars(5'000));
    EXPECT_EQ(run(reader.vcai_balance(node)).value(), vcai(50'000));
    EXPECT_EQ(run(reader.network_fee_bps()).value(), 500U);
}

TEST_P(ChainContract, FindsTheFirstBlockAfterATime) {
    constexpr std::uint64_t kMillis = 1'000;
    expect_done(run(writer(ChainParty::kClient).deposit(writer(ChainParty::kClient).account(), dollars(1))));
    const ChainHead before = run(harness->reader().head()).value();
    const UnixMillis time{before.timestamp * kMillis + kMillis - 1};
    harness->pass_window();
    expect_done(run(writer(ChainParty::kClient).deposit(writer(ChainParty::kClient).account(), dollars(1))));
    expect_done(run(writer(ChainParty::kClient).deposit(writer(ChainParty::kClient).account(), dollars(1))));

    const auto found = run(harness->reader().first_block_after(time));

    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_GT((*found)->timestamp, before.timestamp);
    EXPECT_GT((*found)->number, before.number);
    EXPECT_FALSE((*found)->hash.is_zero());
    // It is the first: one second less finds the same or an earlier one, its own time a later one or none.
    const auto next = run(harness->reader().first_block_after(UnixMillis{(*found)->timestamp * kMillis}));
    ASSERT_TRUE(next.has_value());
    if (next->has_value()) {
        EXPECT_GT((*next)->timestamp, (*found)->timestamp);
    }
    const ChainHead head = run(harness->reader().head()).value();
    EXPECT_FALSE(run(harness->reader().first_block_after(UnixMillis{(head.timestamp + 3'600) * kMillis}))->has_value());
    const auto first = run(harness->reader().first_block_after(UnixMillis{0}));
    ASSERT_TRUE(first.has_value() && first->has_value());
    EXPECT_LE((*first)->number, before.number);
}

TEST_P(ChainContract, RegistersANodeOnce) {
    const NodeRecord record = record_of(ChainParty::kNode, Role::kCompute);

    expect_done(run(writer(ChainParty::kNode).register_node(record)));
    expect_refused(run(writer(ChainParty::kNode).register_node(record)));

    const auto found = run(harness->reader().node(record.identity));
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->identity, record.identity);
    EXPECT_EQ((*found)->role, Role::kCompute);
    EXPECT_EQ((*found)->kind, NodeKind::kStable);
    EXPECT_EQ((*found)->stake, vcai(10'000));
    EXPECT_TRUE((*found)->active);
    EXPECT_EQ(run(harness->reader().vcai_balance(record.identity)).value(), vcai(40'000));
    EXPECT_EQ(balance(ChainParty::kNode), dollars(5'000));
}

TEST_P(ChainContract, TakesDeposits) {
    const Address client = writer(ChainParty::kClient).account();

    expect_done(run(writer(ChainParty::kClient).deposit(client, dollars(30))));
    expect_done(run(writer(ChainParty::kClient).deposit(client, dollars(12))));
    expect_refused(run(writer(ChainParty::kClient).deposit(client, dollars(1'000'000))));

    EXPECT_EQ(run(harness->reader().escrow_available(client)).value(), dollars(42));
    EXPECT_EQ(balance(ChainParty::kClient), dollars(4'958));
}

TEST_P(ChainContract, OpensACapOnceAndLocksItsLimit) {
    const CapId cap_id = prepare_cap();

    const CapState cap = run(harness->reader().cap(cap_id)).value();
    EXPECT_TRUE(cap.open);
    EXPECT_EQ(cap.client, writer(ChainParty::kClient).account());
    EXPECT_EQ(cap.scheduler, writer(ChainParty::kScheduler).account());
    EXPECT_EQ(cap.limit, dollars(100));
    EXPECT_EQ(cap.spent, Usd{});
    EXPECT_EQ(run(harness->reader().escrow_available(cap.client)).value(), dollars(100));
    expect_refused(run(writer(ChainParty::kScheduler).open_cap(harness->signed_cap(dollars(100), 1))));
    expect_refused(run(writer(ChainParty::kScheduler).open_cap(harness->signed_cap(dollars(101), 2))));
}

TEST_P(ChainContract, RefusesACapThatTheClientDidNotSign) {
    prepare_cap();
    SignedCap cap = harness->signed_cap(dollars(1), 2);
    cap.cap.limit = dollars(2);

    expect_refused(run(writer(ChainParty::kScheduler).open_cap(cap)));
}

TEST_P(ChainContract, PostsABatchOnce) {
    const CapId cap_id = prepare_cap();
    const Address scheduler = writer(ChainParty::kScheduler).account();
    const ChainBatch batch = harness->batch_of(0, cap_id, dollars(10), Usd{});

    expect_done(run(writer(ChainParty::kScheduler).post_batch(batch.header, batch.charges)));
    expect_refused(run(writer(ChainParty::kScheduler).post_batch(batch.header, batch.charges)));

    EXPECT_EQ(run(harness->reader().next_batch_index(scheduler)).value(), 1U);
    const auto posted = run(harness->reader().batch(scheduler, 0)).value();
    ASSERT_TRUE(posted.has_value());
    EXPECT_EQ(posted->receipts_root, batch.header.receipts_root);
    EXPECT_EQ(posted->earnings_root, batch.header.earnings_root);
    EXPECT_FALSE(posted->is_final);
    EXPECT_EQ(run(harness->reader().cap(cap_id)).value().spent, dollars(10));
    EXPECT_FALSE(run(harness->reader().batch(scheduler, 1)).value().has_value());
}

TEST_P(ChainContract, RefusesABatchOutOfOrderOrBeyondTheCap) {
    const CapId cap_id = prepare_cap();
    const ChainBatch early = harness->batch_of(1, cap_id, dollars(10), Usd{});
    const ChainBatch dear = harness->batch_of(0, cap_id, dollars(101), Usd{});
    const ChainBatch good = harness->batch_of(0, cap_id, dollars(10), Usd{});

    expect_refused(run(writer(ChainParty::kScheduler).post_batch(early.header, early.charges)));
    expect_refused(run(writer(ChainParty::kScheduler).post_batch(dear.header, dear.charges)));
    expect_refused(run(writer(ChainParty::kClient).post_batch(good.header, good.charges)));
    EXPECT_EQ(run(harness->reader().next_batch_index(writer(ChainParty::kScheduler).account())).value(), 0U);
}

TEST_P(ChainContract, PaysANodeAfterTheWindowAndOnce) {
    const CapId cap_id = prepare_cap();
    const Address scheduler = writer(ChainParty::kScheduler).account();
    const Address node = writer(ChainParty::kNode).account();
    const ChainBatch batch = harness->batch_of(0, cap_id, dollars(10), Usd{});
    expect_done(run(writer(ChainParty::kScheduler).post_batch(batch.header, batch.charges)));
    ChainWriter& keeper = writer(ChainParty::kScheduler);

    expect_refused(run(keeper.claim(scheduler, 0, batch.earning, batch.proof)));
    harness->pass_window();
    EXPECT_TRUE(run(harness->reader().batch(scheduler, 0)).value()->is_final);
    Earning more = batch.earning;
    more.cumulative.micro += 1;
    expect_refused(run(keeper.claim(scheduler, 0, more, batch.proof)));
    expect_done(run(keeper.claim(scheduler, 0, batch.earning, batch.proof)));
    expect_refused(run(keeper.claim(scheduler, 0, batch.earning, batch.proof)));

    EXPECT_EQ(run(harness->reader().claimed(scheduler, node)).value(), batch.earning.cumulative);
    EXPECT_EQ(balance(ChainParty::kNode), Usd{dollars(5'000).micro + batch.earning.cumulative.micro});
}

TEST_P(ChainContract, PaysTheDifferenceToEarlierClaims) {
    const CapId cap_id = prepare_cap();
    const Address scheduler = writer(ChainParty::kScheduler).account();
    ChainWriter& keeper = writer(ChainParty::kScheduler);
    const ChainBatch first = harness->batch_of(0, cap_id, dollars(10), Usd{});
    const ChainBatch second = harness->batch_of(1, cap_id, dollars(20), first.earning.cumulative);
    expect_done(run(keeper.post_batch(first.header, first.charges)));
    expect_done(run(keeper.post_batch(second.header, second.charges)));
    harness->pass_window();

    expect_done(run(keeper.claim(scheduler, 0, first.earning, first.proof)));
    expect_done(run(keeper.claim(scheduler, 1, second.earning, second.proof)));

    EXPECT_GT(second.earning.cumulative, first.earning.cumulative);
    EXPECT_EQ(balance(ChainParty::kNode), Usd{dollars(5'000).micro + second.earning.cumulative.micro});
}

}  // namespace vcity::ports::testing
