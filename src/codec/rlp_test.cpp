// SPDX-License-Identifier: Apache-2.0
#include "codec/rlp.hpp"

#include <random>

#include <gtest/gtest.h>

#include "codec/integer.hpp"
#include "codec/testing/vectors.hpp"

namespace vcity::codec {
namespace {

Result<RlpItem> decoded(std::string_view hex) {
    return rlp_decode(parse_hex(hex).value());
}

RlpItem item_of(const Json& json) {
    if (json.is_string()) return rlp_bytes(parse_hex(*json.get_string()).value());
    std::vector<RlpItem> items;
    for (const Json& each : *json.get_array()) items.push_back(item_of(each));
    return rlp_list(std::move(items));
}

TEST(Rlp, MatchesTheSharedVectors) {
    for (const Json& vector : testing::vector_cases(VCITY_SOURCE_DIR, "rlp")) {
        const RlpItem item = item_of(testing::field(vector, "input"));
        const Bytes encoded = testing::bytes(vector, "encoded");
        EXPECT_EQ(rlp_encode(item), encoded);
        EXPECT_EQ(rlp_decode(encoded).value(), item);
    }
}

TEST(Rlp, IntegersHaveNoLeadingZeros) {
    EXPECT_EQ(to_hex(rlp_encode(rlp_integer(0))), "0x80");
    EXPECT_EQ(to_hex(rlp_encode(rlp_integer(15))), "0x0f");
    EXPECT_EQ(to_hex(rlp_encode(rlp_integer(1024))), "0x820400");
    EXPECT_EQ(to_hex(rlp_encode(rlp_u256(U256{}))), "0x80");
    EXPECT_EQ(rlp_u256(to_u256(300)), rlp_integer(300));
}

TEST(RlpDecode, RefusesWhatIsNotCanonical) {
    for (const char* hex : {"0x8100", "0x817f", "0xb800", "0xb801ff", "0xb90001ff", "0xf800", "0xf801c0", "0xb8"}) {
        EXPECT_FALSE(decoded(hex)) << hex;
    }
    EXPECT_TRUE(decoded("0x8180"));
}

TEST(RlpDecode, RefusesWrongLengths) {
    for (const char* hex : {"0x", "0x81", "0x83aabb", "0xc1", "0xc3aabb", "0x8080", "0xc0c0", "0xc281", "0xc28383",
                            "0xbfffffffffffffffff", "0xffffffffffffffffff", "0xbf0100000000000000"}) {
        EXPECT_FALSE(decoded(hex)) << hex;
    }
}

TEST(RlpDecode, HoldsItsBounds) {
    RlpItem deep = rlp_bytes({});
    for (int depth = 0; depth < 16; ++depth) deep = rlp_list({deep});
    EXPECT_TRUE(rlp_decode(rlp_encode(deep)));
    EXPECT_FALSE(rlp_decode(rlp_encode(rlp_list({deep}))));
    EXPECT_TRUE(rlp_decode(rlp_encode(rlp_list(std::vector<RlpItem>(65'535, rlp_bytes({}))))));
    EXPECT_FALSE(rlp_decode(rlp_encode(rlp_list(std::vector<RlpItem>(65'536, rlp_bytes({}))))));
}

TEST(Rlp, ReadsBackWhatItWrites) {
    std::mt19937 random{5};
    for (int round = 0; round < 200; ++round) {
        std::vector<RlpItem> items;
        for (std::size_t count = random() % 5; count > 0; --count) {
            Bytes bytes(random() % 70);
            for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
            items.push_back(random() % 4 == 0 ? rlp_list({rlp_bytes(bytes), rlp_list({})}) : rlp_bytes(bytes));
        }
        const RlpItem item = rlp_list(std::move(items));
        EXPECT_EQ(rlp_decode(rlp_encode(item)).value(), item);
    }
}

}  // namespace
}  // namespace vcity::codec
