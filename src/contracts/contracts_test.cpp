// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "contracts/access_manager.hpp"
#include "contracts/dev_stable.hpp"
#include "contracts/escrow.hpp"
#include "contracts/tables.hpp"
#include "crypto/keccak.hpp"

namespace vcity::contracts {
namespace {

const Address kSomebody = Address::make(Bytes(20, 0x11));
const Address kOther = Address::make(Bytes(20, 0x22));

std::uint32_t selector_of(const std::string& signature) {
    const Hash digest = crypto::keccak256_text(signature);
    return std::uint32_t{digest.bytes[0]} << 24U | std::uint32_t{digest.bytes[1]} << 16U |
           std::uint32_t{digest.bytes[2]} << 8U | digest.bytes[3];
}

TEST(Bindings, SelectAsTheChainDoes) {
    ASSERT_FALSE(function_table().empty());
    for (const FunctionEntry& entry : function_table()) {
        EXPECT_EQ(entry.selector, selector_of(std::string{entry.signature})) << entry.signature;
        EXPECT_EQ(entry.signature, std::string{entry.name} + types_of(entry.inputs));
        EXPECT_TRUE(codec::parse_abi_types(types_of(entry.outputs))) << entry.signature;
    }
    for (const ErrorEntry& entry : error_table()) {
        EXPECT_EQ(entry.selector, selector_of(std::string{entry.name} + types_of(entry.inputs))) << entry.name;
    }
    for (const EventEntry& entry : event_table()) {
        EXPECT_EQ(entry.topic, crypto::keccak256_text(std::string{entry.name} + types_of(entry.inputs))) << entry.name;
    }
    EXPECT_TRUE(std::ranges::is_sorted(error_table(), {}, &ErrorEntry::selector));
    EXPECT_EQ(codec::to_hex(dev_stable::encode_transfer(kSomebody, 5U)).substr(0, 10), "0xa9059cbb");
}

TEST(Bindings, EncodeWhatTheyDecode) {
    const Bytes call = dev_stable::encode_transfer(kSomebody, U128{1} << 100U);
    const std::optional<Decoded> decoded = decode_call("DevStable", call);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->name, "transfer");
    EXPECT_EQ(decoded->values[1].name, "value");
    EXPECT_EQ(format_value(decoded->values[1].type, decoded->values[1].value), "1267650600228229401496703205376");
    EXPECT_FALSE(decode_call("Escrow", call));
    EXPECT_FALSE(decode_call("DevStable", ByteView{call}.first(call.size() - 1)));
    EXPECT_FALSE(decode_call("DevStable", ByteView{call}.first(3)));
}

TEST(Bindings, ReadStructsAndSeveralResults) {
    const Bytes role =
        codec::abi_encode({codec::abi_uint(7), codec::abi_uint(8), codec::abi_uint(9), codec::abi_uint(10)});
    const auto access = access_manager::decode_get_access(role);
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(access->since, 7U);
    EXPECT_EQ(access->effect, 10U);
    const escrow::SpendingCap cap{.client = kSomebody, .scheduler = kOther, .limit = 5, .expiry = 6, .nonce = {}};
    const Bytes signature(65, 3);
    const auto decoded = decode_call("Escrow", escrow::encode_open_cap(cap, signature));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->values[0].value.items.size(), 5U);
    EXPECT_EQ(decoded->values[1].value.bytes, signature);
}

TEST(Bindings, AreStrictAboutAnswers) {
    EXPECT_EQ(dev_stable::decode_balance_of({}).error().code, Errc::kCorrupt);
    EXPECT_EQ(dev_stable::decode_balance_of(Bytes(31, 0)).error().code, Errc::kCorrupt);
    EXPECT_EQ(dev_stable::decode_balance_of(Bytes(33, 0)).error().code, Errc::kCorrupt);
    EXPECT_EQ(dev_stable::decode_balance_of(Bytes(32, 0)).value(), Uint256{});
    EXPECT_EQ(dev_stable::decode_decimals(codec::abi_encode({codec::abi_uint(256)})).error().code, Errc::kCorrupt);
    EXPECT_EQ(dev_stable::decode_decimals(codec::abi_encode({codec::abi_uint(255)})).value(), 255);
}

