// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/upkeep.hpp"

#include <map>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "codec/abi.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "contracts/agent_nft.hpp"
#include "contracts/agreements.hpp"
#include "contracts/buyback_executor.hpp"
#include "contracts/revenue_splitter.hpp"
#include "contracts/slashing_court.hpp"
#include "contracts/vcai_governor.hpp"
#include "contracts/vcai_token.hpp"
#include "crypto/secp256k1.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::adapters {
namespace {

using codec::AbiValue;
using codec::Json;

// Words of the structs that two views return.
constexpr std::size_t kCaseWords = 14;
constexpr std::size_t kAgreementWords = 18;

// A server that knows what each function of each contract answers; whatever it does not know reverts.
class FakeServer final : public ports::HttpClient {
  public:
    // call: encoded as the program would; only its selector counts. nullopt: reverts.
    void answer(const Address& contract, const Bytes& call, std::optional<Bytes> result) {
        answers_[key(codec::to_hex(contract), codec::to_hex(call))] = std::move(result);
    }
    void add_log(const Address& contract, const std::vector<Hash>& topics) {
        Json log;
        log.set("address", codec::to_hex(contract));
        codec::JsonArray list;
        for (const Hash& topic : topics) list.emplace_back(codec::to_hex(topic));
        log.set("topics", std::move(list));
        log.set("data", "0x");
        log.set("blockNumber", "0x5");
        log.set("blockHash", codec::to_hex(Hash{}));
        log.set("transactionHash", codec::to_hex(Hash{}));
        log.set("logIndex", "0x0");
        logs_.push_back(std::move(log));
    }
    bool is_down = false;

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint) override {
        if (is_down) co_return make_error(Errc::kUnavailable, "nobody there");
        const Json body = codec::parse_json(request.body).value();
        const std::string method = *body.find("method")->get_string();
        const codec::JsonArray parameters = *body.find("params")->get_array();
        Json answer;
        answer.set("jsonrpc", "2.0");
        answer.set("id", *body.find("id"));
        if (method == "eth_call" || method == "eth_estimateGas") {
            call(parameters.at(0), &answer);
        } else if (method == "eth_getLogs") {
            answer.set("result", logs_);
        } else if (method == "eth_getBlockByNumber") {
            Json block;
            block.set("number", "0x5");
            block.set("hash", codec::to_hex(Hash{}));
            block.set("timestamp", codec::to_quantity(kNow));
            answer.set("result", std::move(block));
        } else {
            answer.set("result", "0x1");
        }
        ports::HttpResponse response;
        response.status = 200;
        response.body = codec::dump_json(answer);
        co_return response;
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest, TimePoint) override {
        co_return make_error(Errc::kUnavailable, "no streams here");
    }

    static constexpr std::uint64_t kNow = 1'000'000;

  private:
    static std::string key(const std::string& to, const std::string& data) { return to + data.substr(0, 10); }

    void call(const Json& object, Json* answer) {
        const auto found = answers_.find(key(*object.find("to")->get_string(), *object.find("data")->get_string()));
        if (found != answers_.end() && found->second) {
            answer->set("result", codec::to_hex(*found->second));
            return;
        }
        Json error;
        error.set("code", 3);
        error.set("message", "execution reverted");
        answer->set("error", std::move(error));
    }

    std::map<std::string, std::optional<Bytes>> answers_;
    codec::JsonArray logs_;
};

class KeySigner final : public ports::Signer {
  public:
    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_ = crypto::PrivateKey::make(Bytes(32, 1)).value();
};

using Base = ports::testing::OnRuntime<ports::testing::TaskRunner, AsioRuntime>;

