// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/chain.hpp"

#include <gtest/gtest.h>

#include "market/typed_hashes.hpp"
#include "sim/fakes/signer.hpp"

namespace vcity::sim {
namespace {

using namespace std::chrono_literals;

Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 5;
    deployment.registry.bytes.fill(1);
    deployment.escrow.bytes.fill(2);
    deployment.settlement.bytes.fill(3);
    deployment.treasury.bytes.fill(4);
    return deployment;
}

class LedgerTest : public ::testing::Test {
  protected:
    LedgerTest() {
        LedgerParams params;
        params.deployment = a_deployment();
        params.window_seconds = 10;
        ledger_ = std::make_unique<Ledger>(params);
        EXPECT_TRUE(ledger_->mint(client_.address(), Usd{1000}).has_value());
        EXPECT_TRUE(ledger_->give_vcai(scheduler_.address(), Vcai{2'000'000}).has_value());
        EXPECT_TRUE(ledger_->deposit(client_.address(), client_.address(), Usd{800}).has_value());
        NodeRecord record;
        record.identity = scheduler_.address();
        record.role = Role::kScheduler;
        record.stake = Vcai{1'000'000};
        EXPECT_TRUE(ledger_->register_node(scheduler_.address(), record).has_value());
    }

    SignedCap a_cap(Usd limit, std::uint64_t nonce) {
        SignedCap cap;
        cap.cap.client = client_.address();
        cap.cap.scheduler = scheduler_.address();
        cap.cap.limit = limit;
        cap.cap.expiry_unix_seconds = 1000;
        cap.cap.nonce = nonce;
        cap.signature = *client_.sign(market::cap_digest(a_deployment(), cap.cap));
        return cap;
    }
    // One node earns all but the fee of five per cent.
    Result<void> post(std::uint64_t index, const CapId& cap_id, Usd amount, std::uint64_t now) {
        BatchHeader header;
        header.index = index;
        header.receipt_count = 1;
        header.total_earned = Usd{amount.micro - amount.micro / 20};
        header.earnings_root = market::earnings_leaf({node_.address(), header.total_earned});
        return ledger_->post_batch(scheduler_.address(), header, {{cap_id, amount}}, now);
    }
    static void expect_revert(const Result<void>& result, std::string_view reason) {
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error().code, Errc::kConflict);
        EXPECT_NE(result.error().message.find(reason), std::string::npos) << result.error().message;
    }

    FakeSigner client_{1};
    FakeSigner scheduler_{2};
    FakeSigner node_{3};
    std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, OpensACapOnce) {
    const SignedCap cap = a_cap(Usd{500}, 1);

    ASSERT_TRUE(ledger_->open_cap(cap, 0).has_value());

    expect_revert(ledger_->open_cap(cap, 0), "NonceUsed");
    expect_revert(ledger_->open_cap(a_cap(Usd{301}, 2), 0), "InsufficientAvailable");
    SignedCap forged = a_cap(Usd{10}, 3);
    forged.cap.limit = Usd{11};
    expect_revert(ledger_->open_cap(forged, 0), "InvalidSignature");
    expect_revert(ledger_->open_cap(a_cap(Usd{10}, 4), 1000), "CapExpired");
}

TEST_F(LedgerTest, ChargesEachIndexOnceAndWithinTheCap) {
    const SignedCap cap = a_cap(Usd{500}, 1);
    const CapId cap_id = market::cap_id(cap.cap);
    ASSERT_TRUE(ledger_->open_cap(cap, 0).has_value());

    ASSERT_TRUE(post(0, cap_id, Usd{400}, 0).has_value());

    expect_revert(post(0, cap_id, Usd{10}, 0), "BatchIndexMismatch(1, 0)");
    expect_revert(post(1, cap_id, Usd{101}, 0), "CapExceeded");
    expect_revert(post(1, CapId{}, Usd{1}, 0), "CapNotOpen");
    EXPECT_EQ(ledger_->balance(a_deployment().treasury), Usd{20});
    EXPECT_EQ(ledger_->cap(cap_id)->spent, Usd{400});
}

TEST_F(LedgerTest, PaysAClaimOnceAndOnlyWhenFinal) {
    const SignedCap cap = a_cap(Usd{500}, 1);
    ASSERT_TRUE(ledger_->open_cap(cap, 0).has_value());
    ASSERT_TRUE(post(0, market::cap_id(cap.cap), Usd{400}, 100).has_value());
    const Earning earning{node_.address(), Usd{380}};

    expect_revert(ledger_->claim(scheduler_.address(), 0, earning, {}, 109), "NotFinal");
    expect_revert(ledger_->claim(scheduler_.address(), 0, {node_.address(), Usd{381}}, {}, 110), "InvalidProof");
    ASSERT_TRUE(ledger_->claim(scheduler_.address(), 0, earning, {}, 110).has_value());
    expect_revert(ledger_->claim(scheduler_.address(), 0, earning, {}, 111), "NothingToClaim");
    EXPECT_EQ(ledger_->balance(node_.address()), Usd{380});
}

Task<void> deposit_once(ports::ChainWriter* writer, Address client, std::optional<Result<Hash>>* out) {
    const Usd amount{5};
    Result<Hash> done = co_await writer->deposit(client, amount);
    out->emplace(std::move(done));
}

TEST(FakeChain, AReorganisationTakesBlocksBack) {
    SimRuntime world{3};
    LedgerParams params;
    params.deployment = a_deployment();
    FakeChain chain{&world, params};
    const FakeSigner client{1};
    chain.at_genesis([&](Ledger* ledger, std::uint64_t /*now*/) { return ledger->mint(client.address(), Usd{5}); });
    chain.start();
    const auto writer = chain.writer(&world, client.address());
    std::optional<Result<Hash>> deposited;
    world.spawn(deposit_once(writer.get(), client.address(), &deposited));
    world.run_until(TimePoint{} + 3s, 10'000);
    ASSERT_TRUE(deposited.has_value() && deposited->has_value());
    EXPECT_EQ(chain.head().available(client.address()), Usd{5});

    chain.reorganise(1);
    world.run_until(TimePoint{} + 9s, 10'000);

    // Mined again or lost for good, but never twice.
    const Usd after = chain.head().available(client.address());
    EXPECT_TRUE(after == Usd{5} || after == Usd{0});
    chain.stop();
}

}  // namespace
}  // namespace vcity::sim
