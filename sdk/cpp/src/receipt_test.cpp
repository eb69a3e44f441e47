// SPDX-License-Identifier: Apache-2.0
// Receipts of the shared vectors, which another implementation wrote and signed.
#include <algorithm>

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "codec/testing/vectors.hpp"
#include "vcity/client.hpp"

namespace vcity::sdk {
namespace {

using codec::Json;
using codec::testing::text;

constexpr std::pair<const char*, const char*> kNames[] = {
    {"job_id", "jobId"},
    {"client", "client"},
    {"node", "node"},
    {"scheduler", "scheduler"},
    {"fencing_token", "fencingToken"},
    {"input_units", "inputUnits"},
    {"output_units", "outputUnits"},
    {"amount", "amount"},
    {"quote", "quote"},
    {"model_root", "modelRoot"},
    {"request_hash", "requestHash"},
    {"response_hash", "responseHash"},
    {"verification_root", "verificationRoot"},
    {"started_at", "startedAt"},
    {"finished_at", "finishedAt"},
    {"hash", "structHash"},
    {"node_signature", "nodeSignature"},
    {"scheduler_signature", "schedulerSignature"},
};

Json typical() {
    return codec::testing::vector_cases(VCITY_SOURCE_DIR, "usage_receipts").front();
}

// As the gateway writes it.
Json receipt_json() {
    const Json vector = typical();
    Json receipt{codec::JsonObject{}};
    for (const auto& [ours, theirs] : kNames) {
        const std::string& value = text(vector, theirs);
        receipt.set(ours, value.starts_with("0x") ? Json{value} : Json{codec::parse_decimal(value).value()});
    }
    return receipt;
}

Deployment deployment() {
    return {.chain_id = 31337, .settlement = text(typical(), "verifyingContract")};
}

Outcome<std::vector<Check>> check(const Json& json) {
    const std::string document = codec::dump_json(json);
    return check_receipt({.json = document, .deployment = deployment()});
}

TEST(Receipt, HoldsAloneInAJobAndInAnAnswerOfTheGateway) {
    const Json receipt = receipt_json();
    const Json job{codec::JsonObject{{"receipt", receipt}}};
    const Json answer{codec::JsonObject{{"data", job}}};
    for (const Json& json : {receipt, job, answer}) {
        const auto checks = check(json);
        ASSERT_TRUE(checks) << checks.failure().message;
        EXPECT_EQ(checks->size(), 4U);
        EXPECT_TRUE(all_hold(*checks));
    }
}

TEST(Receipt, DoesNotHoldWhenAnyOfItsFieldsIsAnother) {
    for (const auto& [name, theirs] : kNames) {
        Json receipt = receipt_json();
        const Json* was = receipt.find(name);
        std::uint64_t number = 0;
        if (was->get_u64(&number)) {
            receipt.set(name, number + 1);
        } else {
            std::string digits = *was->get_string();
            digits[10] = digits[10] == '1' ? '2' : '1';
            receipt.set(name, digits);
        }
        const auto checks = check(receipt);
        ASSERT_TRUE(checks) << name;
        EXPECT_FALSE(all_hold(*checks)) << name;
    }
}

TEST(Receipt, IsOfOneChainAndOneContractOnly) {
    const std::string document = codec::dump_json(receipt_json());
    Deployment other = deployment();
    other.chain_id = 1;
    auto checks = check_receipt({.json = document, .deployment = other});
    ASSERT_TRUE(checks);
    EXPECT_FALSE(all_hold(*checks));
    other.settlement = "0x12";
    checks = check_receipt({.json = document, .deployment = other});
    ASSERT_FALSE(checks);
    EXPECT_EQ(checks.failure().code, "invalid_argument");
}

TEST(Receipt, TellsWhatIsNoReceiptByTheFieldAtFault) {
    for (const auto& [name, theirs] : kNames) {
        Json receipt = receipt_json();
        receipt.set(name, nullptr);
        const auto checks = check(receipt);
        ASSERT_FALSE(checks) << name;
        EXPECT_NE(checks.failure().message.find(name), std::string::npos) << checks.failure().message;
    }
    for (const char* document : {"", "[]", "{}", "{\"data\":{\"receipt\":null}}", "{\"data\":7}"}) {
        EXPECT_FALSE(check_receipt({.json = document, .deployment = deployment()})) << document;
    }
}

TEST(Receipt, ComparesTheTextAndTheBatch) {
    // A batch of one: its root is the leaf.
    const Json batch{codec::JsonObject{{"index", 0}, {"proof", codec::JsonArray{}}}};
    const Json job{codec::JsonObject{{"receipt", receipt_json()}, {"batch", batch}}};
    const std::string document = codec::dump_json(job);
    const std::string leaf = text(typical(), "leaf");
    const std::string other = "0x" + std::string(64, '1');
    const auto held = [&](std::optional<std::string> said, std::optional<std::string> root, const char* name) {
        const auto checks = check_receipt(
            {.json = document, .deployment = deployment(), .text = std::move(said), .batch_root = std::move(root)});
        const auto found = std::ranges::find(*checks, name, &Check::name);
        return found != checks->end() && found->holds;
    };
    EXPECT_TRUE(held(std::nullopt, leaf, "in_batch"));
    EXPECT_FALSE(held(std::nullopt, other, "in_batch"));
    EXPECT_FALSE(held("not what was said", std::nullopt, "text"));
}

}  // namespace
}  // namespace vcity::sdk
