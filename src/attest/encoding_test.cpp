// SPDX-License-Identifier: Apache-2.0
#include "attest/encoding.hpp"

#include <gtest/gtest.h>

namespace vcity::attest {
namespace {

std::string base64_of(ByteView bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bits;
    for (const std::uint8_t byte : bytes) {
        for (unsigned bit = 8; bit > 0; --bit) bits += (byte >> (bit - 1) & 1U) != 0 ? '1' : '0';
    }
    while (bits.size() % 6 != 0) bits += '0';
    std::string text;
    for (std::size_t i = 0; i < bits.size(); i += 6) text += kDigits[std::stoul(bits.substr(i, 6), nullptr, 2)];
    return text;
}

TEST(Base64, GivesBackWhatAPlainEncoderWrote) {
    for (std::size_t size = 0; size < 40; ++size) {
        Bytes bytes;
        for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 89 + size * 37));
        std::string text = base64_of(bytes);
        EXPECT_EQ(parse_base64(text, Base64Alphabet::kStandard).value(), bytes);
        while (text.size() % 4 != 0) text += '=';
        EXPECT_EQ(parse_base64(text, Base64Alphabet::kStandard).value(), bytes);
    }
}

TEST(Base64, RefusesSpareBitsForeignCharactersAndLength) {
    EXPECT_FALSE(parse_base64("QR", Base64Alphabet::kStandard));
    EXPECT_FALSE(parse_base64("Q", Base64Alphabet::kStandard));
    EXPECT_FALSE(parse_base64("QQ=A", Base64Alphabet::kStandard));
    EXPECT_FALSE(parse_base64("QQ===", Base64Alphabet::kStandard));
    EXPECT_FALSE(parse_base64("+/+/", Base64Alphabet::kUrl));
    EXPECT_FALSE(parse_base64("-_-_", Base64Alphabet::kStandard));
    EXPECT_FALSE(parse_base64("QQ\nQQ", Base64Alphabet::kStandard));
    EXPECT_FALSE(parse_base64("QUFBQQ", Base64Alphabet::kStandard, 2));
}

TEST(Pem, RefusesAnythingBesideCertificates) {
    const std::string block = "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----\n";
    EXPECT_EQ(parse_pem_certificates(block + block)->size(), 2U);
    EXPECT_EQ(parse_pem_certificates(block + '\0')->size(), 1U);
    EXPECT_FALSE(parse_pem_certificates(""));
    EXPECT_FALSE(parse_pem_certificates(block + "x"));
    EXPECT_FALSE(parse_pem_certificates("x" + block));
    EXPECT_FALSE(parse_pem_certificates(block.substr(0, 40)));
    EXPECT_FALSE(parse_pem_certificates("-----BEGIN PRIVATE KEY-----\nQUFB\n-----END PRIVATE KEY-----\n"));
    EXPECT_FALSE(parse_pem_certificates(block + block, 1));
}

TEST(Timestamp, IsReadToTheSecond) {
    EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z")->count(), 0U);
    EXPECT_EQ(parse_timestamp("2000-02-29T23:59:59Z")->count(), 951'868'799'000U);
    EXPECT_EQ(parse_timestamp("9999-12-31T23:59:59Z")->count(), 253'402'300'799'000U);
}

TEST(Timestamp, OfAnotherFormOrOfNoDayIsRefused) {
    for (const char* text :
         {"", "1969-12-31T23:59:59Z", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-01T24:00:00Z",
          "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z", "2025-01-01 00:00:00Z", "2025-01-01T00:00:00+",
          "2025-01-01T00:00:0 Z", "2025-1-001T00:00:00Z", "-025-01-01T00:00:00Z"}) {
        EXPECT_FALSE(parse_timestamp(text)) << text;
    }
}

TEST(Der, ReadsElementsThatFillTheInput) {
    const Bytes two{0x02, 0x01, 0x05, 0x04, 0x00};
    const auto elements = parse_der(two).value();
    ASSERT_EQ(elements.size(), 2U);
    EXPECT_EQ(der_unsigned(elements[0]).value(), 5U);
    EXPECT_FALSE(der_unsigned(elements[1]));

    Bytes longer{0x04, 0x81, 0x80};
    longer.resize(3 + 0x80);
    EXPECT_EQ(parse_der(longer).value()[0].content.size(), 0x80U);
}

TEST(Der, RefusesLengthsThatAreTruncatedIndefiniteOrNotMinimal) {
    for (const Bytes& bytes :
         {Bytes{0x02}, Bytes{0x02, 0x02, 0x05}, Bytes{0x30, 0x80, 0x00, 0x00}, Bytes{0x02, 0x81, 0x01, 0x05},
          Bytes{0x02, 0x82, 0x00, 0x01, 0x05}, Bytes{0x02, 0x84, 0xff, 0xff, 0xff, 0xff}, Bytes{0x02, 0x81}}) {
        EXPECT_FALSE(parse_der(bytes));
    }
}

TEST(Der, RefusesIntegersThatAreNegativeNotMinimalOrTooLarge) {
    const auto number = [](Bytes content) { return der_unsigned({.tag = kDerInteger, .content = content}); };
    EXPECT_EQ(number({0x00, 0xd9}).value(), 0xd9U);
    EXPECT_EQ(number({0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}).value(), ~std::uint64_t{0});
    EXPECT_FALSE(number({}));
    EXPECT_FALSE(number({0x80}));
    EXPECT_FALSE(number({0x00, 0x05}));
    EXPECT_FALSE(number({1, 0, 0, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace vcity::attest
