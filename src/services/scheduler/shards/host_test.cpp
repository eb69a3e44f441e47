// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/shards/host.hpp"

#include <gtest/gtest.h>

#include "services/common/peer_link.hpp"
#include "sim/fakes/chain.hpp"
#include "sim/fakes/database.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/signer.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Vcai kStake{100};

Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 5;
    deployment.registry.bytes.fill(1);
    return deployment;
}

// What both processes of the tests share.
struct Shared {
    Shared() {
        sim::LedgerParams params;
        params.deployment = a_deployment();
        params.stake_min = kStake;
        chain = std::make_unique<sim::FakeChain>(&world, params);
        for (const sim::FakeSigner* signer : {&first, &second}) {
            const Address identity = signer->address();
            chain->at_genesis(
                [&](sim::Ledger* ledger, std::uint64_t /*now*/) { return ledger->give_vcai(identity, kStake); });
        }
        chain->start();
    }
    ~Shared() { chain->stop(); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    sim::SimRuntime world{5};
    sim::FakeNetwork network{&world};
    std::unique_ptr<sim::FakeChain> chain;
    sim::FakeDatabase of_first{&world};
    sim::FakeDatabase of_second{&world};
    sim::FakeSigner first{1};
    sim::FakeSigner second{2};
    sim::FakeSigner gateway{3};
};

// A process that may act for two shards and is home of one.
struct Process {
    Process(Shared* shared, const std::string& name, bool is_home_of_first)
        : process{&shared->world, name},
          first{shared->of_first.connect(&process, name)},
          second{shared->of_second.connect(&process, name)},
          reader{shared->chain->reader(&process)},
          first_writer{shared->chain->writer(&process, shared->first.address())},
          second_writer{shared->chain->writer(&process, shared->second.address())},
          listener{shared->network.listen(&process, name, "ws://" + name + "/")} {
        SchedulerOptions options;
        options.stake = kStake;
        options.gateways = {shared->gateway.address()};
        std::vector<HostedShard> shards;
        shards.push_back({first.get(), &shared->first, first_writer.get(), options, is_home_of_first});
        shards.push_back({second.get(), &shared->second, second_writer.get(), options, !is_home_of_first});
        HostOptions settings;
        settings.lease.owner = name;
        HostDeps deps{.runtime = &process,
                      .listener = listener.get(),
                      .chain_reader = reader.get(),
                      .deployment = a_deployment(),
                      .log = Log{nullptr, name}};
        host = std::make_unique<SchedulerHost>(std::move(deps), std::move(settings), std::move(shards));
        process.spawn(live(this));
    }
    ~Process() { process.crash(); }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    static Task<void> live(Process* self) { self->ended = co_await self->host->run(); }

    sim::SimProcess process;
    std::unique_ptr<ports::Store> first;
    std::unique_ptr<ports::Store> second;
    std::unique_ptr<ports::ChainReader> reader;
    std::unique_ptr<ports::ChainWriter> first_writer;
    std::unique_ptr<ports::ChainWriter> second_writer;
    std::unique_ptr<ports::LinkListener> listener;
    std::unique_ptr<SchedulerHost> host;
    std::optional<Result<void>> ended;
};

// A gateway that looks for the first shard at both processes.
struct Peer final : services::PeerLinkHandler {
    Peer(Shared* shared, const Address& shard) : dialer{shared->network.dialer(&shared->world, "gateway")} {
        services::PeerLinkOptions options;
        options.endpoints = {"ws://a" + path_of_shard(shard), "ws://b" + path_of_shard(shard)};
        options.introduction.deployment = &deployment;
        options.introduction.signer = &shared->gateway;
        options.introduction.role = Role::kGateway;
        link = std::make_unique<services::PeerLink>(
            services::PeerLinkDeps{&shared->world, dialer.get(), Log{nullptr, "peer"}}, std::move(options), this);
        shared->world.spawn(link->run());
    }

    void on_connected(services::LinkSession* /*session*/, const LinkWelcome& welcome) override { seen = welcome; }
    void on_message(Message /*message*/) override {}
    void on_disconnected() override {}
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override { co_return; }

