// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <gtest/gtest.h>

#include "adapters/chain_evm/chain.hpp"
#include "adapters/chain_evm/deploy.hpp"
#include "adapters/http/client.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "anvil.hpp"
#include "async/task_group.hpp"
#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/secp256k1.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "ports/testing/chain_contract.hpp"

namespace vcity::integration {
namespace {

using namespace std::chrono_literals;
using adapters::EvmRpc;
using codec::Json;
using codec::JsonArray;
using ports::testing::ChainBatch;
using ports::testing::ChainParty;

constexpr std::uint32_t kWindowSeconds = 600;
constexpr std::uint32_t kFeeBps = 500;

class KeySigner final : public ports::Signer {
  public:
    explicit KeySigner(crypto::PrivateKey key) : key_{std::move(key)} {}
    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_;
};

// An account with money for gas.
struct Party {
    Party(Runtime* runtime, EvmRpc* rpc, const Deployment& deployment, crypto::PrivateKey key)
        : signer{std::move(key)},
          sender{runtime, rpc, &signer, deployment.chain_id},
          writer{runtime, rpc, &sender, deployment} {}

    KeySigner signer;
    adapters::TransactionSender sender;
    adapters::EvmChainWriter writer;
};

// What every harness of this program shares: the chain and its contracts.
struct World {
    Anvil anvil;
    Deployment deployment;
    Bytes deployer;  // its secret; it has VCAI to give away
};

class AnvilHarness final : public ports::testing::OnRuntime<ports::testing::ChainHarness, adapters::AsioRuntime> {
  public:
    AnvilHarness() {
        if (!shared().deployment.chain_id) deploy_once();
        reader_ = std::make_unique<adapters::EvmChainReader>(&runtime(), &rpc_, deployment());
        Party bank{&runtime(), &rpc_, deployment(), crypto::PrivateKey::make(shared().deployer).value()};
        for (const ChainParty party : {ChainParty::kClient, ChainParty::kScheduler, ChainParty::kNode}) {
            parties_[static_cast<std::size_t>(party)] = make_party(deployment());
            adapters::EvmChainWriter& writer = parties_[static_cast<std::size_t>(party)]->writer;
            CHECK(await_here(writer.mint(writer.account(), Usd{5'000'000'000})).has_value());
            CHECK(await_here(bank.writer.send_vcai(writer.account(), Vcai{50'000 * kWeiPerVcai})).has_value());
        }
    }

    ports::ChainReader& reader() override { return *reader_; }
    ports::ChainWriter& writer(ChainParty party) override { return of(party).writer; }
    SignedCap signed_cap(Usd limit, std::uint64_t nonce) override {
        SignedCap cap;
        cap.cap.client = of(ChainParty::kClient).signer.address();
        cap.cap.scheduler = of(ChainParty::kScheduler).signer.address();
        cap.cap.limit = limit;
        cap.cap.expiry_unix_seconds = await_here(rpc_.latest_block()).value().head.timestamp + 24 * 3'600;
        // One nonce opens one cap: the same number must give the same cap, whatever time it is.
        if (const auto made = caps_.find(nonce); made != caps_.end() && made->second.cap.limit == limit)
            return made->second;
        cap.cap.nonce = nonce;
        cap.signature = of(ChainParty::kClient).signer.sign(market::cap_digest(deployment(), cap.cap)).value();
        caps_[nonce] = cap;
        return cap;
    }
    CapId cap_id(const SpendingCap& cap) override { return market::cap_id(cap); }
    ChainBatch batch_of(std::uint64_t index, const CapId& cap_id, Usd amount, Usd earned_before) override {
        SignedReceipt receipt;
        receipt.receipt.job_id.bytes.fill(static_cast<std::uint8_t>(index + 1));
        receipt.receipt.client = of(ChainParty::kClient).signer.address();
        receipt.receipt.node = of(ChainParty::kNode).signer.address();
        receipt.receipt.scheduler = of(ChainParty::kScheduler).signer.address();
        receipt.receipt.amount = amount;
        receipt.receipt.quote = amount;
        receipt.receipt.units = {.input = 10, .output = 20};
        const Hash digest = market::receipt_digest(deployment(), receipt.receipt);
        receipt.node_signature = of(ChainParty::kNode).signer.sign(digest).value();
        receipt.scheduler_signature = of(ChainParty::kScheduler).signer.sign(digest).value();
        market::BatchInputs inputs;
        inputs.index = index;
        inputs.fee_bps = kFeeBps;
        if (earned_before.micro > 0) inputs.earnings_before = {{receipt.receipt.node, earned_before}};
        inputs.receipts = {{receipt, cap_id}};
        const Batch batch = market::make_batch(std::move(inputs)).value();
        return {.header = batch.header,
                .charges = batch.charges,
                .earning = batch.earnings.front(),
                .proof = market::earnings_proof(batch, receipt.receipt.node)};
    }
    void pass_window() override {
        JsonArray seconds{static_cast<std::uint64_t>(kWindowSeconds + 1)};
        CHECK(await_here(rpc_.request("evm_increaseTime", std::move(seconds))).has_value());
        mine();
    }

    template <class T>
    T await_here(Task<T> task) {
        return ports::testing::await(*this, std::move(task));
    }
    void mine() { CHECK(await_here(rpc_.request("evm_mine", JsonArray{})).has_value()); }
    EvmRpc& rpc() { return rpc_; }
    Party& of(ChainParty party) { return *parties_[static_cast<std::size_t>(party)]; }
    static const Deployment& deployment() { return shared().deployment; }

    static adapters::PlanSettings settings() {
        return {{"Settlement.challengeWindow", std::to_string(kWindowSeconds)},
                {"foundation", "0x00000000000000000000000000000000000000f0"},
                {"guardian", "0x0000000000000000000000000000000000000060"},
                {"firstVerifier", "0x000000000000000000000000000000000000007e"}};
    }

  private:
    static World& shared() {
        static World world;
        return world;
    }
    Bytes make_secret() {
        Bytes secret(32);
        runtime().random_bytes(secret);
        secret[0] = 0;  // below the group's order
        return secret;
    }
    std::unique_ptr<Party> make_party(const Deployment& deployment) { return make_party(deployment, make_secret()); }
    std::unique_ptr<Party> make_party(const Deployment& deployment, const Bytes& secret) {
        auto party = std::make_unique<Party>(&runtime(), &rpc_, deployment, crypto::PrivateKey::make(secret).value());
        JsonArray parameters{codec::to_hex(party->signer.address()), "0x56bc75e2d63100000"};
        CHECK(await_here(rpc_.request("anvil_setBalance", std::move(parameters))).has_value());
        return party;
    }
    void await_anvil() {
        const TimePoint deadline = runtime().now() + 30s;
        while (!await_here(rpc_.chain_id()).has_value()) {
            CHECK(runtime().now() < deadline);
            run(runtime().sleep_until(runtime().now() + 20ms));
        }
    }
    void deploy_once() {
        await_anvil();
        Deployment chain;
        chain.chain_id = await_here(rpc_.chain_id()).value();
        shared().deployer = make_secret();
        const auto deployer = make_party(chain, shared().deployer);
        adapters::DeployOptions options =
            adapters::load_deploy_options(VCITY_SOURCE_DIR "/contracts/deployments").value();
        options.settings = settings();
        const Result<Deployment> made =
            await_here(adapters::deploy(&runtime(), &rpc_, &deployer->sender, std::move(options)));
        if (!made) ADD_FAILURE() << made.error().message;
        shared().deployment = made.value();
    }

    std::unique_ptr<adapters::BeastHttpClient> http_ = adapters::BeastHttpClient::make(&runtime(), {}).value();
    EvmRpc rpc_{&runtime(), http_.get(), shared().anvil.url()};
    std::unique_ptr<adapters::EvmChainReader> reader_;
    std::array<std::unique_ptr<Party>, 3> parties_;
    std::map<std::uint64_t, SignedCap> caps_;
};

class ChainOnAnvil : public ::testing::Test {
  protected:
    template <class T>
    T run(Task<T> task) {
        return harness.await_here(std::move(task));
    }
    static constexpr Usd dollars(std::uint64_t amount) { return Usd{amount * 1'000'000}; }
    std::string refusal_of(Task<Result<Hash>> task) {
        const Result<Hash> result = run(std::move(task));
        return result ? "done" : result.error().message;
    }
    NodeRecord scheduler_record() {
        NodeRecord node;
        node.identity = harness.writer(ChainParty::kScheduler).account();
        node.role = Role::kScheduler;
        node.hardware = {.gpu_model = "cpu", .gpu_count = 1, .vram_mib = 2, .region = "here"};
        node.did_document_uri = "did:example:scheduler";
        node.stake = Vcai{10'000 * kWeiPerVcai};
        return node;
    }

    AnvilHarness harness;
};

TEST_F(ChainOnAnvil, ChecksTheDeployment) {
    EXPECT_TRUE(run(adapters::check_chain(&harness.rpc(), AnvilHarness::deployment())).has_value());
    Deployment other = AnvilHarness::deployment();
    other.chain_id = 1;
    EXPECT_EQ(run(adapters::check_chain(&harness.rpc(), other)).error().code, Errc::kInvalid);
    other = AnvilHarness::deployment();
    other.escrow.bytes.fill(9);
    EXPECT_EQ(run(adapters::check_chain(&harness.rpc(), other)).error().code, Errc::kInvalid);
}

TEST_F(ChainOnAnvil, KeepsTheDeploymentInAFile) {
    const auto path = std::filesystem::temp_directory_path() / ("vcity-deployment-" + std::to_string(::getpid()));

    ASSERT_TRUE(adapters::save_deployment(path.string(), AnvilHarness::deployment()).has_value());
    const Result<Deployment> read = adapters::load_deployment(path.string());

    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(*read, AnvilHarness::deployment());
    std::filesystem::remove(path);
}

TEST_F(ChainOnAnvil, SaysWhyTheContractsRefuse) {
    const CapId cap_id{};
    Party& scheduler = harness.of(ChainParty::kScheduler);
    const Address account = scheduler.writer.account();
    const ChainBatch batch = harness.batch_of(4, cap_id, dollars(1), Usd{});

    EXPECT_EQ(refusal_of(scheduler.writer.post_batch(batch.header, batch.charges)),
              "reverted: batch 4 cannot be posted: the next one is 0 (BatchIndexMismatch)");
    EXPECT_EQ(refusal_of(scheduler.writer.claim(account, 7, batch.earning, {})),
              "reverted: " + crypto::to_checksum_address(account) + " has posted no batch 7 (BatchUnknown)");
    NodeRecord poor = scheduler_record();
    poor.stake = Vcai{kWeiPerVcai};
    EXPECT_EQ(refusal_of(scheduler.writer.register_node(poor)),
              "reverted: as scheduler at least 10000 VCAI must be staked, not 1 VCAI (StakeBelowMinimum)");
    EXPECT_EQ(refusal_of(scheduler.writer.withdraw()),
              "reverted: " + crypto::to_checksum_address(account) + " has nothing to withdraw (NothingToWithdraw)");
}

TEST_F(ChainOnAnvil, DepositsWithAPermit) {
    Party& client = harness.of(ChainParty::kClient);
    const Address account = client.signer.address();

    const Result<Hash> done = run(client.writer.deposit_with_permit(&client.signer, account, dollars(25)));

    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(run(harness.reader().escrow_available(account)).value(), dollars(25));
}

TEST_F(ChainOnAnvil, ReleasesCapsAndWithdraws) {
    Party& client = harness.of(ChainParty::kClient);
    Party& scheduler = harness.of(ChainParty::kScheduler);
    const Address account = client.signer.address();
    ASSERT_TRUE(run(client.writer.deposit(account, dollars(25))).has_value());
    const SignedCap cap = harness.signed_cap(dollars(20), 5);
    ASSERT_TRUE(run(scheduler.writer.open_cap(cap)).has_value());
    ASSERT_TRUE(run(scheduler.writer.release_cap(market::cap_id(cap.cap))).has_value());
    EXPECT_FALSE(run(harness.reader().cap(market::cap_id(cap.cap))).value().open);

    ASSERT_TRUE(run(client.writer.request_withdraw(dollars(25))).has_value());
    EXPECT_NE(refusal_of(client.writer.withdraw()).find("WithdrawalPending"), std::string::npos);
}

Task<void> send_coin(Party* from, Address to, int* succeeded) {
    const Result<Hash> sent = co_await from->writer.send_coin(to, 1'000);
    if (sent.has_value()) ++*succeeded;
}

Task<void> send_many(Runtime* runtime, Party* from, Address to, int count, int* succeeded) {
    TaskGroup group{runtime};
    for (int index = 0; index < count; ++index) group.spawn(send_coin(from, to, succeeded));
    const Result<void> joined = co_await group.join(runtime->now() + 60s);
    EXPECT_TRUE(joined.has_value());
}

TEST_F(ChainOnAnvil, SendsConcurrentTransactionsOfOneAccountInTurn) {
    Address target;
    harness.runtime().random_bytes(target.bytes);
    int succeeded = 0;

    harness.run(send_many(&harness.runtime(), &harness.of(ChainParty::kClient), target, 8, &succeeded));

    EXPECT_EQ(succeeded, 8);
    EXPECT_EQ(run(harness.rpc().balance(target)).value(), U128{8'000});
}

TEST_F(ChainOnAnvil, WaitsForABlockThatComesLater) {
    ASSERT_TRUE(run(harness.rpc().request("evm_setAutomine", JsonArray{false})).has_value());
    Address target;
    harness.runtime().random_bytes(target.bytes);
    int succeeded = 0;
    harness.runtime().spawn(send_coin(&harness.of(ChainParty::kClient), target, &succeeded));
    const Address account = harness.of(ChainParty::kClient).signer.address();
    const std::uint64_t before = run(harness.rpc().transaction_count(account, "latest")).value();
    while (run(harness.rpc().transaction_count(account, "pending")).value() == before) {
    }
    EXPECT_EQ(succeeded, 0);

    harness.mine();
    const TimePoint deadline = harness.runtime().now() + 20s;
    while (succeeded == 0 && harness.runtime().now() < deadline) {
        harness.run(harness.runtime().sleep_until(harness.runtime().now() + 5ms));
    }

    EXPECT_EQ(succeeded, 1);
    EXPECT_TRUE(run(harness.rpc().request("evm_setAutomine", JsonArray{true})).has_value());
}

template <class Event>
std::vector<Event> all_of(const std::vector<ChainEvent>& events) {
    std::vector<Event> found;
    for (const ChainEvent& event : events) {
        if (const auto* what = std::get_if<Event>(&event.what)) found.push_back(*what);
    }
    return found;
}

TEST_F(ChainOnAnvil, TellsAllThatHappenedInOrder) {
    adapters::EvmChainEvents events{&harness.rpc(), AnvilHarness::deployment()};
    const std::uint64_t from = run(events.head()).value().number + 1;
    Party& scheduler = harness.of(ChainParty::kScheduler);
    Party& client = harness.of(ChainParty::kClient);
    const Address account = scheduler.signer.address();
    ASSERT_TRUE(run(scheduler.writer.register_node(scheduler_record())).has_value());
    ASSERT_TRUE(run(client.writer.deposit(client.signer.address(), dollars(50))).has_value());
    const SignedCap cap = harness.signed_cap(dollars(40), 1);
    ASSERT_TRUE(run(scheduler.writer.open_cap(cap)).has_value());
    const ChainBatch batch = harness.batch_of(0, market::cap_id(cap.cap), dollars(10), Usd{});
    ASSERT_TRUE(run(scheduler.writer.post_batch(batch.header, batch.charges)).has_value());
    harness.pass_window();
    ASSERT_TRUE(run(scheduler.writer.claim(account, 0, batch.earning, batch.proof)).has_value());
    ASSERT_TRUE(run(scheduler.writer.release_cap(market::cap_id(cap.cap))).has_value());

    const std::uint64_t to = run(events.head()).value().number;
    const auto told = run(events.events(from, to));
    ASSERT_TRUE(told.has_value()) << told.error().message;

    const auto registered = all_of<NodeRegistered>(*told);
    ASSERT_EQ(registered.size(), 1U);
    EXPECT_EQ(registered[0].node.identity, account);
    EXPECT_EQ(registered[0].node.hardware, scheduler_record().hardware);
    EXPECT_EQ(registered[0].node.did_document_uri, "did:example:scheduler");
    ASSERT_EQ(all_of<CapOpened>(*told).size(), 1U);
    EXPECT_EQ(all_of<CapOpened>(*told)[0].cap, cap.cap);
    ASSERT_EQ(all_of<BatchPosted>(*told).size(), 1U);
    EXPECT_EQ(all_of<BatchPosted>(*told)[0].header, batch.header);
    EXPECT_EQ(all_of<BatchPosted>(*told)[0].total_charged, dollars(10));
    ASSERT_EQ(all_of<Charged>(*told).size(), 1U);
    EXPECT_EQ(all_of<Charged>(*told)[0].charge, batch.charges[0]);
    ASSERT_EQ(all_of<Claimed>(*told).size(), 1U);
    EXPECT_EQ(all_of<Claimed>(*told)[0].cumulative, batch.earning.cumulative);
    ASSERT_EQ(all_of<CapReleased>(*told).size(), 1U);
    EXPECT_EQ(all_of<CapReleased>(*told)[0].returned, dollars(30));
    for (const ChainEvent& event : *told) {
        EXPECT_EQ(run(events.block_hash(event.block_number)).value(), event.block_hash);
    }
    EXPECT_FALSE(run(events.block_hash(to + 1'000)).value().has_value());
    EXPECT_EQ(run(events.events(to, from)).error().code, Errc::kInvalid);
    EXPECT_EQ(run(events.events(0, 1'001)).error().code, Errc::kInvalid);
}

TEST_F(ChainOnAnvil, SurvivesAReorganisationThatDropsABlock) {
    Party& client = harness.of(ChainParty::kClient);
    const auto snapshot = run(harness.rpc().request("evm_snapshot", JsonArray{})).value();
    ASSERT_TRUE(run(client.writer.deposit(client.signer.address(), dollars(50))).has_value());
    JsonArray parameters{snapshot};
    ASSERT_TRUE(run(harness.rpc().request("evm_revert", std::move(parameters))).has_value());
    EXPECT_EQ(run(harness.reader().escrow_available(client.signer.address())).value(), Usd{});

    // Its nonces are free again, and the sender takes them from the chain.
    ASSERT_TRUE(run(client.writer.deposit(client.signer.address(), dollars(50))).has_value());
    EXPECT_EQ(run(harness.reader().escrow_available(client.signer.address())).value(), dollars(50));
}

std::unique_ptr<ports::testing::ChainHarness> make_harness() {
    return std::make_unique<AnvilHarness>();
}

}  // namespace
}  // namespace vcity::integration

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Anvil, ChainContract, ::testing::Values(ChainHarnessFactory{integration::make_harness}));

}  // namespace vcity::ports::testing
