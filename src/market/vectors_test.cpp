// SPDX-License-Identifier: Apache-2.0
// The shared vectors of tests/vectors, which another implementation wrote.
#include "codec/testing/vectors.hpp"

#include <map>

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"
#include "market/batch.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::market {
namespace {

using codec::Json;
using codec::testing::fixed;
using codec::testing::list;
using codec::testing::number;
using codec::testing::text;

codec::JsonArray cases(const char* name) {
    return codec::testing::vector_cases(VCITY_SOURCE_DIR, name);
}

// Keys of addresses.json by address.
const crypto::PrivateKey& key_of(const Address& address) {
    static const auto all_keys = [] {
        std::map<Address, crypto::PrivateKey> keys;
        for (const Json& vector : cases("addresses")) {
            keys.emplace(fixed<Address>(vector, "address"),
                         crypto::PrivateKey::make(codec::testing::bytes(vector, "privateKey")).value());
        }
        return keys;
    }();
    return all_keys.at(address);
}

Deployment deployment_of(const Json& vector) {
    Deployment deployment;
    deployment.chain_id = number(vector, "chainId");
    deployment.settlement = fixed<Address>(vector, "verifyingContract");
    deployment.escrow = deployment.settlement;
    deployment.registry = deployment.settlement;
    return deployment;
}

// Our numbers have 64 bits where the chain's have 128 or 256; a larger one is refused when it is read.
bool fits(const Json& vector, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (!codec::parse_decimal(text(vector, name))) return false;
    }
    return true;
}

UsageReceipt receipt_of(const Json& vector) {
    return {
        .job_id = fixed<JobId>(vector, "jobId"),
        .client = fixed<Address>(vector, "client"),
        .node = fixed<Address>(vector, "node"),
        .scheduler = fixed<Address>(vector, "scheduler"),
        .fencing_token = number(vector, "fencingToken"),
        .units = {.input = number(vector, "inputUnits"), .output = number(vector, "outputUnits")},
        .amount = Usd{number(vector, "amount")},
        .quote = Usd{number(vector, "quote")},
        .model_root = fixed<Hash>(vector, "modelRoot"),
        .request_hash = fixed<Hash>(vector, "requestHash"),
        .response_hash = fixed<Hash>(vector, "responseHash"),
        .verification_root = fixed<Hash>(vector, "verificationRoot"),
        .started_at = UnixMillis{number(vector, "startedAt")},
        .finished_at = UnixMillis{number(vector, "finishedAt")},
    };
}

TEST(Vectors, Receipts) {
    std::size_t checked = 0;
    for (const Json& vector : cases("usage_receipts")) {
        if (!fits(vector, {"amount", "quote"})) continue;
        const Deployment deployment = deployment_of(vector);
        const UsageReceipt receipt = receipt_of(vector);
        EXPECT_EQ(receipt_hash(receipt), fixed<Hash>(vector, "structHash"));
        EXPECT_EQ(crypto::domain_separator(settlement_domain(deployment)), fixed<Hash>(vector, "domainSeparator"));
        EXPECT_EQ(receipt_digest(deployment, receipt), fixed<Hash>(vector, "digest"));
        const SignedReceipt signed_receipt{
            .receipt = receipt,
            .node_signature = key_of(receipt.node).sign(receipt_digest(deployment, receipt)),
            .scheduler_signature = key_of(receipt.scheduler).sign(receipt_digest(deployment, receipt)),
        };
        EXPECT_EQ(signed_receipt.node_signature, fixed<Signature>(vector, "nodeSignature"));
        EXPECT_EQ(signed_receipt.scheduler_signature, fixed<Signature>(vector, "schedulerSignature"));
        EXPECT_EQ(receipt_leaf(signed_receipt), fixed<Hash>(vector, "leaf"));
        EXPECT_TRUE(check_node_signature(deployment, signed_receipt));
        ++checked;
    }
    EXPECT_GT(checked, 0U);
}

TEST(Vectors, SpendingCaps) {
    std::size_t checked = 0;
    for (const Json& vector : cases("spending_caps")) {
        if (!fits(vector, {"limit", "nonce"})) continue;
        const SpendingCap cap{
            .client = fixed<Address>(vector, "client"),
            .scheduler = fixed<Address>(vector, "scheduler"),
            .limit = Usd{number(vector, "limit")},
            .expiry_unix_seconds = number(vector, "expiry"),
            .nonce = number(vector, "nonce"),
        };
        const Deployment deployment = deployment_of(vector);
        EXPECT_EQ(cap_id(cap), fixed<CapId>(vector, "structHash"));
        EXPECT_EQ(crypto::domain_separator(escrow_domain(deployment)), fixed<Hash>(vector, "domainSeparator"));
        EXPECT_EQ(cap_digest(deployment, cap), fixed<Hash>(vector, "digest"));
        EXPECT_EQ(key_of(fixed<Address>(vector, "signer")).sign(cap_digest(deployment, cap)),
                  fixed<Signature>(vector, "signature"));
        ++checked;
    }
    EXPECT_GT(checked, 0U);
}

