// SPDX-License-Identifier: Apache-2.0
#include "market/batch.hpp"

#include <algorithm>
#include <limits>
#include <random>
#include <unordered_set>

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::market {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

Address address(unsigned number) {
    Address result;
    result.bytes[0] = static_cast<std::uint8_t>(number * 37U);
    result.bytes[19] = static_cast<std::uint8_t>(number);
    return result;
}

CapId cap(unsigned number) {
    return crypto::keccak256_text("cap" + std::to_string(number)).as<CapId>();
}

std::pair<SignedReceipt, CapId> receipt(unsigned job, unsigned node, std::uint64_t amount) {
    SignedReceipt result;
    result.receipt.job_id = crypto::keccak256_text("job" + std::to_string(job)).as<JobId>();
    result.receipt.node = address(node);
    result.receipt.amount = Usd{amount};
    result.receipt.quote = Usd{amount};
    result.receipt.units = {.input = 3, .output = job};
    return {result, cap(job % 5)};
}

BatchInputs random_inputs(std::uint64_t seed, unsigned count) {
    std::mt19937_64 random{seed};
    BatchInputs inputs{.index = 4,
                       .fee_bps = static_cast<std::uint32_t>(random() % 10'001),
                       .earnings_before = {{address(2), Usd{1000}}, {address(200), Usd{5}}},
                       .receipts = {},
                       .units_available = 77};
    for (unsigned job = 0; job < count; ++job) {
        inputs.receipts.push_back(receipt(job, static_cast<unsigned>(random() % 9), random() % 100'000));
    }
    return inputs;
}

std::uint64_t sum(const auto& items, auto member) {
    std::uint64_t total = 0;
    for (const auto& item : items) total += std::invoke(member, item).micro;
    return total;
}

TEST(MakeBatch, OfNothingKeepsEarlierEarnings) {
    const Batch batch = make_batch({.earnings_before = {{address(1), Usd{9}}}, .receipts = {}}).value();
    EXPECT_TRUE(batch.header.receipts_root.is_zero());
    EXPECT_EQ(batch.header.earnings_root, earnings_leaf({address(1), Usd{9}}));
    EXPECT_EQ(batch.header.total_earned, Usd{0});
    EXPECT_EQ(batch.header.receipt_count, 0U);
}

TEST(MakeBatch, ConservesMoney) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        const BatchInputs inputs = random_inputs(seed, 40);
        const Batch batch = make_batch(inputs).value();
        const std::uint64_t charged = sum(batch.charges, &Charge::amount);
        const std::uint64_t before = sum(inputs.earnings_before, &Earning::cumulative);
        EXPECT_EQ(sum(batch.earnings, &Earning::cumulative), before + batch.header.total_earned.micro);
        // What Settlement.postBatch demands of the fee.
        const std::uint64_t fee = charged - batch.header.total_earned.micro;
        const std::uint64_t least = charged * inputs.fee_bps / 10'000;
        EXPECT_GE(fee, least);
        EXPECT_LE(fee, least + batch.header.receipt_count);
    }
}

TEST(MakeBatch, SumsUnitsAndCountsReceipts) {
    const Batch batch = make_batch(random_inputs(1, 10)).value();
    EXPECT_EQ(batch.header.units_consumed, 30U + 45U);
    EXPECT_EQ(batch.header.receipt_count, 10U);
    EXPECT_EQ(batch.header.index, 4U);
    EXPECT_EQ(batch.header.units_available, 77U);
}

TEST(MakeBatch, ChargesAndEarningsDoNotDependOnOrder) {
    BatchInputs inputs = random_inputs(2, 30);
    const Batch first = make_batch(inputs).value();
    EXPECT_EQ(make_batch(inputs).value(), first);

    std::ranges::reverse(inputs.receipts);
    std::ranges::reverse(inputs.earnings_before);
    const Batch second = make_batch(inputs).value();

    EXPECT_EQ(second.charges, first.charges);
    EXPECT_EQ(second.earnings, first.earnings);
    EXPECT_EQ(second.header.earnings_root, first.header.earnings_root);
    EXPECT_NE(second.header.receipts_root, first.header.receipts_root);
    EXPECT_TRUE(std::ranges::is_sorted(first.charges, {}, &Charge::cap_id));
    EXPECT_TRUE(std::ranges::is_sorted(first.earnings, {}, &Earning::node));
}

TEST(MakeBatch, ProvesEveryReceiptAndEarning) {
    for (const unsigned count : {1U, 2U, 7U, 16U, 33U}) {
        const Batch batch = make_batch(random_inputs(count, count)).value();
        for (std::size_t index = 0; index < batch.receipts.size(); ++index) {
            EXPECT_EQ(crypto::merkle_root_of_proof(receipt_leaf(batch.receipts[index]), receipt_proof(batch, index)),
                      batch.header.receipts_root);
        }
        for (const Earning& earning : batch.earnings) {
            EXPECT_EQ(crypto::merkle_root_of_proof(earnings_leaf(earning), earnings_proof(batch, earning.node)),
                      batch.header.earnings_root);
        }
        EXPECT_TRUE(earnings_proof(batch, address(201)).empty());
    }
}

TEST(MakeBatch, RefusesTwoReceiptsOfOneJob) {
    EXPECT_FALSE(make_batch({.earnings_before = {}, .receipts = {receipt(1, 1, 5), receipt(1, 2, 6)}}));
}

TEST(MakeBatch, RefusesAnAmountAboveItsQuote) {
    auto greedy = receipt(1, 1, 5);
    greedy.first.receipt.quote = Usd{4};
    EXPECT_FALSE(make_batch({.earnings_before = {}, .receipts = {greedy}}));
}

TEST(MakeBatch, RefusesBadTotals) {
    EXPECT_FALSE(make_batch({.earnings_before = {{address(1), Usd{1}}, {address(1), Usd{2}}}, .receipts = {}}));
    EXPECT_FALSE(make_batch({.fee_bps = 10'001, .earnings_before = {}, .receipts = {receipt(1, 1, 5)}}));
    EXPECT_FALSE(make_batch({.earnings_before = {}, .receipts = {receipt(1, 1, kMax), receipt(2, 2, 1)}}));
    EXPECT_FALSE(make_batch({.earnings_before = {{address(1), Usd{kMax}}}, .receipts = {receipt(1, 1, 1)}}));
    auto units = receipt(1, 1, 5);
    units.first.receipt.units = {.input = kMax, .output = 1};
    EXPECT_FALSE(make_batch({.earnings_before = {}, .receipts = {units}}));
    EXPECT_FALSE(make_batch(random_inputs(1, kBatchReceiptsMax + 1)));
}

class CheckReceipt : public ::testing::Test {
  protected:
    static crypto::PrivateKey key(std::string_view seed) {
        return crypto::PrivateKey::make(crypto::keccak256_text(seed).view()).value();
    }
    SignedReceipt countersigned() const {
        SignedReceipt result = receipt(1, 1, 50).first;
        result.receipt.node = node_.address();
        result.receipt.scheduler = scheduler_.address();
        result.receipt.finished_at = UnixMillis{10};
        sign(&result);
        return result;
    }
    void sign(SignedReceipt* result) const {
        const Hash digest = receipt_digest(deployment_, result->receipt);
        result->node_signature = node_.sign(digest);
        result->scheduler_signature = scheduler_.sign(digest);
    }

    const crypto::PrivateKey node_ = key("node");
    const crypto::PrivateKey scheduler_ = key("scheduler");
    static Deployment deployment() {
        Deployment result;
        result.chain_id = 31'337;
        result.settlement = address(9);
        return result;
    }
    const Deployment deployment_ = deployment();
};

TEST_F(CheckReceipt, AcceptsOneThatBothSigned) {
    EXPECT_TRUE(check_receipt(deployment_, countersigned()));
}

TEST_F(CheckReceipt, RefusesOneThatChangedAfterwards) {
    SignedReceipt changed = countersigned();
    changed.receipt.amount = Usd{49};
    EXPECT_FALSE(check_receipt(deployment_, changed));
    EXPECT_FALSE(check_node_signature(deployment_, changed));
}

TEST_F(CheckReceipt, RefusesASignatureForAnotherChainOrContract) {
    Deployment other = deployment_;
    other.chain_id = 1;
    EXPECT_FALSE(check_receipt(other, countersigned()));
    other = deployment_;
    other.settlement = address(8);
    EXPECT_FALSE(check_receipt(other, countersigned()));
}

TEST_F(CheckReceipt, NeedsTheSchedulersSignatureToo) {
    SignedReceipt half = countersigned();
    half.scheduler_signature = {};
    EXPECT_FALSE(check_receipt(deployment_, half));
    EXPECT_TRUE(check_node_signature(deployment_, half));
    half.scheduler_signature = half.node_signature;
    EXPECT_FALSE(check_receipt(deployment_, half));
}

TEST_F(CheckReceipt, RefusesAnAmountAboveTheQuoteAndTimeRunningBackwards) {
    SignedReceipt greedy = countersigned();
    greedy.receipt.quote = Usd{49};
    sign(&greedy);
    EXPECT_FALSE(check_receipt(deployment_, greedy));
    SignedReceipt backwards = countersigned();
    backwards.receipt.started_at = UnixMillis{11};
    sign(&backwards);
    EXPECT_FALSE(check_receipt(deployment_, backwards));
}

TEST(RequestHash, ChangesWithEveryField) {
    ModelRequest base;
    base.messages = {{"user", "a"}};
    std::vector<ModelRequest> variants(9, base);
    variants[1].model = "m";
    variants[2].messages[0].role = "system";
    variants[3].messages[0].content = "b";
    variants[4].prompt = "p";
    variants[5].output_tokens_max = 1;
    variants[6].sampling.temperature = 0.5;
    variants[7].sampling.seed = kMax;
    variants[8].stop = {"x"};
    std::unordered_set<Hash> hashes;
    for (const ModelRequest& variant : variants) hashes.insert(request_hash(variant));
    EXPECT_EQ(hashes.size(), variants.size());
}

TEST(RequestHash, IsOfTheCanonicalText) {
    ModelRequest request;
    request.model = "m";
    request.messages = {{"user", "hi"}};
    request.output_tokens_max = 7;
    request.sampling = {.temperature = 0.7, .top_p = 1, .seed = 3};
    request.stop = {"\n"};
    request.client_nonce.bytes[31] = 7;
    request.verification = Verification::kFull;
    EXPECT_EQ(
        request_hash(request),
        crypto::keccak256_text(R"({"client_nonce":"0x)" + std::string(62, '0') +
                               R"(07","messages":[{"content":"hi","role":"user"}],"model":"m","output_tokens_max":7,)"
                               R"("prompt":"","sampling":{"seed":3,"temperature":"0.700000","top_p":"1.000000"},)"
                               R"("stop":["\n"],"verification":"full"})"));
}

}  // namespace
}  // namespace vcity::market