class UpkeepTest : public ::testing::Test, public Base {
  protected:
    UpkeepTest() {
        std::uint8_t fill = 10;
        for (const char* name :
             {"BuybackExecutor", "Agreements", "AgentNFT", "RevenueSplitter", "SlashingCourt", "VCAIGovernor"}) {
            deployment.contracts[name].bytes.fill(fill++);
        }
        deployment.stable.bytes.fill(1);
    }
    Address of(const char* name) const { return deployment.contracts.at(name); }
    DutyList look(DutyKind kind) { return ports::testing::await(*this, made().look(kind)).value(); }
    std::string step(DutyKind kind) {
        const DutyList list = look(kind);
        return list.due.empty() ? "" : list.due.front().step;
    }
    static Bytes word(std::uint64_t value) { return codec::abi_encode({codec::abi_uint(value)}); }
    static Hash subject(std::uint64_t value) { return codec::to_u256(value).as<Hash>(); }

    // The upkeep is made when it is first used, after the test has changed the deployment.
    EvmUpkeep& made() {
        if (!upkeep_) upkeep_ = std::make_unique<EvmUpkeep>(&rpc, &sender, deployment);
        return *upkeep_;
    }

    Deployment deployment;
    FakeServer server;
    EvmRpc rpc{&runtime(), &server, "http://chain/"};
    KeySigner signer;
    TransactionSender sender{&runtime(), &rpc, &signer, 1};

  private:
    std::unique_ptr<EvmUpkeep> upkeep_;
};

TEST_F(UpkeepTest, KnowsTheDutiesOfTheContractsThatThereAre) {
    EXPECT_EQ(made().kinds(), (std::vector{DutyKind::kBuyBack, DutyKind::kRenewSubscription, DutyKind::kSettleAgreement,
                                           DutyKind::kSweepAgent, DutyKind::kMoveCase, DutyKind::kMoveProposal}));
}

TEST_F(UpkeepTest, CallsDueWhatTheContractWouldAccept) {
    EXPECT_TRUE(look(DutyKind::kBuyBack).due.empty());

    server.answer(of("BuybackExecutor"), contracts::buyback_executor::encode_buy(), word(0));
    EXPECT_EQ(look(DutyKind::kBuyBack).due.size(), 1U);
}

TEST_F(UpkeepTest, IsBeatenWhenTheContractRefuses) {
    Duty duty;
    duty.kind = DutyKind::kBuyBack;
    EXPECT_EQ(ports::testing::await(*this, made().perform(duty)).value(), DutyOutcome::kBeaten);
}

TEST_F(UpkeepTest, PassesOnThatTheServerIsGone) {
    server.is_down = true;
    for (const DutyKind kind : {DutyKind::kBuyBack, DutyKind::kMoveCase, DutyKind::kMoveProposal}) {
        EXPECT_EQ(ports::testing::await(*this, made().look(kind)).error().code, Errc::kUnavailable);
    }
}

TEST_F(UpkeepTest, TakesProposalsFromStepToStep) {
    namespace governor = contracts::vcai_governor;
    const Address contract = of("VCAIGovernor");
    server.add_log(contract, {governor::proposed_topic(), subject(7)});
    server.answer(contract, governor::encode_open_vote({}), Bytes{});
    server.answer(contract, governor::encode_queue({}), Bytes{});
    server.answer(contract, governor::encode_execute({}), Bytes{});
    const std::vector<std::string> steps{"", "open_vote", "", "queue", "", "execute", ""};
    for (std::uint64_t state = 0; state < steps.size(); ++state) {
        server.answer(contract, governor::encode_state({}), word(state));
        EXPECT_EQ(step(DutyKind::kMoveProposal), steps[state]) << state;
    }

    // It was executed, which is final: it is never asked about again.
    server.answer(contract, governor::encode_state({}), word(5));
    EXPECT_EQ(step(DutyKind::kMoveProposal), "");
}

