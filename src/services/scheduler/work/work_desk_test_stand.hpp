// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/peer_link.hpp"
#include "services/scheduler/scheduler.hpp"
#include "services/scheduler/work/work_store.hpp"
#include "sim/fakes/chain.hpp"
#include "sim/fakes/database.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/signer.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"

// What the tests of the desk stand on: peers that keep what they hear, and a scheduler over a simulated world.
namespace vcity::scheduler::test {

using namespace std::chrono_literals;

inline constexpr Vcai kStake{100};
inline constexpr Usd kRich{1'000'000'000};

inline Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 5;
    deployment.registry.bytes.fill(1);
    deployment.escrow.bytes.fill(2);
    deployment.settlement.bytes.fill(3);
    return deployment;
}

// One end of a link that keeps what it hears.
class Peer : public services::PeerLinkHandler {
  public:
    Peer(sim::SimRuntime* world, sim::FakeNetwork* network, std::uint64_t key, Role role)
        : world_{world}, signer_{key}, dialer_{network->dialer(world, "peer" + std::to_string(key))} {
        services::PeerLinkOptions options;
        options.endpoints = {"ws://scheduler/"};
        options.introduction.deployment = &deployment_;
        options.introduction.signer = &signer_;
        options.introduction.role = role;
        link_ = std::make_unique<services::PeerLink>(services::PeerLinkDeps{world, dialer_.get(), Log{nullptr, "peer"}},
                                                     std::move(options), this);
    }

    void dial() { world_->spawn(link_->run()); }
    void stop() { link_->stop(); }
    void post(Message message) { ASSERT_TRUE(session_ != nullptr && session_->post(std::move(message))); }
    Address address() const { return signer_.address(); }
    sim::FakeSigner* signer() { return &signer_; }

    template <class Wanted>
    std::vector<Wanted> heard() const {
        std::vector<Wanted> found;
        for (const Message& message : messages_) {
            if (const auto* one = std::get_if<Wanted>(&message)) found.push_back(*one);
        }
        return found;
    }

  protected:
    void on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) override { session_ = session; }
    void on_message(Message message) override { messages_.push_back(std::move(message)); }
    void on_disconnected() override { session_ = nullptr; }
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override { co_return; }

    sim::SimRuntime* world_;
    services::LinkSession* session_ = nullptr;

  private:
    Deployment deployment_ = a_deployment();
    sim::FakeSigner signer_;
    std::unique_ptr<ports::LinkDialer> dialer_;
    std::unique_ptr<services::PeerLink> link_;
    std::vector<Message> messages_;
};

// A node with one unit; what it is granted runs until the test says otherwise.
class Node final : public Peer {
  public:
    Node(sim::SimRuntime* world, sim::FakeNetwork* network, std::uint64_t key)
        : Peer{world, network, key, Role::kCompute} {
        announcement_.kind = NodeKind::kStable;
        announcement_.hardware.region = "eu";
    }

