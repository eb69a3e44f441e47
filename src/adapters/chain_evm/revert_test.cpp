// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/revert.hpp"

#include <set>

#include <gtest/gtest.h>

#include "adapters/chain_evm/revert_texts.hpp"
#include "base/vcai.hpp"
#include "codec/hex.hpp"
#include "contracts/tables.hpp"
#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::adapters {
namespace {

using codec::abi_uint;

Bytes revert(const std::string& signature, const std::vector<codec::AbiValue>& arguments) {
    const Hash digest = crypto::keccak256_text(signature);
    Bytes data(digest.bytes.begin(), digest.bytes.begin() + 4);
    append(&data, codec::abi_encode(arguments));
    return data;
}

codec::AbiValue any_value(const codec::AbiType& type) {
    switch (type.kind) {
        case codec::AbiValue::Kind::kWord: return abi_uint(type.name.starts_with("bytes") ? 0 : 1);
        case codec::AbiValue::Kind::kBytes: return codec::abi_string("text");
        case codec::AbiValue::Kind::kArray: return codec::abi_array({any_value(type.members[0])});
        case codec::AbiValue::Kind::kTuple: break;
    }
    std::vector<codec::AbiValue> members;
    for (const codec::AbiType& member : type.members) members.push_back(any_value(member));
    return codec::abi_tuple(std::move(members));
}

TEST(Revert, SaysEveryErrorOfEveryContractInWords) {
    ASSERT_GT(contracts::error_table().size(), 50U);
    for (const contracts::ErrorEntry& entry : contracts::error_table()) {
        const std::string types = contracts::types_of(entry.inputs);
        std::vector<codec::AbiValue> arguments;
        for (const contracts::Parameter& input : entry.inputs) {
            arguments.push_back(any_value(codec::parse_abi_type(input.type).value()));
        }
        const std::string text = describe_revert(revert(std::string{entry.name} + types, arguments), "");
        EXPECT_TRUE(text.starts_with("reverted: ")) << text;
        EXPECT_TRUE(text.ends_with(" (" + std::string{entry.name} + ")")) << text;
        EXPECT_EQ(text.find('{'), std::string::npos) << text;
    }
}

TEST(Revert, ShowsArgumentsByNameAndInHumanUnits) {
    EXPECT_EQ(describe_revert(revert("BatchIndexMismatch(uint64,uint64)", {abi_uint(3), abi_uint(2)}), ""),
              "reverted: batch 2 cannot be posted: the next one is 3 (BatchIndexMismatch)");
    const Address client = Address::make(Bytes(20, 0x11));
    EXPECT_EQ(describe_revert(revert("BalanceTooLow(address,uint128,uint128)",
                                     {codec::abi_address(client), abi_uint(1'500'000), abi_uint(2'000'000)}),
                              ""),
              "reverted: " + crypto::to_checksum_address(client) +
                  " has 1.500000 USD free in the escrow, 2.000000 USD are needed (BalanceTooLow)");
    EXPECT_EQ(
        describe_revert(revert("CapExpired(bytes32,uint64)", {codec::abi_hash(Hash{}), abi_uint(1'800'000'000)}), ""),
        "reverted: spending cap 0x" + std::string(64, '0') + " expired at 2027-01-15 08:00:00 UTC (CapExpired)");
    EXPECT_EQ(describe_revert(revert("RefundPending(uint256,address,uint64)",
                                     {abi_uint(3), codec::abi_address(client), abi_uint(1'800'000'000)}),
                              ""),
              "reverted: refund pending: agent id 3, user " + crypto::to_checksum_address(client) +
                  ", refund at 2027-01-15 08:00:00 UTC (RefundPending)");
    EXPECT_EQ(describe_revert(revert("Error(string)", {codec::abi_string("no\n\x01way")}), ""), "reverted: no??way");
    EXPECT_NE(describe_revert(revert("Panic(uint256)", {abi_uint(17)}), "").find("panic 17"), std::string::npos);
}

TEST(Revert, ShowsWhatItDoesNotKnow) {
    EXPECT_EQ(describe_revert({}, "out of\ngas"), "reverted: out of?gas");
    EXPECT_EQ(describe_revert(Bytes{1, 2, 3}, ""), "reverted with 0x010203");
    EXPECT_EQ(describe_revert(Bytes{0xde, 0xad, 0xbe, 0xef, 1}, ""), "reverted with 0xdeadbeef01");
    // Truncated arguments of a known error.
    const Bytes broken = revert("BatchIndexMismatch(uint64,uint64)", {abi_uint(3)});
    EXPECT_EQ(describe_revert(broken, ""), "reverted with " + codec::to_hex(broken));
}

TEST(Revert, HasSentencesForErrorsThatExist) {
    std::set<std::string> known;
    for (const contracts::ErrorEntry& entry : contracts::error_table()) {
        known.insert(std::string{entry.name} + contracts::types_of(entry.inputs));
    }
    for (const std::string_view error : errors_with_sentences()) {
        EXPECT_TRUE(known.contains(std::string{error})) << error;
    }
}

TEST(Revert, SpeaksOfAmountsMomentsAndSpans) {
    const auto vcai = [](std::uint64_t amount) { return codec::abi_uint_wide(amount * kWeiPerVcai); };
    EXPECT_EQ(
        describe_revert(revert("StakeBelowMinimum(uint8,uint256,uint128)", {abi_uint(1), vcai(100), vcai(7)}), ""),
        "reverted: as scheduler at least 100 VCAI must be staked, not 7 VCAI (StakeBelowMinimum)");
    EXPECT_EQ(describe_revert(revert("PauseTooLong(uint64,uint64)", {abi_uint(604'800), abi_uint(604'801)}), ""),
              "reverted: a pause may last 7 days at most, not 604801 seconds (PauseTooLong)");
    EXPECT_EQ(describe_revert(revert("ModulePaused(uint64)", {abi_uint(1'800'000'000)}), ""),
              "reverted: the guardian has paused this module until 2027-01-15 08:00:00 UTC (ModulePaused)");
    // A number that is no moment stays a number.
    EXPECT_EQ(describe_revert(revert("ModulePaused(uint64)", {abi_uint(5)}), ""),
              "reverted: the guardian has paused this module until 5 (ModulePaused)");
}

TEST(Revert, NamesRoles) {
    EXPECT_EQ(role_name(1), "scheduler");
    EXPECT_EQ(role_name(9), "9");
    EXPECT_EQ(permission_name(1), "SETTLEMENT");
    EXPECT_EQ(permission_name(19), "FRAUD_PROOFS");
    EXPECT_EQ(permission_name(99), "99");
}

}  // namespace
}  // namespace vcity::adapters