TEST(Vectors, Verdicts) {
    for (const Json& vector : cases("verdicts")) {
        const Verdict verdict{
            .receipt_hash = fixed<Hash>(vector, "receiptHash"),
            .node = fixed<Address>(vector, "node"),
            .verifier = fixed<Address>(vector, "verifier"),
            .outcome = number(vector, "outcome") == 0 ? VerdictOutcome::kAccepted : VerdictOutcome::kRejected,
            .evidence_hash = fixed<Hash>(vector, "evidenceHash"),
            .checked_at = UnixMillis{number(vector, "checkedAt")},
        };
        const Deployment deployment = deployment_of(vector);
        EXPECT_EQ(verdict_hash(verdict), fixed<Hash>(vector, "structHash"));
        EXPECT_EQ(verdict_digest(deployment, verdict), fixed<Hash>(vector, "digest"));
        EXPECT_EQ(key_of(fixed<Address>(vector, "signer")).sign(verdict_digest(deployment, verdict)),
                  fixed<Signature>(vector, "signature"));
    }
}

TEST(Vectors, LinkHellos) {
    for (const Json& vector : cases("link_hellos")) {
        const Deployment deployment = deployment_of(vector);
        const Hash digest =
            link_hello_digest(deployment, fixed<Address>(vector, "peer"), static_cast<Role>(number(vector, "role")),
                              fixed<Hash>(vector, "challenge"), UnixMillis{number(vector, "issuedAt")});
        EXPECT_EQ(crypto::domain_separator(link_domain(deployment)), fixed<Hash>(vector, "domainSeparator"));
        EXPECT_EQ(digest, fixed<Hash>(vector, "digest"));
        EXPECT_EQ(key_of(fixed<Address>(vector, "signer")).sign(digest), fixed<Signature>(vector, "signature"));
    }
}

TEST(Vectors, JobIdsAndDids) {
    for (const Json& vector : cases("job_ids")) {
        EXPECT_EQ(make_job_id(fixed<Address>(vector, "client"), fixed<Address>(vector, "scheduler"),
                              fixed<Hash>(vector, "nonce")),
                  fixed<JobId>(vector, "jobId"));
    }
    for (const Json& vector : cases("addresses")) {
        EXPECT_EQ(make_did(31'337, fixed<Address>(vector, "address")), text(vector, "did"));
    }
}

TEST(Vectors, EarningsTree) {
    std::size_t checked = 0;
    for (const Json& vector : cases("earnings")) {
        if (!fits(vector, {"cumulative"})) continue;
        const Earning earning{fixed<Address>(vector, "node"), Usd{number(vector, "cumulative")}};
        std::vector<Hash> proof;
        for (const Json& node : list(vector, "proof")) {
            proof.push_back(codec::parse_fixed<Hash>(*node.get_string()).value());
        }
        EXPECT_EQ(earnings_leaf(earning), fixed<Hash>(vector, "leaf"));
        EXPECT_EQ(crypto::merkle_root_of_proof(earnings_leaf(earning), proof), fixed<Hash>(vector, "root"));
        ++checked;
    }
    EXPECT_GT(checked, 0U);
}

TEST(Vectors, Charges) {
    std::size_t checked = 0;
    for (const Json& vector : cases("charges")) {
        const Result<Usd> price = price_of({number(vector, "inputUnits"), number(vector, "outputUnits")},
                                           {number(vector, "priceIn"), number(vector, "priceOut")});
        if (fits(vector, {"charge"})) {
            EXPECT_EQ(price.value(), Usd{number(vector, "charge")});
            ++checked;
        } else {
            EXPECT_FALSE(price);
        }
    }
    EXPECT_GT(checked, 0U);
}

TEST(Vectors, Fees) {
    for (const Json& vector : cases("fees")) {
        const codec::JsonArray& amounts = list(vector, "amounts");
        std::uint64_t earned = 0;
        for (std::size_t index = 0; index < amounts.size(); ++index) {
            const Usd amount{codec::parse_decimal(*amounts[index].get_string()).value()};
            const Usd share =
                subtract(amount, fee_of(amount, static_cast<std::uint32_t>(number(vector, "feeBps"))).value()).value();
            EXPECT_EQ(codec::to_decimal(share.micro), *list(vector, "nodeShares")[index].get_string());
            earned += share.micro;
        }
        EXPECT_EQ(earned, number(vector, "totalEarned"));
    }
}

TEST(Vectors, ResponseHashesAreKeccakOfTheText) {
    for (const Json& vector : cases("keccak256")) {
        const Bytes input = codec::testing::bytes(vector, "input");
        EXPECT_EQ(response_hash(as_text(input)), fixed<Hash>(vector, "hash"));
    }
}

}  // namespace
}  // namespace vcity::market
