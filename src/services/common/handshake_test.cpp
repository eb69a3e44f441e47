// SPDX-License-Identifier: Apache-2.0
#include "services/common/handshake.hpp"

#include <gtest/gtest.h>

#include "market/typed_hashes.hpp"
#include "sim/fakes/chain.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/signer.hpp"

namespace vcity::services {
namespace {

using namespace std::chrono_literals;

Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 5;
    deployment.registry.bytes.fill(1);
    return deployment;
}

Task<void> answer(Runtime* runtime,
                  ports::LinkListener* listener,
                  PeerPolicy policy,
                  std::optional<Result<LinkPeer>>* out) {
    Result<std::unique_ptr<ports::Connection>> connection = co_await listener->accept();
    if (!connection) co_return;
    Result<LinkPeer> peer = co_await authenticate_peer(runtime, connection->get(), policy);
    out->emplace(std::move(peer));
    // Kept open for a moment, so that the peer reads the verdict before the end.
    co_await runtime->sleep_until(runtime->now() + 1s);
}

Task<void> call(Runtime* runtime,
                ports::LinkDialer* dialer,
                Introduction introduction,
                std::optional<Result<LinkWelcome>>* out) {
    Result<std::unique_ptr<ports::Connection>> connection = co_await dialer->dial("ws://s/", runtime->now() + 5s);
    if (!connection) co_return;
    Result<LinkWelcome> welcome = co_await introduce(runtime, connection->get(), introduction);
    out->emplace(std::move(welcome));
}

// A peer that sends what it likes in place of a hello.
Task<void> call_with(Runtime* runtime, ports::LinkDialer* dialer, Message first, std::optional<Result<Message>>* out) {
    Result<std::unique_ptr<ports::Connection>> connection = co_await dialer->dial("ws://s/", runtime->now() + 5s);
    if (!connection) co_return;
    Result<Message> challenge = co_await (*connection)->receive(runtime->now() + 5s);
    Result<void> sent = co_await (*connection)->send(std::move(first));
    Result<Message> verdict = co_await (*connection)->receive(runtime->now() + 5s);
    out->emplace(std::move(verdict));
}

class Handshake : public ::testing::Test {
  protected:
    Handshake() {
        sim::LedgerParams params;
        params.deployment = deployment_;
        params.stake_min = Vcai{100};
        chain_ = std::make_unique<sim::FakeChain>(&world_, params);
        reader_ = chain_->reader(&world_);
        policy_.deployment = &deployment_;
        policy_.self = scheduler_.address();
        policy_.chain = reader_.get();
        policy_.gateways = &gateways_;
    }

    void enrol(const Address& identity, Role role, Vcai stake) {
        chain_->at_genesis(
            [&](sim::Ledger* ledger, std::uint64_t /*now*/) { return ledger->give_vcai(identity, stake); });
        NodeRecord record;
        record.identity = identity;
        record.role = role;
        record.stake = stake;
        chain_->at_genesis(
            [&](sim::Ledger* ledger, std::uint64_t /*now*/) { return ledger->register_node(identity, record); });
    }