    void offer(std::uint32_t cores, Usd hourly, std::optional<Usd> spot = {}, std::uint32_t features = 0) {
        UnitOffer unit;
        unit.features = features;
        unit.cpu_milli = cores * 1000;
        unit.memory_mib = 65'536;
        unit.hourly = hourly;
        unit.spot_hourly = spot;
        announcement_.units = {unit};
        if (session_ != nullptr) post(NodeReady{announcement_, {}});
    }
    void move_to(std::string region) { announcement_.hardware.region = std::move(region); }
    bool has_units() const { return !announcement_.units.empty(); }
    void shrink() {
        announcement_.units[0].memory_mib = 1;
        post(NodeReady{announcement_, {}});
    }
    const StepGrant& grant(std::size_t number) {
        grants_ = heard<StepGrant>();
        return grants_.at(number);
    }
    std::size_t granted() const { return heard<StepGrant>().size(); }
    void start(const StepGrant& grant) {
        post(StepStarted{grant.lease.job_id, grant.lease.fencing_token, world_->unix_now()});
    }
    // It is there after a reconnect too.
    void keep(const StepGrant& grant) { active_.push_back(grant.lease); }
    void give_back(const StepGrant& grant) {
        NodeFailedJob failed;
        failed.job_id = grant.lease.job_id;
        failed.fencing_token = grant.lease.fencing_token;
        failed.code = Errc::kUnavailable;
        failed.reason = "cancelled";
        post(failed);
    }
    // Ends after so many milliseconds that have passed already.
    void finish(const StepGrant& grant,
                const Address& scheduler,
                std::chrono::milliseconds ran,
                std::int32_t exit_code = 0,
                const std::vector<StepFile>& files = {}) {
        const std::string output = "done\n";
        StepOutput said;
        said.step_id = grant.lease.job_id;
        said.fencing_token = grant.lease.fencing_token;
        said.bytes.assign(output.begin(), output.end());
        post(said);
        UsageReceipt bill;
        bill.job_id = grant.lease.job_id;
        bill.client = grant.client;
        bill.node = address();
        bill.scheduler = scheduler;
        bill.fencing_token = grant.lease.fencing_token;
        bill.quote = grant.quote;
        bill.model_root = work::command_root();
        bill.request_hash = work::step_hash(grant.work);
        bill.response_hash = work::result_hash(market::response_hash(output), files);
        bill.finished_at = world_->unix_now();
        bill.started_at = bill.finished_at - std::chrono::duration_cast<UnixMillis>(ran);
        bill.units.output = work::nominal_units(grant.work.ask, ran);
        bill.amount = work::amount_of(grant.hourly, ran, grant.quote);
        StepFinished finished;
        finished.finished = {.receipt_hash = market::receipt_hash(bill),
                             .job_id = bill.job_id,
                             .node = bill.node,
                             .fencing_token = bill.fencing_token,
                             .units = bill.units,
                             .amount = bill.amount,
                             .response_hash = bill.response_hash,
                             .verification_root = {},
                             .started_at = bill.started_at,
                             .finished_at = bill.finished_at,
                             .node_signature = *signer()->sign(market::receipt_digest(a_deployment(), bill)),
                             .reason = FinishReason::kStop};
        finished.exit_code = exit_code;
        finished.output_bytes = output.size();
        finished.files = files;
        post(finished);
    }

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override {
        Peer::on_connected(session, welcome);
        session->post(NodeReady{announcement_, active_});
    }

    NodeAnnouncement announcement_;
    std::vector<Lease> active_;
    std::vector<StepGrant> grants_;
};

// A scheduler with two nodes and a gateway, over a simulated network, chain and store.
class WorkDeskTest : public ::testing::Test {
  protected:
    WorkDeskTest() {
        sim::LedgerParams params;
        params.deployment = a_deployment();
        params.stake_min = kStake;
        chain_ = std::make_unique<sim::FakeChain>(&world_, params);
        chain_->at_genesis([this](sim::Ledger* ledger, std::uint64_t /*now*/) { return found(ledger); });
        chain_->start();
        store_ = database_.connect(&world_, "scheduler");
        reader_ = chain_->reader(&world_);
        writer_ = chain_->writer(&world_, signer_.address());
    }
    ~WorkDeskTest() override {
        gateway_.stop();
        cheap_.stop();
        dear_.stop();
        third_.stop();
        end();
        chain_->stop();
        pass(30s);
    }

    void open() {
        listener_.reset();
        listener_ = network_.listen(&world_, "scheduler", "ws://scheduler/");
        SchedulerDeps deps;
        deps.runtime = &world_;
        deps.store = store_.get();
        deps.signer = &signer_;
        deps.listener = listener_.get();
        deps.chain_reader = reader_.get();
        deps.chain_writer = writer_.get();
        deps.deployment = a_deployment();
        SchedulerOptions options;
        options.stake = kStake;
        options.gateways = {gateway_.address()};
        scheduler_ = std::make_unique<Scheduler>(std::move(deps), std::move(options));
        ended_.reset();
        world_.spawn(live(this));
        pass(20s);
    }
    void end() {
        scheduler_->stop();
        pass(5s);
        EXPECT_TRUE(ended_.has_value() && ended_->has_value());
    }
    void begin() {
        open();
        ASSERT_TRUE(scheduler_->is_ready());
        gateway_.dial();
        cheap_.dial();
        dear_.dial();
        if (third_.has_units()) third_.dial();
        pass(10s);
    }
    void pass(Duration time) { world_.run_until(world_.now() + time, 2'000'000); }

