// SPDX-License-Identifier: Apache-2.0
#include "account/sign_in.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "services/gateway/accounts/siwe_message.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::uint64_t kNow = 1'795'435'200;

crypto::PrivateKey a_key() {
    Bytes bytes(32, 0);
    bytes.back() = 7;
    return *crypto::PrivateKey::make(bytes);
}

Json challenge() {
    return codec::JsonObject{
        {"nonce", "123456789012345678"},    {"expires_at", kNow + 300}, {"domain", "gw.example:8443"},
        {"uri", "https://gw.example:8443"}, {"chain_id", 31337},        {"statement", "Sign in to Vcity."}};
}

TEST(SignIn, WritesWhatTheGatewayReads) {
    const crypto::PrivateKey key = a_key();
    const auto text = sign_in_message(challenge(), "https://gw.example:8443", key.address(), kNow);
    ASSERT_TRUE(text) << text.error().message;
    const auto message = gateway::parse_siwe_message(*text);
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(message->domain, "gw.example:8443");
    EXPECT_EQ(message->address, key.address());
    EXPECT_EQ(message->chain_id, 31337U);
    EXPECT_EQ(message->issued_at_unix_seconds, kNow);
    const Json body = signed_message(*text, key);
    const auto signature = codec::parse_fixed<Signature>(*body.find("signature")->get_string());
    EXPECT_EQ(*crypto::recover(gateway::personal_message_hash(*text), *signature), key.address());
}

TEST(SignIn, SignsNothingForAnotherHost) {
    const Address address = a_key().address();
    for (const char* gateway :
         {"https://other.example", "https://gw.example", "https://gw.example.evil.example:8443"}) {
        const auto text = sign_in_message(challenge(), gateway, address, kNow);
        ASSERT_FALSE(text) << gateway;
        EXPECT_EQ(text.error().code, Errc::kDenied);
    }
    Json other = challenge();
    other.set("uri", "https://other.example");
    EXPECT_FALSE(sign_in_message(other, "https://gw.example:8443", address, kNow));
    for (const char* field : {"nonce", "chain_id", "domain", "uri"}) {
        Json broken = challenge();
        broken.set(field, nullptr);
        EXPECT_FALSE(sign_in_message(broken, "https://gw.example:8443", address, kNow)) << field;
    }
    Json lines = challenge();
    lines.set("statement", "one\ntwo");
    EXPECT_FALSE(sign_in_message(lines, "https://gw.example:8443", address, kNow));
}

TEST(SignIn, KeepsASessionForItsGatewayAndItsTime) {
    const SavedSession session{.gateway = "https://a", .address = "0x1", .token = "vs-x", .expires_at = kNow};
    const auto read = parse_session(codec::dump_json(to_json(session)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->token, "vs-x");
    EXPECT_EQ(read->expires_at, kNow);
    for (const char* text : {"", "{}", "{\"token\":\"\",\"expires_at\":1}", "{\"token\":\"x\"}"}) {
        EXPECT_FALSE(parse_session(text)) << text;
    }
    // The first sign-in on a machine finds no folder.
    const std::string folder = ::testing::TempDir() + "/sign-in";
    std::filesystem::remove_all(folder);
    const std::string path = folder + "/vcity/session.json";
    ASSERT_TRUE(save_session(path, session));
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0600});
    EXPECT_EQ(find_session(path, "https://a", kNow - 1)->token, "vs-x");
    EXPECT_EQ(find_session(path, "https://a", kNow).error().code, Errc::kDenied);
    EXPECT_EQ(find_session(path, "https://b", kNow - 1).error().code, Errc::kDenied);
    ASSERT_TRUE(forget_session(path));
    EXPECT_TRUE(forget_session(path));
    EXPECT_EQ(find_session(path, "https://a", kNow - 1).error().code, Errc::kDenied);
    std::filesystem::remove_all(folder);
    EXPECT_EQ(find_session("/nowhere/at/all", "https://a", 0).error().code, Errc::kDenied);
}

}  // namespace
}  // namespace vcity::cli
