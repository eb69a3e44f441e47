// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/siwe_message.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kAddress = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";

// The example of EIP-4361, with every field there is.
std::string full_message() {
    return "https://example.com:3388 wants you to sign in with your Ethereum account:\n" + std::string{kAddress} +
           "\n\nI accept the Terms: https://example.com/tos\n\n"
           "URI: https://example.com/login?x=%20#a\nVersion: 1\nChain ID: 1\nNonce: 32891756\n"
           "Issued At: 2021-09-30T16:25:24Z\nExpiration Time: 2021-10-30T16:25:24.5+01:30\n"
           "Not Before: 2021-09-30T16:25:24Z\nRequest ID: a%20b\nResources:\n- ipfs://bafy\n- https://example.com/x";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(SiweMessage, ReadsEveryField) {
    const Result<SiweMessage> message = parse_siwe_message(full_message());

    ASSERT_TRUE(message.has_value()) << message.error().message;
    EXPECT_EQ(message->scheme, "https");
    EXPECT_EQ(message->domain, "example.com:3388");
    EXPECT_EQ(crypto::to_checksum_address(message->address), kAddress);
    EXPECT_EQ(message->statement, "I accept the Terms: https://example.com/tos");
    EXPECT_EQ(message->uri, "https://example.com/login?x=%20#a");
    EXPECT_EQ(message->chain_id, 1U);
    EXPECT_EQ(message->nonce, "32891756");
    EXPECT_EQ(message->issued_at_unix_seconds, 1'633'019'124U);
    EXPECT_EQ(message->expires_at_unix_seconds, 1'633'019'124U + 30 * 86'400 - 5'400);
    EXPECT_EQ(message->not_before_unix_seconds, 1'633'019'124U);
    EXPECT_EQ(message->request_id, "a%20b");
    EXPECT_EQ(message->resources, (std::vector<std::string>{"ipfs://bafy", "https://example.com/x"}));
}

TEST(SiweMessage, NeedsNoStatementAndNothingOptional) {
    const std::string text = "example.com wants you to sign in with your Ethereum account:\n" + std::string{kAddress} +
                             "\n\n\nURI: did:key:x\nVersion: 1\nChain ID: 31337\nNonce: abcdefgh\n"
                             "Issued At: 2021-09-30T16:25:24Z";
    const Result<SiweMessage> message = parse_siwe_message(text);

    ASSERT_TRUE(message.has_value()) << message.error().message;
    EXPECT_TRUE(message->scheme.empty());
    EXPECT_TRUE(message->statement.empty());
    EXPECT_FALSE(message->request_id.has_value());
    EXPECT_TRUE(message->resources.empty());
}

TEST(SiweMessage, RefusesWhatTheGrammarDoesNotHave) {
    const std::string good = full_message();
    const std::vector<std::pair<std::string_view, std::string_view>> changes = {
        {"https://", "1ttps://"},
        {"example.com:3388", ""},
        {"example.com:3388", "exa mple.com"},
        {"example.com:3388", "example.com/evil"},
        {" wants you to sign in with", " wants you to log in with"},
        {"Ethereum account:\n", "Ethereum account:\r\n"},
        {"0xC02a", "0xc02a"},
        {"0xC02a", "C02a"},
        {"Cc2\n\n", "Cc2\n"},
        {"I accept", "I \"accept"},
        {"I accept", "I acc\u00e9pt"},
        {"tos\n\n", "tos\n"},
        {"tos\n\n", "tos\n\n\n"},
        {"URI: https:", "URI: "},
        {"URI: ", "Uri: "},
        {"%20#a", "%2"},
        {"Version: 1", "Version: 2"},
        {"Chain ID: 1", "Chain ID: -1"},
        {"Chain ID: 1", "Chain ID: 99999999999999999999"},
        {"Nonce: 32891756", "Nonce: 3289175"},
        {"Nonce: 32891756", "Nonce: 3289175-"},
        {"2021-09-30T16:25:24Z\nExp", "2021-09-31T16:25:24Z\nExp"},
        {"Expiration Time: ", "Expires: "},
        {"a%20b", "a b"},
        {"- ipfs", "* ipfs"},
        {"ipfs://bafy", "ipfs"},
        {"https://example.com/x", "https://example.com/x\n"},
        {"Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"},
    };
    for (const auto& [from, to] : changes) {
        EXPECT_FALSE(parse_siwe_message(replaced(good, from, to)).has_value()) << from << " -> " << to;
    }
    EXPECT_FALSE(parse_siwe_message("").has_value());
    EXPECT_FALSE(parse_siwe_message(good + std::string(kSiweMessageMax, 'x')).has_value());
}

TEST(SiweMessage, EveryTruncationIsRefusedOrEndsAtALine) {
    const std::string good = full_message();
    const std::size_t issued = good.find("\nExpiration");
    for (std::size_t size = 0; size < issued; ++size) {
        const bool ends_in_fraction = size == issued;
        EXPECT_EQ(parse_siwe_message(good.substr(0, size)).has_value(), ends_in_fraction) << size;
    }
    EXPECT_TRUE(parse_siwe_message(good.substr(0, issued)).has_value());
}

TEST(Rfc3339, KnowsTheCalendar) {
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z").value(), 0U);
    EXPECT_EQ(parse_rfc3339("2000-02-29T12:00:00+12:00").value(), 951'782'400U);
    EXPECT_EQ(parse_rfc3339("2021-09-30T16:25:24.999999999Z").value(), 1'633'019'124U);
    for (const char* wrong :
         {"", "2021-09-30", "2021-9-30T16:25:24Z", "2021-02-29T00:00:00Z", "2021-13-01T00:00:00Z",
          "2021-00-01T00:00:00Z", "2021-09-30T24:00:00Z", "2021-09-30T16:60:24Z", "2021-09-30T16:25:24",
          "2021-09-30T16:25:24.Z", "2021-09-30T16:25:24+1:00", "2021-09-30T16:25:24Zx", "1969-12-31T23:59:59Z",
          "9999-12-31T23:59:59-01:00", "2021-09-30 16:25:24Z"}) {
        EXPECT_FALSE(parse_rfc3339(wrong).has_value()) << wrong;
    }
}

TEST(Rfc3339, WritesWhatItReads) {
    for (const std::uint64_t time : {0ULL, 951'827'696ULL, 1'633'019'124ULL, 4'107'542'399ULL}) {
        EXPECT_EQ(parse_rfc3339(to_rfc3339(time)).value(), time);
    }
    EXPECT_EQ(to_rfc3339(951'827'696), "2000-02-29T12:34:56Z");
}

// A signature that ethers made of "Some data" with the key 0x4c08...2318, from its documentation.
TEST(PersonalMessage, HashesAsWalletsDo) {
    EXPECT_EQ(codec::to_hex(personal_message_hash("Some data")),
              "0x1da44b586eb0729ff70a73c326926f6ed5a25f5b056e7f47fbc6e58d86871655");
}

}  // namespace
}  // namespace vcity::gateway