    // The same order of another customer.
    WorkOrder of_stranger(WorkOrder order) {
        order.client = stranger_.address();
        order.cap.cap.client = order.client;
        order.cap.signature = *stranger_.sign(market::cap_digest(a_deployment(), order.cap.cap));
        return order;
    }
    WorkOrder an_order(std::uint8_t number) {
        WorkOrder order;
        order.job_id.bytes.fill(number);
        order.client = client_.address();
        order.cap.cap = {.client = order.client,
                         .scheduler = signer_.address(),
                         .limit = kRich,
                         .expiry_unix_seconds = world_.unix_now().count() / 1000 + 1'000'000,
                         .nonce = 1};
        if (!cap_) {
            cap_ = order.cap;
            cap_->signature = *client_.sign(market::cap_digest(a_deployment(), cap_->cap));
        }
        order.cap = *cap_;
        order.budget = Usd{10'000'000};
        order.deadline = world_.unix_now() + UnixMillis{100'000'000};
        order.spec.name = "a job";
        order.spec.prefer = {.latency = 0, .price = 100, .quality = 0, .packing = 0};
        StepGroup group;
        group.name = "main";
        group.command = {"/bin/echo", "done"};
        order.spec.groups = {group};
        return order;
    }
    void submit(const WorkOrder& order) {
        gateway_.post(WorkSubmit{order});
        pass(10s);
    }
    WorkStatusReply status(const WorkOrder& order) {
        gateway_.post(WorkStatusRequest{order.job_id, order.client, true});
        pass(1s);
        const auto replies = gateway_.heard<WorkStatusReply>();
        return replies.empty() ? WorkStatusReply{} : replies.back();
    }
    std::optional<WorkQuote> quote(const WorkOrder& order) {
        gateway_.post(WorkQuoteRequest{order});
        pass(1s);
        const auto quotes = gateway_.heard<WorkQuote>();
        if (quotes.empty() || quotes.back().job_id != order.job_id) return std::nullopt;
        return quotes.back();
    }

    sim::SimRuntime world_{7};
    sim::FakeNetwork network_{&world_};
    sim::FakeDatabase database_{&world_};
    sim::FakeSigner signer_{1};
    sim::FakeSigner client_{2};
    sim::FakeSigner stranger_{6};
    std::unique_ptr<sim::FakeChain> chain_;
    std::unique_ptr<ports::Store> store_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::ChainWriter> writer_;
    std::unique_ptr<ports::LinkListener> listener_;
    Peer gateway_{&world_, &network_, 3, Role::kGateway};
    Node cheap_{&world_, &network_, 4};
    Node dear_{&world_, &network_, 5};
    Node third_{&world_, &network_, 7};  // of tests that give it a unit
    std::unique_ptr<Scheduler> scheduler_;

  private:
    Result<void> found(sim::Ledger* ledger) {
        for (const Peer* node :
             {static_cast<Peer*>(&cheap_), static_cast<Peer*>(&dear_), static_cast<Peer*>(&third_)}) {
            TRY_OK(ledger->give_vcai(node->address(), kStake));
            NodeRecord record;
            record.identity = node->address();
            record.role = Role::kCompute;
            record.stake = kStake;
            TRY_OK(ledger->register_node(node->address(), record));
        }
        TRY_OK(ledger->give_vcai(signer_.address(), kStake));
        TRY_OK(ledger->mint(client_.address(), kRich));
        TRY_OK(ledger->mint(stranger_.address(), kRich));
        TRY_OK(ledger->deposit(stranger_.address(), stranger_.address(), kRich));
        return ledger->deposit(client_.address(), client_.address(), kRich);
    }
    static Task<void> live(WorkDeskTest* self) { self->ended_ = co_await self->scheduler_->run(); }

    std::optional<SignedCap> cap_;
    std::optional<Result<void>> ended_;
};

}  // namespace vcity::scheduler::test