    Deployment deployment = a_deployment();
    std::unique_ptr<ports::LinkDialer> dialer;
    std::unique_ptr<services::PeerLink> link;
    LinkWelcome seen;
};

class HostTest : public ::testing::Test {
  protected:
    void pass(Duration time) { shared_.world.run_until(shared_.world.now() + time, 2'000'000); }

    Shared shared_;
    Process a_{&shared_, "a", true};
    Process b_{&shared_, "b", false};
};

TEST_F(HostTest, EachTakesTheShardThatItIsHomeOf) {
    pass(15s);

    EXPECT_EQ(a_.host->shards_owned(), 1U);
    EXPECT_EQ(b_.host->shards_owned(), 1U);
    EXPECT_TRUE(a_.host->is_ready());
    EXPECT_TRUE(b_.host->is_ready());
    const std::vector<ShardStatus> status = a_.host->status();
    EXPECT_TRUE(status[0].is_ours && status[0].is_ready && status[0].is_home);
    EXPECT_FALSE(status[1].is_ours);
    EXPECT_EQ(status[1].owner, "b");
    EXPECT_EQ(status[1].address, shared_.second.address());
}

TEST_F(HostTest, APeerFindsItsShardAndFollowsItWhenItsProcessDies) {
    pass(15s);
    Peer peer{&shared_, shared_.first.address()};
    pass(2s);
    EXPECT_TRUE(peer.link->is_connected());
    EXPECT_EQ(peer.seen.scheduler, shared_.first.address());
    EXPECT_EQ(peer.seen.epoch, 1U);

    shared_.network.break_links_of("a");
    a_.process.crash();
    pass(5s);

    EXPECT_EQ(b_.host->shards_owned(), 2U);
    EXPECT_TRUE(peer.link->is_connected());
    EXPECT_EQ(peer.seen.epoch, 2U);
    peer.link->stop();
    pass(1s);
}

TEST_F(HostTest, APeerLeavesAProcessThatSleepsAndDoesNotReturnToItsOldEpoch) {
    pass(15s);
    Peer peer{&shared_, shared_.first.address()};
    pass(2s);
    a_.process.pause(shared_.world.now() + 20s);
    pass(10s);
    EXPECT_TRUE(peer.link->is_connected());
    EXPECT_EQ(peer.seen.epoch, 2U);
    pass(15s);

    EXPECT_EQ(a_.host->shards_owned(), 0U);
    EXPECT_EQ(a_.host->status()[0].owner, "b");
    EXPECT_EQ(peer.seen.epoch, 2U);
    peer.link->stop();
    pass(1s);
}

TEST_F(HostTest, AProcessThatIsToldToStopHandsItsShardsOverWithinASecond) {
    pass(15s);
    a_.host->stop();
    pass(1s);

    EXPECT_EQ(b_.host->shards_owned(), 2U);
    ASSERT_TRUE(a_.ended);
    EXPECT_TRUE(a_.ended->has_value());
}

TEST_F(HostTest, AProcessThatIsToldToStopInItsSleepEndsWhenItWakes) {
    pass(15s);
    a_.process.pause(shared_.world.now() + 6s);
    pass(5s);
    a_.host->stop();
    pass(10s);

    EXPECT_EQ(b_.host->shards_owned(), 2U);
    ASSERT_TRUE(a_.ended);
    EXPECT_TRUE(a_.ended->has_value());
}

TEST_F(HostTest, AnOwnerWithoutItsDatabaseEndsItsTenureAndTakesTheNext) {
    pass(15s);
    shared_.of_first.cut("a", shared_.world.now() + 6s);
    shared_.of_first.cut("b", shared_.world.now() + 6s);
    pass(5s);
    EXPECT_EQ(a_.host->shards_owned(), 0U);
    pass(20s);

    EXPECT_EQ(a_.host->shards_owned() + b_.host->shards_owned(), 2U);
    EXPECT_FALSE(a_.ended);
}

TEST(ShardPath, NamesAShardOrNone) {
    Address shard;
    shard.bytes.fill(0xab);
    EXPECT_EQ(shard_of_path(path_of_shard(shard)), shard);
    for (const char* path : {"", "/", "/link", "/shards/", "/shards/0x12", "/shards"}) {
        EXPECT_EQ(shard_of_path(path), std::nullopt) << path;
    }
}

}  // namespace
}  // namespace vcity::scheduler
