// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/logs.hpp"

#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "adapters/chain_evm/contracts.hpp"
#include "adapters/chain_evm/deploy.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;

codec::Json read_json(const std::string& name) {
    std::ifstream file{std::string{VCITY_SOURCE_DIR} + "/contracts/deployments/" + name};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return codec::parse_json(text).value();
}

// "Name(type indexed name,...)" as the contracts' ABIs have it; structs are written "tuple".
std::set<std::string> declarations(const std::string& kind, bool with_names) {
    std::set<std::string> found;
    const Json artifacts = read_json("artifacts.json");
    for (const auto& [contract, artifact] : *artifacts.get_object()) {
        for (const Json& item : *artifact.find("abi")->get_array()) {
            if (*item.find("type")->get_string() != kind) continue;
            std::string text = *item.find("name")->get_string() + "(";
            for (const Json& input : *item.find("inputs")->get_array()) {
                if (text.back() != '(') text += ",";
                text += *input.find("type")->get_string();
                const Json* indexed = input.find("indexed");
                if (with_names && indexed != nullptr && *indexed->get_bool()) text += " indexed";
                if (with_names) text += " " + *input.find("name")->get_string();
            }
            found.insert(text + ")");
        }
    }
    return found;
}

TEST(ChainAbi, DeclaresEventsAsTheContractsDo) {
    const std::set<std::string> declared = declarations("event", true);
    for (const std::string_view event : known_events()) EXPECT_TRUE(declared.contains(std::string{event})) << event;
}

class Logs : public ::testing::Test {
  protected:
    Logs() {
        deployment.registry.bytes.fill(2);
        deployment.escrow.bytes.fill(3);
        deployment.settlement.bytes.fill(4);
        client.bytes.fill(5);
    }
    static Hash topic(const Address& address) { return Hash{codec::abi_address(address).word.bytes}; }
    EvmLog deposited(U256 amount) {
        EvmLog log;
        log.address = deployment.escrow;
        log.topics = {crypto::keccak256_text("Deposited(address,address,uint128)"), topic(client), topic(client)};
        log.data = Bytes{amount.bytes.begin(), amount.bytes.end()};
        log.block_number = 5;
        return log;
    }

    Deployment deployment;
    Address client;
};

TEST_F(Logs, DecodesInChainOrder) {
    EvmLog first = deposited(codec::to_u256(1));
    EvmLog second = deposited(codec::to_u256(2));
    second.log_index = 1;

    const auto decoded = decode_logs(deployment, {second, first});

    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    ASSERT_EQ(decoded->events.size(), 2U);
    EXPECT_EQ(std::get<Deposited>(decoded->events[0].what).amount, Usd{1});
    EXPECT_EQ(std::get<Deposited>(decoded->events[0].what).client, client);
    EXPECT_EQ(decoded->events[1].log_index, 1U);
}

TEST_F(Logs, PassesOverWhatIsNotOurs) {
    EvmLog stranger = deposited(codec::to_u256(1));
    stranger.address = deployment.registry;
    EvmLog unknown = deposited(codec::to_u256(1));
    unknown.topics[0].bytes[0] ^= 1;
    unknown.log_index = 1;
    EvmLog bare = deposited(codec::to_u256(1));
    bare.topics.clear();
    bare.log_index = 2;

    const auto decoded = decode_logs(deployment, {stranger, unknown, bare});

    ASSERT_TRUE(decoded.has_value());
    EXPECT_TRUE(decoded->events.empty());
}

TEST_F(Logs, RefusesMalformedOnes) {
    EvmLog short_data = deposited(codec::to_u256(1));
    short_data.data.pop_back();
    EXPECT_EQ(decode_logs(deployment, {short_data}).error().code, Errc::kCorrupt);
    EvmLog missing_topic = deposited(codec::to_u256(1));
    missing_topic.topics.pop_back();
    EXPECT_EQ(decode_logs(deployment, {missing_topic}).error().code, Errc::kCorrupt);
    EvmLog bad_address = deposited(codec::to_u256(1));
    bad_address.topics[1].bytes[0] = 1;
    EXPECT_EQ(decode_logs(deployment, {bad_address}).error().code, Errc::kCorrupt);
    EXPECT_EQ(decode_logs(deployment, {deposited({}), deposited({})}).error().code, Errc::kCorrupt);
}

TEST_F(Logs, NoticesAReorganisationInTheMiddle) {
    EvmLog other = deposited(codec::to_u256(1));
    other.log_index = 1;
    other.block_hash.bytes.fill(1);

    EXPECT_EQ(decode_logs(deployment, {deposited({}), other}).error().code, Errc::kUnavailable);
}

TEST_F(Logs, IsNotStoppedByAnAmountBeyondAllMoney) {
    const U128 huge = static_cast<U128>(1) << 100U;

    const auto decoded = decode_logs(deployment, {deposited(codec::to_u256_wide(huge))});

    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(std::get<Deposited>(decoded->events[0].what).amount, Usd{UINT64_MAX});
}

Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 31'337;
    deployment.block = 12;
    deployment.stable.bytes.fill(0xab);
    deployment.settlement.bytes.fill(0xcd);
    return deployment;
}

TEST(DeploymentFile, ReadsWhatItWrote) {
    const Result<Deployment> read = parse_deployment(format_deployment(a_deployment()));

    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(*read, a_deployment());
}

TEST(DeploymentFile, SaysWhichFieldIsWrong) {
    const auto message_with = [](const std::string& from, const std::string& to) {
        std::string text = format_deployment(a_deployment());
        text.replace(text.find(from), from.size(), to);
        const Result<Deployment> read = parse_deployment(text);
        return read ? "accepted" : read.error().message;
    };

    EXPECT_NE(message_with("31337", "\"31337\"").find("chainId"), std::string::npos);
    EXPECT_NE(message_with("chainId", "chainid").find("chainid"), std::string::npos);
    EXPECT_NE(message_with("\"stable\": \"0x", "\"stable\": \"").find("stable"), std::string::npos);
    EXPECT_NE(message_with("\"block\"", "\"escrow\""), "accepted");
    EXPECT_EQ(parse_deployment("[]").error().code, Errc::kInvalid);
    EXPECT_EQ(load_deployment("/no/such/file").error().code, Errc::kNotFound);
}

TEST(Artifacts, HoldAllContracts) {
    const auto artifacts = load_artifacts(std::string{VCITY_SOURCE_DIR} + "/contracts/deployments/artifacts.json");

    ASSERT_TRUE(artifacts.has_value()) << artifacts.error().message;
    for (const char* name : {"AccessManager", "DevStable", "NodeRegistry", "Escrow", "Settlement"}) {
        EXPECT_TRUE(artifacts->contains(name)) << name;
    }
    EXPECT_EQ(parse_artifacts("{\"X\": {}}").error().code, Errc::kInvalid);
    EXPECT_EQ(parse_artifacts("{\"X\": {\"bytecode\": \"0xzz\"}}").error().code, Errc::kInvalid);
}

TEST(Bytes32Text, RoundTripsShortText) {
    EXPECT_EQ(bytes32_to_text(text_to_bytes32("RTX 4090").value()), "RTX 4090");
    EXPECT_EQ(bytes32_to_text(Hash{}), "");
    EXPECT_EQ(text_to_bytes32(std::string(32, 'x')).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::adapters