TEST_F(UpkeepTest, TakesCasesFromStepToStep) {
    namespace court = contracts::slashing_court;
    const Address contract = of("SlashingCourt");
    server.answer(contract, court::encode_case_count(), word(1));
    server.answer(contract, court::encode_seat_committee({}), Bytes{});
    server.answer(contract, court::encode_next_round({}), Bytes{});
    server.answer(contract, court::encode_execute({}), Bytes{});
    server.answer(contract, court::encode_pay_shortfall({}), Bytes{});
    const auto put = [&](std::uint64_t state, std::uint64_t deadline) {
        std::vector<AbiValue> words(kCaseWords, codec::abi_uint(0));
        words[1] = codec::abi_uint(deadline);
        words[2] = codec::abi_uint(state);
        server.answer(contract, court::encode_case_of({}), codec::abi_encode(words));
    };
    const auto seats = [&](std::vector<AbiValue> members) {
        server.answer(contract, court::encode_committee_of({}),
                      codec::abi_encode({codec::abi_array(std::move(members))}));
    };
    seats({});
    put(1, FakeServer::kNow + 1);
    EXPECT_EQ(step(DutyKind::kMoveCase), "seat_committee");
    seats({codec::abi_address(contract)});
    EXPECT_EQ(step(DutyKind::kMoveCase), "");
    put(1, FakeServer::kNow);
    EXPECT_EQ(step(DutyKind::kMoveCase), "next_round");
    put(4, 0);
    EXPECT_EQ(step(DutyKind::kMoveCase), "execute");
    put(5, 0);
    EXPECT_EQ(step(DutyKind::kMoveCase), "execute");
    put(6, 0);
    server.answer(contract, court::encode_shortfall_of({}), word(3));
    EXPECT_EQ(step(DutyKind::kMoveCase), "pay_shortfall");
    server.answer(contract, court::encode_shortfall_of({}), word(0));
    EXPECT_EQ(step(DutyKind::kMoveCase), "");
    put(4, 0);
    EXPECT_EQ(step(DutyKind::kMoveCase), "") << "a case that is paid is over";
}

TEST_F(UpkeepTest, RenewsOrSettlesAgreementsThatEnded) {
    namespace agreements = contracts::agreements;
    const Address contract = of("Agreements");
    server.add_log(contract, {agreements::agreement_opened_topic(), subject(9)});
    server.answer(contract, agreements::encode_renew({}), Bytes{});
    server.answer(contract, agreements::encode_settle({}), codec::abi_encode({codec::abi_uint(1), codec::abi_uint(0)}));
    const auto put = [&](std::uint64_t periods_left, std::uint64_t end) {
        std::vector<AbiValue> words(kAgreementWords, codec::abi_uint(0));
        words[0] = codec::abi_uint(1);  // a subscription
        words[1] = codec::abi_uint(1);  // that is active
        words[3] = codec::abi_uint(periods_left);
        words[12] = codec::abi_uint(end);
        server.answer(contract, agreements::encode_agreement_of({}), codec::abi_encode(words));
    };
    put(2, FakeServer::kNow + 1);
    EXPECT_EQ(step(DutyKind::kRenewSubscription), "");
    put(2, FakeServer::kNow);
    EXPECT_EQ(step(DutyKind::kRenewSubscription), "renew");
    EXPECT_EQ(step(DutyKind::kSettleAgreement), "");
    put(0, FakeServer::kNow);
    EXPECT_EQ(step(DutyKind::kRenewSubscription), "");
    EXPECT_EQ(step(DutyKind::kSettleAgreement), "settle");
}

TEST_F(UpkeepTest, SweepsTillsThatHoldSomething) {
    Address till;
    till.bytes.fill(77);
    namespace splitter = contracts::revenue_splitter;
    namespace token = contracts::vcai_token;
    server.add_log(of("AgentNFT"), {contracts::agent_nft::agent_minted_topic(), subject(1)});
    server.answer(of("RevenueSplitter"), splitter::encode_till_of({}), codec::abi_encode({codec::abi_address(till)}));
    server.answer(of("RevenueSplitter"), splitter::encode_sweep({}), word(1));
    server.answer(deployment.stable, token::encode_balance_of({}), word(0));
    EXPECT_EQ(step(DutyKind::kSweepAgent), "");
    server.answer(deployment.stable, token::encode_balance_of({}), word(5));
    EXPECT_EQ(step(DutyKind::kSweepAgent), "sweep");
}

}  // namespace
}  // namespace vcity::adapters