    // What both sides conclude.
    std::pair<Result<LinkPeer>, Result<LinkWelcome>> meet(ports::Signer* signer, Role role, Runtime* runtime) {
        Introduction introduction;
        introduction.deployment = &peer_deployment_;
        introduction.signer = signer;
        introduction.role = role;
        introduction.software_version = "1.0";
        std::optional<Result<LinkPeer>> peer;
        std::optional<Result<LinkWelcome>> welcome;
        world_.spawn(answer(&world_, listener_.get(), policy_, &peer));
        runtime->spawn(call(runtime, dialer_.get(), introduction, &welcome));
        world_.run_until(world_.now() + 30s, 10'000);
        EXPECT_TRUE(peer.has_value() && welcome.has_value());
        return {*std::move(peer), *std::move(welcome)};
    }
    void expect_denied(ports::Signer* signer, Role role, std::string_view why) {
        const auto [peer, welcome] = meet(signer, role, &world_);
        ASSERT_FALSE(peer.has_value());
        EXPECT_EQ(peer.error().code, Errc::kDenied);
        ASSERT_FALSE(welcome.has_value());
        EXPECT_EQ(welcome.error().code, Errc::kDenied);
        EXPECT_NE(welcome.error().message.find(why), std::string::npos) << welcome.error().message;
    }

    sim::SimRuntime world_{1};
    sim::FakeNetwork network_{&world_};
    Deployment deployment_ = a_deployment();
    Deployment peer_deployment_ = a_deployment();
    sim::FakeSigner scheduler_{1};
    sim::FakeSigner node_{2};
    std::set<Address> gateways_;
    std::unique_ptr<sim::FakeChain> chain_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::LinkListener> listener_ = network_.listen(&world_, "s", "ws://s/");
    std::unique_ptr<ports::LinkDialer> dialer_ = network_.dialer(&world_, "n");
    PeerPolicy policy_;
};

TEST_F(Handshake, WelcomesARegisteredNode) {
    enrol(node_.address(), Role::kCompute, Vcai{100});

    const auto [peer, welcome] = meet(&node_, Role::kCompute, &world_);

    ASSERT_TRUE(peer.has_value()) << peer.error().message;
    EXPECT_EQ(peer->address, node_.address());
    EXPECT_EQ(peer->role, Role::kCompute);
    EXPECT_EQ(peer->record->stake, Vcai{100});
    ASSERT_TRUE(welcome.has_value()) << welcome.error().message;
    EXPECT_EQ(welcome->scheduler, scheduler_.address());
}

TEST_F(Handshake, RefusesWhoIsNotRegisteredAsWhatItSays) {
    expect_denied(&node_, Role::kCompute, "not registered");
    enrol(node_.address(), Role::kCompute, Vcai{100});
    expect_denied(&node_, Role::kVerifier, "registered as");
    sim::FakeSigner poor{3};
    enrol(poor.address(), Role::kCompute, Vcai{99});
    expect_denied(&poor, Role::kCompute, "not active");
}

TEST_F(Handshake, KnowsGatewaysByTheAllowList) {
    expect_denied(&node_, Role::kGateway, "allow-list");

    gateways_.insert(node_.address());

    EXPECT_TRUE(meet(&node_, Role::kGateway, &world_).first.has_value());
}

TEST_F(Handshake, RefusesAStaleSignature) {
    gateways_.insert(node_.address());
    sim::SimProcess late{&world_, "late", -61s};
    sim::SimProcess nearly{&world_, "nearly", 59s};

    const auto [peer, welcome] = meet(&node_, Role::kGateway, &late);

    ASSERT_FALSE(peer.has_value());
    EXPECT_NE(peer.error().message.find("stale signature"), std::string::npos);
    EXPECT_TRUE(meet(&node_, Role::kGateway, &nearly).first.has_value());
}

TEST_F(Handshake, RefusesASignatureForAnotherChain) {
    gateways_.insert(node_.address());
    peer_deployment_.chain_id = 6;

    expect_denied(&node_, Role::kGateway, "signature");
}

TEST_F(Handshake, RefusesAReplayedHello) {
    gateways_.insert(node_.address());
    LinkHello hello;
    hello.peer = node_.address();
    hello.role = Role::kGateway;
    hello.issued_at = world_.unix_now();
    const Hash other_challenge{};
    hello.signature =
        *node_.sign(market::link_hello_digest(deployment_, hello.peer, hello.role, other_challenge, hello.issued_at));
    std::optional<Result<LinkPeer>> peer;
    std::optional<Result<Message>> verdict;
    world_.spawn(answer(&world_, listener_.get(), policy_, &peer));
    world_.spawn(call_with(&world_, dialer_.get(), hello, &verdict));
    world_.run_until(world_.now() + 30s, 10'000);

    ASSERT_TRUE(peer.has_value() && verdict.has_value() && verdict->has_value());
    EXPECT_FALSE(peer->has_value());
    EXPECT_TRUE(std::holds_alternative<LinkReject>(**verdict));
}

TEST_F(Handshake, RefusesAnythingButAHello) {
    std::optional<Result<LinkPeer>> peer;
    std::optional<Result<Message>> verdict;
    world_.spawn(answer(&world_, listener_.get(), policy_, &peer));
    world_.spawn(call_with(&world_, dialer_.get(), Heartbeat{}, &verdict));
    world_.run_until(world_.now() + 30s, 10'000);

    ASSERT_TRUE(peer.has_value());
    ASSERT_FALSE(peer->has_value());
    EXPECT_EQ(peer->error().code, Errc::kDenied);
}

}  // namespace
}  // namespace vcity::services
