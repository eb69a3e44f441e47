// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "services/gateway/keys/api_key.hpp"
#include "services/gateway/keys/key_record.hpp"
#include "services/gateway/keys/limits.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;

std::string a_key(std::uint8_t fill) {
    KeyEntropy entropy{};
    entropy.fill(fill);
    return make_api_key(entropy);
}

TEST(ApiKey, HasTheDocumentedForm) {
    const std::string key = a_key(0xab);

    EXPECT_EQ(key.size(), 58U);
    EXPECT_TRUE(key.starts_with("sk-vcity-"));
    EXPECT_TRUE(is_well_formed_api_key(key));
    EXPECT_TRUE(is_well_formed_api_key(a_key(0xff)));
    EXPECT_TRUE(is_well_formed_api_key(a_key(0)));
}

TEST(ApiKey, AnyChangedCharacterBreaksTheChecksum) {
    const std::string key = a_key(0x5a);
    for (std::size_t index = 0; index < key.size(); ++index) {
        std::string changed = key;
        changed[index] = changed[index] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(is_well_formed_api_key(changed)) << index;
    }
    EXPECT_FALSE(is_well_formed_api_key(key + "0"));
    EXPECT_FALSE(is_well_formed_api_key(""));
    EXPECT_FALSE(is_well_formed_api_key(std::string(58, '-')));
}

TEST(ApiKey, DigestDependsOnPepper) {
    const std::string key = a_key(1);
    EXPECT_NE(api_key_digest(as_bytes("pepper one"), key), api_key_digest(as_bytes("pepper two"), key));
    EXPECT_EQ(api_key_digest(as_bytes("pepper one"), key), api_key_digest(as_bytes("pepper one"), key));
}

TEST(Base62, CountsAsExpected) {
    EXPECT_EQ(to_base62(Bytes{0}, 2), "00");
    EXPECT_EQ(to_base62(Bytes{61}, 2), "0z");
    EXPECT_EQ(to_base62(Bytes{62}, 2), "10");
    EXPECT_EQ(to_base62(Bytes{1, 0}, 3), "048");
}

KeyRecord a_record() {
    KeyRecord record;
    record.digest.bytes.fill(3);
    record.last4 = "wxyz";
    record.terms.name = "laptop";
    record.terms.cap.cap.client.bytes.fill(1);
    record.terms.cap.cap.scheduler.bytes.fill(2);
    record.terms.cap.cap.limit = Usd{5'000'000};
    record.terms.cap.cap.expiry_unix_seconds = 2'000'000'000;
    record.terms.cap.cap.nonce = UINT64_MAX;
    record.terms.budget = Usd{1};
    record.terms.models = {"a", "b"};
    record.spent = Usd{12};
    return record;
}

TEST(KeyRecord, SurvivesTheStore) {
    const KeyRecord record = a_record();

    const Result<codec::Json> json = codec::parse_json(codec::dump_json(to_json(record)));
    const Result<KeyRecord> read = parse_key_record(*json);

    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(*read, record);
}

TEST(KeyRecord, ShowsPeopleNoDigestAndNoSignature) {
    const std::string text = codec::dump_json(to_public_json(a_record()));

    EXPECT_EQ(text.find("digest"), std::string::npos);
    EXPECT_EQ(text.find("signature"), std::string::npos);
    EXPECT_NE(text.find("wxyz"), std::string::npos);
}

TEST(KeyTerms, NamesTheFieldAtFault) {
    const auto refusal = [](std::string_view change_name, codec::Json value) {
        codec::Json body = codec::JsonObject{{"cap", to_json(a_record().terms.cap)}};
        body.set(std::string{change_name}, std::move(value));
        const Result<KeyTerms> terms = parse_key_terms(body);
        return terms ? std::string{"accepted"} : terms.error().message;
    };

    EXPECT_EQ(refusal("name", "x"), "accepted");
    EXPECT_NE(refusal("budget", "-1").find("budget"), std::string::npos);
    EXPECT_NE(refusal("requests_per_minute", 0).find("requests_per_minute"), std::string::npos);
    EXPECT_NE(refusal("parallel_max", 1'000'000).find("parallel_max"), std::string::npos);
    EXPECT_NE(refusal("models", "all").find("models"), std::string::npos);
    EXPECT_FALSE(parse_key_terms(codec::JsonObject{}).has_value());
    EXPECT_FALSE(parse_key_terms(codec::JsonArray{}).has_value());
}

TEST(TokenBucket, RefillsEvenly) {
    TokenBucket bucket{60};
    const TimePoint start{};
    for (int taken = 0; taken < 60; ++taken) EXPECT_TRUE(bucket.take(start).allowed);

    const RateDecision refused = bucket.take(start);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.retry_after, 1s);
    EXPECT_FALSE(bucket.take(start + 999ms).allowed);
    EXPECT_TRUE(bucket.take(start + 1s).allowed);
    EXPECT_FALSE(bucket.take(start + 1s).allowed);
    EXPECT_EQ(bucket.take(start + 1h).remaining, 59U);
}

TEST(RateLimiter, KeepsNamesApart) {
    RateLimiter limiter{2};
    const TimePoint now{};
    EXPECT_TRUE(limiter.take("a", 1, now).allowed);
    EXPECT_FALSE(limiter.take("a", 1, now).allowed);
    EXPECT_TRUE(limiter.take("b", 1, now).allowed);
    EXPECT_TRUE(limiter.take("a", 2, now).allowed);
}

TEST(ResetText, IsWhatOpenAiWrites) {
    EXPECT_EQ(to_reset_text(0ms), "0s");
    EXPECT_EQ(to_reset_text(900ms), "1s");
    EXPECT_EQ(to_reset_text(360s), "6m0s");
}

}  // namespace
}  // namespace vcity::gateway
