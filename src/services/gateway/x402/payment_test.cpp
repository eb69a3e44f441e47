// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/x402/payment.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/eip712.hpp"
#include "services/gateway/test_support.hpp"
#include "services/gateway/x402/payment_book.hpp"

namespace vcity::gateway::x402 {
namespace {

using codec::Json;

constexpr std::uint64_t kNow = 1'795'435'200;

Terms a_sale() {
    Terms terms{.chain_id = 31'337,
                .amount = Usd{1'234},
                .asset = {},
                .pay_to = {},
                .token_name = "Vcity Development Dollar",
                .token_version = "1"};
    terms.asset.bytes.fill(0xa5);
    terms.pay_to.bytes.fill(0x9a);
    return terms;
}

struct Signed {
    Address from = test::a_private_key(5).address();
    Address to = a_sale().pay_to;
    std::uint64_t value = 1'234;
    std::uint64_t valid_after = kNow - 600;
    std::uint64_t valid_before = kNow + 600;
    Hash nonce = Hash::make(Bytes(32, 0x77));
};

Signature sign(const Signed& terms) {
    const Hash content = crypto::hash_struct(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,"
        "bytes32 nonce)",
        {crypto::word(terms.from), crypto::word(terms.to), crypto::word(terms.value), crypto::word(terms.valid_after),
         crypto::word(terms.valid_before), crypto::word(terms.nonce)});
    const Terms sale = a_sale();
    return test::a_private_key(5).sign(crypto::eip712_digest({.name = sale.token_name,
                                                              .version = sale.token_version,
                                                              .chain_id = sale.chain_id,
                                                              .verifying_contract = sale.asset},
                                                             content));
}

Json document(const Signed& terms, const Signature& signature) {
    const Json authorization = codec::JsonObject{{"from", codec::to_hex(terms.from)},
                                                 {"to", codec::to_hex(terms.to)},
                                                 {"value", std::to_string(terms.value)},
                                                 {"validAfter", std::to_string(terms.valid_after)},
                                                 {"validBefore", std::to_string(terms.valid_before)},
                                                 {"nonce", codec::to_hex(terms.nonce)}};
    return codec::JsonObject{
        {"x402Version", 2},
        {"accepted", requirements_json(a_sale())},
        {"payload", codec::JsonObject{{"signature", codec::to_hex(signature)}, {"authorization", authorization}}}};
}

std::string header(const Json& json) {
    return codec::to_base64(as_bytes(codec::dump_json(json)));
}

std::string outcome(const Json& json) {
    const ApiResult<Payment> payment = read_payment(header(json), a_sale(), kNow);
    return payment ? "good" : std::string{spec_of(payment.error().code).name};
}

TEST(Payment, IsGoodWhenItIsWhatWasAskedFor) {
    const Signed terms;
    const ApiResult<Payment> payment = read_payment(header(document(terms, sign(terms))), a_sale(), kNow);
    ASSERT_TRUE(payment) << payment.error().message;
    EXPECT_EQ(payment->payer, terms.from);
    EXPECT_EQ(payment->nonce, terms.nonce);
    EXPECT_EQ(payment->amount, Usd{1'234});
    EXPECT_EQ(payment->valid_before_unix_seconds, terms.valid_before);
}

TEST(Payment, MayPayMoreButNotLessNorSomebodyElseNorAtAnotherTime) {
    const auto changed = [](auto change) {
        Signed terms;
        change(&terms);
        return outcome(document(terms, sign(terms)));
    };
    EXPECT_EQ(changed([](Signed* terms) { terms->value = 1'235; }), "good");
    EXPECT_EQ(changed([](Signed* terms) { terms->value = 1'233; }), "payment_refused");
    EXPECT_EQ(changed([](Signed* terms) { terms->to.bytes[0] ^= 1; }), "payment_refused");
    EXPECT_EQ(changed([](Signed* terms) { terms->valid_after = kNow; }), "payment_refused");
    EXPECT_EQ(changed([](Signed* terms) { terms->valid_before = kNow + 6; }), "good");
    EXPECT_EQ(changed([](Signed* terms) { terms->valid_before = kNow + 5; }), "payment_refused");
    EXPECT_EQ(changed([](Signed* terms) { terms->valid_before = kNow + 3'601; }), "payment_refused");
    EXPECT_EQ(changed([](Signed* terms) { terms->valid_before = UINT64_MAX; }), "payment_refused");
    EXPECT_EQ(changed([](Signed* terms) { terms->from.bytes[0] ^= 1; }), "payment_refused");
}

TEST(Payment, IsSignedForEveryFieldOfIt) {
    const Signature signature = sign(Signed{});
    const auto altered = [&](auto change) {
        Signed terms;
        change(&terms);
        return outcome(document(terms, signature));
    };
    EXPECT_EQ(altered([](Signed*) {}), "good");
    EXPECT_EQ(altered([](Signed* terms) { terms->value = 9'999; }), "payment_refused");
    EXPECT_EQ(altered([](Signed* terms) { terms->nonce.bytes[0] ^= 1; }), "payment_refused");
    EXPECT_EQ(altered([](Signed* terms) { terms->valid_before += 1; }), "payment_refused");
    EXPECT_EQ(altered([](Signed* terms) { terms->valid_after -= 1; }), "payment_refused");
}

TEST(Payment, OfAnotherFormOrForAnotherNetworkIsRefused) {
    const Signed terms;
    const Json good = document(terms, sign(terms));
    const auto with = [&](const char* name, const char* value) {
        Json json = good;
        Json accepted = *json.find("accepted");
        accepted.set(name, value);
        json.set("accepted", accepted);
        return outcome(json);
    };
    EXPECT_EQ(with("network", "eip155:1"), "payment_refused");
    EXPECT_EQ(with("scheme", "upto"), "payment_refused");
    EXPECT_EQ(with("asset", "0x12"), "payment_refused");
    for (const char* name : {"x402Version", "accepted", "payload"}) {
        Json json = good;
        json.set(name, nullptr);
        EXPECT_EQ(outcome(json), name == std::string{"accepted"} ? "payment_refused" : "invalid_value") << name;
    }
    for (const std::string& text : {std::string{"*"}, std::string{"e30="}, std::string(13'000, 'A'), std::string{}}) {
        EXPECT_FALSE(read_payment(text, a_sale(), kNow));
    }
}

TEST(Payment, IsAskedOfTheFacilitatorAsItWasSigned) {
    Signed more;
    more.value = 2'000;
    const ApiResult<Payment> payment = read_payment(header(document(more, sign(more))), a_sale(), kNow);
    ASSERT_TRUE(payment);
    const Json body = *codec::parse_json(facilitator_body(*payment, a_sale()));
    EXPECT_EQ(*body.find("paymentRequirements")->find("amount")->get_string(), "2000");
    EXPECT_EQ(*body.find("paymentPayload"), payment->payload);
}

TEST(Payment, UnderstandsTheFacilitatorOrSaysThatItDoesNot) {
    EXPECT_TRUE(parse_verify_answer(R"({"isValid":true,"payer":"0x1"})")->ok);
    const auto refused = parse_verify_answer(R"({"isValid":false,"invalidReason":"no money"})");
    EXPECT_FALSE(refused->ok);
    EXPECT_EQ(refused->reason, "no money");
    EXPECT_EQ(parse_settle_answer(R"({"success":true,"transaction":"0xab"})")->transaction, "0xab");
    for (const char* body : {"", "{}", "[]", R"({"isValid":"yes"})", R"({"success":1})"}) {
        EXPECT_FALSE(parse_verify_answer(body)) << body;
        EXPECT_FALSE(parse_settle_answer(body)) << body;
    }
}

TEST(PaymentBook, TakesAPaymentOnceUntilItIsReleasedOrOver) {
    PaymentBook book{2};
    Payment one;
    one.valid_before_unix_seconds = kNow + 10;
    Payment two = one;
    two.nonce.bytes[0] = 1;
    Payment three = one;
    three.payer.bytes[0] = 1;
    EXPECT_TRUE(book.take(one, kNow));
    EXPECT_FALSE(book.take(one, kNow));
    EXPECT_TRUE(book.take(two, kNow));
    EXPECT_FALSE(book.take(three, kNow));  // full
    book.release(two);
    EXPECT_TRUE(book.take(three, kNow));
    EXPECT_TRUE(book.take(two, kNow + 10));  // the others' time is over
    EXPECT_EQ(book.size(), 1U);
}

}  // namespace
}  // namespace vcity::gateway::x402
