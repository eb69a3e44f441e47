// SPDX-License-Identifier: Apache-2.0
#include "operator/redact.hpp"

#include <array>
#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "codec/hex.hpp"

namespace vcity::cli {
namespace {

constexpr std::size_t kCanaries = 10'000;

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kTyped = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%^*()+?;,";
constexpr std::array<std::string_view, 16> kWords = {"abandon", "ability", "able",   "zebra", "winter", "velvet",
                                                     "tunnel",  "stove",   "river",  "quick", "pencil", "orbit",
                                                     "noodle",  "museum",  "lizard", "kitten"};

class Canaries {
  public:
    std::string draw(std::string_view letters, std::size_t size) {
        std::string text;
        while (text.size() < size) text += letters[pick(letters.size())];
        return text;
    }
    std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>{0, count - 1}(random_); }

    // A secret that gives itself away, wherever it stands.
    std::string open_secret() {
        switch (pick(15)) {
            case 0: return draw(kHex, 64);
            case 1: return "0x" + draw(kHex, 64);
            case 2: return draw(kHex, 32);
            case 3: return draw(kBase64, 43) + "=";
            case 4: return draw(kBase64, 86) + "==";
            case 5: return draw(kUrl64, 43);
            case 6:
                return fmt::format("{}-{}-4{}-a{}-{}", draw(kHex, 8), draw(kHex, 4), draw(kHex, 3), draw(kHex, 3),
                                   draw(kHex, 12));
            case 7: return "eyJ" + draw(kUrl64, 30) + ".eyJ" + draw(kUrl64, 60) + "." + draw(kUrl64, 43);
            case 8: return "AKIA" + draw(kBase32, 16);
            case 9: return "ghp_" + draw(kBase58, 36);
            case 10: return "sk-" + draw(kBase58, 48);
            case 11: return draw(kBase58, 51);
            case 12: return "0x" + draw(kHex, 130);
            case 13: return phrase(12 + 3 * pick(5));
            default: return "vc_" + draw(kBase58, 32);
        }
    }
    std::string phrase(std::size_t words) {
        std::string text;
        for (std::size_t count = 0; count < words; ++count) {
            text += (count == 0 ? "" : " ") + std::string{kWords[pick(kWords.size())]};
        }
        return text;
    }
    // Any text that holds it.
    std::string line_with(const std::string& secret) {
        switch (pick(9)) {
            case 0: return "2026-11-23T01:02:03Z info node: wrote " + secret + " and went on";
            case 1: return "{\"level\":\"warn\",\"value\":\"" + secret + "\",\"count\":3}";
            case 2: return "export SOMETHING=" + secret;
            case 3: return "something = \"" + secret + "\"  # of the owner";
            case 4: return "GET /v1/x?sig=" + secret + "&expires=1700000000 200";
            case 5: return "[" + secret + "]";
            case 6: return "message: \"\\\"" + secret + "\\\" was refused\"";
            case 7: return "cmd --value " + secret + " --other 5";
            default: return secret;
        }
    }
    // What only its name gives away.
    std::string line_with_named(const std::string& secret) {
        switch (pick(10)) {
            case 0: return "{\"password\": \"" + secret + "\", \"user\": 1}";
            case 1: return "VCITY_API_KEY=" + secret;
            case 2: return "db_passwd = '" + secret + "'";
            case 3: return "Authorization: Bearer " + secret;
            case 4: return "postgresql://operator:" + secret + "@db.example.org/vcity";
            case 5: return "  client_secret: " + secret;
            case 6: return "vcity run --admin-token " + secret;
            case 7: return "{\"body\":\"{\\\"password\\\":\\\"" + secret + "\\\"}\"}";
            case 8: return "Cookie: session=" + secret;
            default: return "header bearer " + secret;
        }
    }

  private:
    std::mt19937_64 random_{7};
};

Redactor redactor() {
    return Redactor{Bytes(32, 5)};
}

// No stretch of the secret that would help anybody is left.
void expect_gone(const std::string& text, const std::string& secret) {
    constexpr std::size_t kPiece = 8;
    if (secret.size() < kPiece) {
        ASSERT_EQ(text.find(secret), std::string::npos) << text;
        return;
    }
    for (std::size_t at = 0; at + kPiece <= secret.size(); ++at) {
        ASSERT_EQ(text.find(secret.substr(at, kPiece)), std::string::npos) << secret << "\n" << text;
    }
}

TEST(Redactor, LetsNoneOfTenThousandCanariesThrough) {
    Canaries canaries;
    const Redactor redact = redactor();
    for (std::size_t count = 0; count < kCanaries; ++count) {
        const bool is_open = count % 2 == 0;
        const std::string secret = is_open ? canaries.open_secret() : canaries.draw(kTyped, 8 + canaries.pick(16));
        const std::string line = is_open ? canaries.line_with(secret) : canaries.line_with_named(secret);
        expect_gone(redact.redact("before\n" + line + "\nafter"), secret);
        if (testing::Test::HasFatalFailure()) FAIL() << "canary " << count << ": " << line;
    }
}

TEST(Redactor, TakesOutWhatItWasTold) {
    Redactor redact = redactor();
    redact.add_secret("horse battery\n");
    redact.add_secret("no");
    EXPECT_EQ(redact.redact("the horse battery, no?").find("horse"), std::string::npos);
    EXPECT_NE(redact.redact("the horse battery, no?").find("no?"), std::string::npos) << "two letters are no secret";
}

TEST(Redactor, TakesOutPemBlocks) {
    const std::string text = redactor().redact(
        "a\n-----BEGIN PRIVATE KEY-----\nMIIB\nshort\n-----END PRIVATE KEY-----\nb\n-----BEGIN X-----\ncut off");
    EXPECT_EQ(text.find("MIIB"), std::string::npos);
    EXPECT_EQ(text.find("short"), std::string::npos);
    EXPECT_EQ(text.find("cut off"), std::string::npos);
    EXPECT_EQ(text.substr(0, 2), "a\n");
    EXPECT_NE(text.find("\nb\n"), std::string::npos);
}

TEST(Redactor, LeavesWhatHelps) {
    const Redactor redact = redactor();
    for (const std::string line :
         {"2026-11-23T01:02:03.456Z [info] node.link: connected to ws://127.0.0.1:8070/link after 3 tries",
          "{\"level\":\"warn\",\"event\":\"receipt_refused\",\"reason\":\"the lease pays less than this node asks\"}",
          "identity 0x52908400098527886E0F7030069857D2E4169EE7 is active",
          "vcity_node_unit_steps_running{unit=\"0\"} 3", "state = \"/var/lib/vcity/node\"",
          "password-file = \"/var/lib/vcity/node/keys/password\"", "gpu-model = \"NVIDIA GeForce RTX 4090\"",
          "MemTotal:       24593720 kB", "\"output_tokens\": 24,", "Linux 6.1.0-25-amd64 on x86_64",
          "stake 4000000000000000000000 wei", "model vcity/vcity-mini-bilingual, 2 slots",
          "/usr/lib/x86_64-linux-gnu/libtorch_cpu.so.1.13"}) {
        EXPECT_EQ(redact.redact(line), line);
    }
}

TEST(Redactor, MarksTheSameSecretAlikeInOneBundleOnly) {
    const std::string secret = std::string(20, 'a') + "1b2c3d4e5f";
    EXPECT_EQ(redactor().redact(secret), redactor().redact(secret));
    EXPECT_NE(redactor().redact(secret), Redactor{Bytes(32, 6)}.redact(secret));
    EXPECT_EQ(redactor().redact("").size(), 0U);
}

}  // namespace
}  // namespace vcity::cli
