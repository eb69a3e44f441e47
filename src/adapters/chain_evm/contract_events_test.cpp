// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/contract_events.hpp"

#include <gtest/gtest.h>

#include "codec/abi.hpp"
#include "codec/hex.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using Pair = std::pair<std::string, std::string>;

class ContractLogs : public ::testing::Test {
  public:
    ContractLogs() {
        deployment.escrow.bytes.fill(3);
        deployment.contracts["Escrow"] = deployment.escrow;
        deployment.contracts["VeVCAI"].bytes.fill(7);
        deployment.contracts["VCAIToken"].bytes.fill(8);
        holder.bytes.fill(5);
    }
    static Hash topic(const Address& address) { return Hash{codec::abi_address(address).word.bytes}; }
    EvmLog locked() const {
        EvmLog log;
        log.address = deployment.contracts.at("VeVCAI");
        log.topics = {crypto::keccak256_text("Locked(address,uint256,uint256,uint256,uint256)"), topic(holder)};
        log.data = codec::abi_encode(
            {codec::abi_uint(5), codec::abi_uint(12), codec::abi_uint(3), codec::abi_uint(1'800'000'000)});
        log.block_number = 9;
        return log;
    }

    Deployment deployment;
    Address holder;
};

TEST_F(ContractLogs, an_event_is_told_with_its_parameters) {
    const auto events = decode_contract_logs(deployment, {locked()});
    ASSERT_TRUE(events.has_value()) << events.error().message;
    ASSERT_EQ(events->size(), 1U);
    const ContractEvent& event = events->front();
    EXPECT_EQ(event.contract, "VeVCAI");
    EXPECT_EQ(event.name, "Locked");
    EXPECT_EQ(event.block_number, 9U);
    ASSERT_EQ(event.values.size(), 5U);
    EXPECT_EQ(event.values[0], (Pair{"user", codec::to_hex(holder)}));
    EXPECT_EQ(event.values[2], (Pair{"amount", "12"}));
}

TEST_F(ContractLogs, what_has_a_type_of_its_own_what_is_a_tokens_and_what_no_abi_declares_is_left_out) {
    EvmLog deposited = locked();
    deposited.address = deployment.escrow;
    deposited.topics = {crypto::keccak256_text("Deposited(address,address,uint128)"), topic(holder), topic(holder)};
    deposited.data = codec::abi_encode({codec::abi_uint(5)});
    EvmLog transfer = locked();
    transfer.address = deployment.contracts["VCAIToken"];
    transfer.log_index = 1;
    EvmLog unknown = locked();
    unknown.topics[0].bytes[0] ^= 1;
    unknown.log_index = 2;
    EvmLog bare = locked();
    bare.topics.clear();
    bare.log_index = 3;
    EvmLog short_data = locked();
    short_data.data.pop_back();
    short_data.log_index = 4;
    const auto events = decode_contract_logs(deployment, {deposited, transfer, unknown, bare, short_data});
    ASSERT_TRUE(events.has_value());
    EXPECT_TRUE(events->empty());
}

TEST_F(ContractLogs, the_order_is_the_chains_and_a_log_that_comes_twice_is_refused) {
    EvmLog later = locked();
    later.log_index = 7;
    const auto events = decode_contract_logs(deployment, {later, locked()});
    ASSERT_EQ(events->size(), 2U);
    EXPECT_EQ(events->front().log_index, 0U);
    EXPECT_EQ(decode_contract_logs(deployment, {later, later}).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace vcity::adapters