TEST(Bindings, ReadEvents) {
    const Bytes data = codec::abi_encode({codec::abi_uint(12)});
    const std::vector<Hash> topics{dev_stable::transfer_topic(), *codec::abi_to_hash(codec::abi_address(kSomebody)),
                                   *codec::abi_to_hash(codec::abi_address(kOther))};
    const auto event = dev_stable::decode_transfer_event(topics, data);
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(event->from, kSomebody);
    EXPECT_EQ(event->to, kOther);
    EXPECT_EQ(event->value, Uint256{12U});
    const auto decoded = decode_event("DevStable", topics, data);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->name, "Transfer");
    EXPECT_FALSE(decode_event("Escrow", topics, data));
    EXPECT_FALSE(decode_event("DevStable", {topics[0], topics[1]}, data));
    EXPECT_FALSE(decode_event("DevStable", {}, data));
    EXPECT_FALSE(dev_stable::decode_transfer_event({topics[0], topics[1], Hash::make(Bytes(32, 0xff))}, data));
    EXPECT_FALSE(dev_stable::decode_approval_event(topics, data));
}

TEST(Bindings, NameErrors) {
    const Bytes data = encode_selected(selector_of("AccessManagedUnauthorized(address)"), {codec::abi_address(kOther)});
    const auto decoded = decode_error(data);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->name, "AccessManagedUnauthorized");
    EXPECT_EQ(decoded->values[0].name, "caller");
    EXPECT_EQ(decode_error(encode_selected(0x08c379a0, {codec::abi_string("why")}))->name, "Error");
    EXPECT_FALSE(decode_error(encode_selected(0x08c379a1, {codec::abi_string("why")})));
    EXPECT_FALSE(decode_error(Bytes{1, 2, 3}));
    EXPECT_FALSE(decode_error(ByteView{data}.first(20)));
}

TEST(Texts, BecomeValuesAndBack) {
    for (const auto& [type, text] : std::vector<std::pair<std::string, std::string>>{
             {"uint256", "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
             {"uint8", "0"},
             {"int256", "-57896044618658097711785492504343953926634992332820282019728792003956564819968"},
             {"int8", "-128"},
             {"bool", "true"},
             {"bytes4", "0x01020304"},
             {"bytes", "0x"},
             {"string", "two words"},
             {"address", "0x1111111111111111111111111111111111111111"},
             {"(uint8,string)[]", R"([["1","a"],["2","b"]])"},
             {"uint16[]", "[]"}}) {
        const auto value = parse_value(type, text);
        ASSERT_TRUE(value) << type << ": " << value.error().message;
        EXPECT_EQ(format_value(type, *value), text);
    }
    EXPECT_EQ(parse_value("(uint8,bool)", "[7, true]").value().items[0], codec::abi_uint(7));
    EXPECT_EQ(parse_value("uint256", "0x10").value(), codec::abi_uint(16));
}

TEST(Texts, AreRefusedWhenTheyDoNotFit) {
    for (const auto& [type, text] : std::vector<std::pair<std::string, std::string>>{
             {"uint256", "115792089237316195423570985008687907853269984665640564039457584007913129639936"},
             {"uint8", "256"},
             {"uint8", "-1"},
             {"uint8", ""},
             {"uint8", "1e3"},
             {"int8", "128"},
             {"int8", "-129"},
             {"int8", "-"},
             {"int256", "-57896044618658097711785492504343953926634992332820282019728792003956564819969"},
             {"bool", "yes"},
             {"bytes4", "0x010203"},
             {"bytes", "01"},
             {"address", "0x12"},
             {"uint8[]", "1"},
             {"uint8[]", "[[1]]"},
             {"uint8[]", "[1.5]"},
             {"(uint8,bool)", "[1]"},
             {"uint7", "1"}}) {
        const auto value = parse_value(type, text);
        ASSERT_FALSE(value) << type << " " << text;
        EXPECT_EQ(value.error().code, Errc::kInvalid);
    }
}

TEST(Texts, MakeCalls) {
    const FunctionEntry* transfer = find_function("DevStable", "transfer");
    ASSERT_NE(transfer, nullptr);
    const auto call = encode_call_from_text(*transfer, {"0x1111111111111111111111111111111111111111", "5"});
    EXPECT_EQ(call.value(), dev_stable::encode_transfer(kSomebody, 5U));
    EXPECT_FALSE(encode_call_from_text(*transfer, {"5"}));
    EXPECT_NE(encode_call_from_text(*transfer, {"5", "5"}).error().message.find("to: expected an address"),
              std::string::npos);
    EXPECT_EQ(find_function("DevStable", "transfer(address,uint256)"), transfer);
    EXPECT_EQ(find_function("DevStable", "nothing"), nullptr);
    EXPECT_EQ(find_function("Nothing", "transfer"), nullptr);
}

}  // namespace
}  // namespace vcity::contracts
