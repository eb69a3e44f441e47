// SPDX-License-Identifier: Apache-2.0
#include "codec/abi.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "codec/testing/vectors.hpp"

namespace vcity::codec {
namespace {

std::string words(std::initializer_list<const char*> hex) {
    std::string text = "0x";
    for (const std::string each : hex) {
        text += each.size() == 64 ? each : std::string(64 - each.size(), '0') + each;
    }
    return text;
}

std::vector<AbiType> types(std::string_view text) {
    return parse_abi_types(text).value();
}

Result<std::vector<AbiValue>> decoded(std::string_view type_list, const std::string& hex) {
    return abi_decode(types(type_list), parse_hex(hex).value());
}

// A value of a vector file: numbers are decimal text, all else is hex; a struct is the array of its fields.
AbiValue value_of(const AbiType& type, const Json& json) {
    if (json.is_bool()) return abi_bool(*json.get_bool());
    if (json.is_array()) {
        std::vector<AbiValue> items;
        const JsonArray& members = *json.get_array();
        for (std::size_t index = 0; index < members.size(); ++index) {
            const bool is_array = type.kind == AbiValue::Kind::kArray;
            items.push_back(value_of(type.members[is_array ? 0 : index], members[index]));
        }
        return type.kind == AbiValue::Kind::kArray ? abi_array(std::move(items)) : abi_tuple(std::move(items));
    }
    const std::string& text = *json.get_string();
    if (type.name == "string") return abi_string(text);
    if (type.name == "bytes") return abi_bytes(parse_hex(text).value());
    if (type.name == "address") return abi_address(parse_fixed<Address>(text).value());
    if (type.name.starts_with("bytes")) return abi_fixed_bytes(parse_hex(text).value());
    U256 word;
    for (const char digit : text) {
        unsigned carry = static_cast<unsigned>(digit - '0');
        for (std::size_t index = word.bytes.size(); index-- > 0;) {
            carry += 10U * word.bytes[index];
            word.bytes[index] = static_cast<std::uint8_t>(carry & 0xffU);
            carry >>= 8U;
        }
    }
    return abi_word(word);
}

void expect_encoding(const Json& vector, std::string_view data_field) {
    const std::string& signature = testing::text(vector, "signature");
    const std::vector<AbiType> argument_types = types(std::string_view{signature}.substr(signature.find('(')));
    std::vector<AbiValue> arguments;
    const JsonArray& values = testing::list(vector, "arguments");
    for (std::size_t index = 0; index < values.size(); ++index) {
        arguments.push_back(value_of(argument_types[index], values[index]));
    }
    const Bytes data = testing::bytes(vector, data_field);
    const ByteView after_selector = ByteView{data}.subspan(4);
    EXPECT_TRUE(std::ranges::equal(abi_encode(arguments), after_selector)) << signature;
    EXPECT_EQ(abi_decode(argument_types, after_selector).value(), arguments) << signature;
}

TEST(Abi, MatchesTheSharedVectors) {
    for (const Json& vector : testing::vector_cases(VCITY_SOURCE_DIR, "abi_calls")) expect_encoding(vector, "calldata");
    for (const Json& vector : testing::vector_cases(VCITY_SOURCE_DIR, "abi_errors")) expect_encoding(vector, "data");
}

TEST(Abi, MatchesTheEventVectors) {
    for (const Json& vector : testing::vector_cases(VCITY_SOURCE_DIR, "abi_events")) {
        const std::string& signature = testing::text(vector, "signature");
        const std::vector<AbiType> all = types(std::string_view{signature}.substr(signature.find('(')));
        std::vector<AbiType> data_types;
        std::vector<AbiValue> data_values;
        for (std::size_t index = 0; index < all.size(); ++index) {
            if (*testing::list(vector, "indexed")[index].get_bool()) continue;
            data_types.push_back(all[index]);
            data_values.push_back(value_of(all[index], testing::list(vector, "arguments")[index]));
        }
        EXPECT_EQ(abi_encode(data_values), testing::bytes(vector, "data")) << signature;
        EXPECT_EQ(abi_decode(data_types, testing::bytes(vector, "data")).value(), data_values) << signature;
    }
}

TEST(Abi, MatchesTheSpecificationsExample) {
    // sam(bytes,bool,uint256[]) with "dave", true and [1,2,3].
    const std::vector<AbiValue> arguments{abi_string("dave"), abi_bool(true),
                                          abi_array({abi_uint(1), abi_uint(2), abi_uint(3)})};
    const std::string expected = words(
        {"60", "1", "a0", "4", "6461766500000000000000000000000000000000000000000000000000000000", "3", "1", "2", "3"});
    EXPECT_EQ(to_hex(abi_encode(arguments)), expected);
    EXPECT_EQ(decoded("(bytes,bool,uint256[])", expected).value(), arguments);
}

TEST(Abi, KeepsStaticTuplesInPlaceAndDynamicOnesBehindAnOffset) {
    const AbiValue fixed_tuple = abi_tuple({abi_uint(1), abi_bool(false)});
    EXPECT_EQ(to_hex(abi_encode({fixed_tuple, abi_uint(9)})), words({"1", "0", "9"}));
    const AbiValue dynamic_tuple = abi_tuple({abi_uint(1), abi_string("")});
    EXPECT_EQ(to_hex(abi_encode({dynamic_tuple})), words({"20", "1", "40", "0"}));
    EXPECT_EQ(decoded("((uint8,string))", words({"20", "1", "40", "0"})).value(), std::vector{dynamic_tuple});
    EXPECT_EQ(decoded("((uint8,bool),uint8)", words({"1", "0", "9"})).value(), (std::vector{fixed_tuple, abi_uint(9)}));
}

TEST(AbiDecode, ReadsNothingFromNothing) {
    EXPECT_TRUE(decoded("()", "0x").value().empty());
    EXPECT_FALSE(decoded("()", words({"0"})));
}

TEST(AbiDecode, HoldsTheRangeOfEachType) {
    const std::string max_word(64, 'f');
    EXPECT_TRUE(decoded("(uint256)", "0x" + max_word));
    EXPECT_TRUE(decoded("(bytes32)", "0x" + max_word));
    for (const char* type : {"(uint248)", "(uint8)", "(bool)", "(address)", "(bytes31)", "(bytes4)"}) {
        EXPECT_FALSE(decoded(type, "0x" + max_word)) << type;
    }
    EXPECT_TRUE(decoded("(uint8)", words({"ff"})));
    EXPECT_FALSE(decoded("(uint8)", words({"100"})));
    EXPECT_FALSE(decoded("(bool)", words({"2"})));
    EXPECT_FALSE(decoded("(bytes4)", words({"1"})));
}

TEST(AbiDecode, HoldsTheRangeOfSignedNumbers) {
    const std::string ones(62, 'f');
    EXPECT_TRUE(decoded("(int8)", "0x" + ones + "80"));
    EXPECT_FALSE(decoded("(int8)", "0x" + ones + "7f"));
    EXPECT_TRUE(decoded("(int8)", words({"7f"})));
    EXPECT_FALSE(decoded("(int8)", words({"80"})));
    EXPECT_TRUE(decoded("(int256)", "0x80" + std::string(62, '0')));
    for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
        EXPECT_EQ(abi_to_i64(abi_int(number)).value(), number);
        EXPECT_TRUE(abi_decode(parse_abi_types("(int64)").value(), abi_encode({abi_int(number)})));
    }
    EXPECT_FALSE(abi_to_i64(abi_uint(1ULL << 63U)));
    EXPECT_FALSE(abi_to_i64(abi_bytes({})));
}

TEST(AbiDecode, RefusesBadOffsetsAndLengths) {
    const std::string huge(64, 'f');
    EXPECT_FALSE(decoded("(uint256)", "0x"));
    EXPECT_FALSE(decoded("(uint256)", "0x00"));
    EXPECT_FALSE(decoded("(bytes)", words({"40", "0"})));                            // a gap
    EXPECT_FALSE(decoded("(bytes)", words({"0"})));                                  // itself
    EXPECT_FALSE(decoded("(bytes)", words({huge.c_str(), "0"})));                    // outside
    EXPECT_FALSE(decoded("(bytes)", words({"20", huge.c_str()})));                   // too long
    EXPECT_FALSE(decoded("(bytes)", words({"20", "1"})));                            // no data
    EXPECT_FALSE(decoded("(bytes)", words({"20", "1", "1"})));                       // padding
    EXPECT_FALSE(decoded("(bytes)", words({"20", "0", "0"})));                       // trailing
    EXPECT_FALSE(decoded("(uint8[])", words({"20", "ffffffffffffffff"})));           // too long
    EXPECT_FALSE(decoded("(bytes,bytes)", words({"40", "40", "0"})));                // shared tail
    EXPECT_FALSE(decoded("(bytes,bytes)", words({"60", "40", "0", "0"})));           // out of order
    EXPECT_FALSE(decoded("(uint8[][])", words({"20", "2", "20", "20", "1", "1"})));  // shared tail
}

TEST(AbiType, ReadsNames) {
    EXPECT_EQ(parse_abi_type("uint").value().name, "uint256");
    const AbiType type = parse_abi_type("(uint8,(bytes32,address)[],string)[]").value();
    EXPECT_EQ(type.name, "(uint8,(bytes32,address)[],string)[]");
    EXPECT_EQ(type.kind, AbiValue::Kind::kArray);
    EXPECT_TRUE(type.is_dynamic());
    EXPECT_FALSE(parse_abi_type("(uint8,(bytes32,address))").value().is_dynamic());
    EXPECT_TRUE(parse_abi_type("((string))").value().is_dynamic());
}

TEST(AbiType, RefusesEverythingElse) {
    for (const char* text : {"",
                             "uint7",
                             "uint0",
                             "uint264",
                             "uint08",
                             "int7",
                             "int264",
                             "bytes0",
                             "bytes33",
                             "bytes032",
                             "byte",
                             "()",
                             "(",
                             ")",
                             "(uint8",
                             "(uint8,)",
                             "(,uint8)",
                             "uint8[2]",
                             "uint8[",
                             "uint8]",
                             "uint8 ",
                             " uint8",
                             "uint8,uint8",
                             "uint8x",
                             "(uint8)(uint8)",
                             "((((((((((uint8))))))))))",
                             "uint8[][][][][][][][][]",
                             "fixed128x18",
                             "uint8()"}) {
        EXPECT_FALSE(parse_abi_type(text)) << text;
    }
    EXPECT_FALSE(parse_abi_type("(" + std::string(5000, 'u')));
    EXPECT_FALSE(parse_abi_types("uint8"));
    EXPECT_FALSE(parse_abi_types("(uint8)[]"));
}

TEST(AbiReaders, RefuseWhatDoesNotFit) {
    EXPECT_EQ(abi_to_u64(abi_uint(5)).value(), 5U);
    EXPECT_TRUE(abi_to_u128(abi_uint_wide(U128{1} << 100U)).value() == U128{1} << 100U);
    EXPECT_FALSE(abi_to_u64(abi_uint_wide(U128{1} << 100U)));
    EXPECT_FALSE(abi_to_u64(abi_bytes({})));
    EXPECT_FALSE(abi_to_u128(abi_array({})));
    EXPECT_TRUE(abi_to_bool(abi_bool(true)).value());
    EXPECT_FALSE(abi_to_bool(abi_uint(2)));
    const Address address = Address::make(Bytes(20, 0xab));
    EXPECT_EQ(abi_to_address(abi_address(address)).value(), address);
    EXPECT_FALSE(abi_to_address(abi_hash(Hash::make(Bytes(32, 1)))));
    EXPECT_FALSE(abi_to_address(abi_tuple({})));
    EXPECT_EQ(abi_to_hash(abi_hash(Hash::make(Bytes(32, 1)))).value(), Hash::make(Bytes(32, 1)));
    EXPECT_FALSE(abi_to_hash(abi_string("x")));
    EXPECT_EQ(abi_fixed_bytes(Bytes{1, 2}).word.bytes[1], 2);
}

}  // namespace
}  // namespace vcity::codec
