// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/peer_link.hpp"
#include "services/scheduler/scheduler.hpp"
#include "sim/fakes/chain.hpp"
#include "sim/fakes/database.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/signer.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Vcai kStake{100};
constexpr Usd kRich{1'000'000'000};

Deployment a_deployment() {
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
        pass(10s);
    }
    void pass(Duration time) { world_.run_until(world_.now() + time, 2'000'000); }

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
    std::unique_ptr<sim::FakeChain> chain_;
    std::unique_ptr<ports::Store> store_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::ChainWriter> writer_;
    std::unique_ptr<ports::LinkListener> listener_;
    Peer gateway_{&world_, &network_, 3, Role::kGateway};
    Node cheap_{&world_, &network_, 4};
    Node dear_{&world_, &network_, 5};
    std::unique_ptr<Scheduler> scheduler_;

  private:
    Result<void> found(sim::Ledger* ledger) {
        for (const Peer* node : {static_cast<Peer*>(&cheap_), static_cast<Peer*>(&dear_)}) {
            TRY_OK(ledger->give_vcai(node->address(), kStake));
            NodeRecord record;
            record.identity = node->address();
            record.role = Role::kCompute;
            record.stake = kStake;
            TRY_OK(ledger->register_node(node->address(), record));
        }
        TRY_OK(ledger->give_vcai(signer_.address(), kStake));
        TRY_OK(ledger->mint(client_.address(), kRich));
        return ledger->deposit(client_.address(), client_.address(), kRich);
    }
    static Task<void> live(WorkDeskTest* self) { self->ended_ = co_await self->scheduler_->run(); }

    std::optional<SignedCap> cap_;
    std::optional<Result<void>> ended_;
};

TEST_F(WorkDeskTest, AnOrderIsLeasedRunsAndIsChargedForItsTime) {
    cheap_.offer(1, Usd{3'600'000});
    begin();
    const WorkOrder order = an_order(1);
    submit(order);
    const auto accepted = gateway_.heard<WorkAccepted>();
    ASSERT_EQ(accepted.size(), 1U);
    EXPECT_EQ(accepted[0].reserved, order.budget);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant grant = cheap_.grant(0);
    EXPECT_EQ(grant.quote, Usd{3'600'000});
    cheap_.start(grant);
    pass(5s);
    EXPECT_EQ(status(order).steps[0].state, StepState::kRunning);
    cheap_.finish(grant, signer_.address(), 2500ms);
    pass(1s);
    const WorkStatusReply reply = status(order);
    EXPECT_EQ(reply.state, WorkState::kSucceeded) << reply.error;
    EXPECT_EQ(reply.charged, Usd{2500});
    EXPECT_EQ(reply.history.size(), 4U);
    const auto acks = cheap_.heard<ReceiptAck>();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_TRUE(acks[0].accepted) << acks[0].reason;
    gateway_.post(WorkOutputRequest{order.job_id, order.client, reply.steps[0].step_id, 0});
    pass(1s);
    const auto outputs = gateway_.heard<WorkOutputReply>();
    ASSERT_EQ(outputs.size(), 1U);
    EXPECT_EQ(as_text(outputs[0].bytes), "done\n");
}

TEST_F(WorkDeskTest, AQuotesPriceHoldsWhenTheNodeAsksForMore) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    const std::optional<WorkQuote> quoted = quote(order);
    ASSERT_TRUE(quoted.has_value());
    EXPECT_EQ(quoted->most, Usd{1'000'000});
    cheap_.offer(1, Usd{1'000'001});
    pass(1s);
    order.quote_id = quoted->quote_id;
    submit(order);
    EXPECT_EQ(gateway_.heard<WorkAccepted>().size(), 1U);
    EXPECT_EQ(cheap_.granted(), 0U) << "it rather waits";
    EXPECT_EQ(status(order).steps[0].state, StepState::kQueued);
    cheap_.offer(1, Usd{900'000});
    pass(5s);
    ASSERT_EQ(cheap_.granted(), 1U);
    EXPECT_EQ(cheap_.grant(0).hourly, Usd{900'000});
    WorkOrder again = an_order(2);
    again.quote_id = quoted->quote_id;
    submit(again);
    const auto refused = gateway_.heard<JobFailed>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, Errc::kNotFound) << "a quote is good for one order";
}

TEST_F(WorkDeskTest, QuotedUnitsAreHeldForAMinute) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    ASSERT_TRUE(quote(an_order(1)).has_value());
    submit(an_order(2));
    EXPECT_EQ(cheap_.granted(), 0U);
    pass(60s);
    EXPECT_EQ(cheap_.granted(), 1U);
}

TEST_F(WorkDeskTest, BestEffortWorkPaysTheSpotPriceAndGivesWay) {
    cheap_.offer(1, Usd{1'000'000}, Usd{100'000});
    begin();
    WorkOrder spot = an_order(1);
    spot.spec.service_class = ServiceClass::kBestEffort;
    submit(spot);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant first = cheap_.grant(0);
    EXPECT_EQ(first.hourly, Usd{100'000});
    cheap_.start(first);

    const WorkOrder dear = an_order(2);
    submit(dear);
    const auto cancels = cheap_.heard<JobCancel>();
    ASSERT_EQ(cancels.size(), 1U) << "one is enough";
    EXPECT_EQ(cancels[0].job_id, first.lease.job_id);
    cheap_.give_back(first);
    pass(5s);
    ASSERT_EQ(cheap_.granted(), 2U);
    const StepGrant second = cheap_.grant(1);
    EXPECT_EQ(second.hourly, Usd{1'000'000});
    EXPECT_EQ(status(spot).steps[0].state, StepState::kQueued);

    cheap_.finish(second, signer_.address(), 1000ms);
    pass(5s);
    EXPECT_EQ(status(dear).state, WorkState::kSucceeded);
    ASSERT_EQ(cheap_.granted(), 3U) << "it starts again";
    const StepGrant third = cheap_.grant(2);
    EXPECT_EQ(third.hourly, Usd{100'000});
    EXPECT_EQ(third.lease.attempt, 2U);
    cheap_.finish(third, signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(spot).state, WorkState::kSucceeded);
    EXPECT_EQ(status(spot).charged, Usd{28}) << "ceil(100,000 / 3,600)";
}

TEST_F(WorkDeskTest, BestEffortWorkBuysOnDemandWhereNobodyOffersASpotPrice) {
    dear_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.service_class = ServiceClass::kBestEffort;
    submit(order);
    ASSERT_EQ(dear_.granted(), 1U);
    EXPECT_EQ(dear_.grant(0).hourly, Usd{1'000'000});
}

TEST_F(WorkDeskTest, AGangThatLosesAMemberStartsAgainAsAWhole) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].is_gang = true;
    order.spec.groups[0].count = 2;
    submit(order);
    EXPECT_EQ(cheap_.granted(), 0U) << "one unit is not enough, so none is taken";
    dear_.offer(1, Usd{2'000'000});
    pass(5s);
    ASSERT_EQ(cheap_.granted(), 1U);
    ASSERT_EQ(dear_.granted(), 1U);
    cheap_.give_back(cheap_.grant(0));
    pass(1s);
    ASSERT_EQ(dear_.heard<JobCancel>().size(), 1U);
    dear_.give_back(dear_.grant(0));
    pass(20s);
    EXPECT_EQ(cheap_.granted() + dear_.granted(), 2U) << "the node that failed it is avoided";
    pass(60s);
    EXPECT_EQ(cheap_.granted() + dear_.granted(), 4U) << "for a minute: there is no other";
    EXPECT_EQ(status(order).state, WorkState::kActive);
    EXPECT_EQ(status(order).charged, Usd{0});
}

TEST_F(WorkDeskTest, ACancelledJobStopsAndItsMoneyIsFree) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.budget = kRich;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    gateway_.post(WorkCancel{order.job_id, cheap_.address()});
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kActive) << "of another client";
    gateway_.post(WorkCancel{order.job_id, order.client});
    pass(1s);
    ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U);
    EXPECT_EQ(status(order).state, WorkState::kActive) << "its node has not said yet what it used";
    cheap_.finish(cheap_.grant(0), signer_.address(), 2000ms, kCancelledExit);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kCancelled);
    EXPECT_EQ(status(order).charged, Usd{556}) << "2 s of a dollar an hour";
    WorkOrder next = an_order(2);
    next.budget = Usd{kRich.micro - 556};
    submit(next);
    EXPECT_EQ(cheap_.granted(), 2U) << "the rest of the money is free";
}

TEST_F(WorkDeskTest, ACancelledJobDoesNotWaitForANodeThatSaysNothing) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    const WorkOrder order = an_order(1);
    submit(order);
    gateway_.post(WorkCancel{order.job_id, order.client});
    pass(15s);

    EXPECT_EQ(status(order).state, WorkState::kCancelled);
    EXPECT_EQ(status(order).charged, Usd{0});
}

TEST_F(WorkDeskTest, AJobPaysForItsTimeUntilItsDeadline) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.deadline = world_.unix_now() + 60s;
    submit(order);
    pass(order.deadline - world_.unix_now() + 1s);
    EXPECT_EQ(status(order).state, WorkState::kActive) << status(order).error;
    ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U);
    cheap_.finish(cheap_.grant(0), signer_.address(), 60'000ms, kCancelledExit);
    pass(1s);

    EXPECT_EQ(status(order).state, WorkState::kFailed);
    EXPECT_EQ(status(order).charged, Usd{16'667});
}

TEST_F(WorkDeskTest, WhatRunsGoesOnWhenTheSchedulerStartsAgain) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.quote_id = quote(order)->quote_id;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant grant = cheap_.grant(0);
    cheap_.keep(grant);
    cheap_.offer(1, Usd{5'000'000});
    end();
    open();
    pass(20s);
    EXPECT_EQ(status(order).steps[0].attempt, 1U);
    EXPECT_EQ(cheap_.granted(), 1U);
    cheap_.finish(grant, signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{278}) << "the price of the quote";
    submit(order);
    EXPECT_EQ(gateway_.heard<WorkAccepted>().size(), 2U) << "the same order again is answered, its quote long used";
    EXPECT_TRUE(gateway_.heard<JobFailed>().empty());
}

TEST_F(WorkDeskTest, CriticalWorkHasASpareAndOnlyTheFirstIsCharged) {
    cheap_.offer(1, Usd{1'000'000});
    dear_.offer(1, Usd{2'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.service_class = ServiceClass::kCritical;
    order.spec.groups[0].is_speculative = true;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    ASSERT_EQ(dear_.granted(), 1U) << "on another node";
    dear_.finish(dear_.grant(0), signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{556});
    EXPECT_EQ(cheap_.heard<JobCancel>().size(), 1U);
}

StepFile a_file(std::string name) {
    StepFile file;
    file.name = std::move(name);
    file.sha256.bytes.fill(6);
    file.bytes = 10;
    return file;
}

TEST_F(WorkDeskTest, AStepGoesOnlyWhereItsSetupIsPossible) {
    cheap_.offer(1, Usd{1'000'000});
    dear_.offer(1, Usd{2'000'000}, {}, bit(UnitFeature::kContainers) | bit(UnitFeature::kPorts));
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].setup.image = "busybox";
    submit(order);
    EXPECT_EQ(cheap_.granted(), 0U);
    ASSERT_EQ(dear_.granted(), 1U);
    EXPECT_EQ(dear_.grant(0).work.setup.image, "busybox");
    WorkOrder other = an_order(2);
    other.spec.groups[0].setup.program = "render";
    submit(other);
    const auto refused = gateway_.heard<JobFailed>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_NE(refused[0].message.find("with render"), std::string::npos) << refused[0].message;
}

TEST_F(WorkDeskTest, ALostStepGoesOnFromItsCheckpointOnAnotherNode) {
    cheap_.offer(1, Usd{1'000'000}, {}, bit(UnitFeature::kFiles));
    dear_.offer(1, Usd{2'000'000}, {}, bit(UnitFeature::kFiles));
    begin();
    WorkOrder order = an_order(1);
    order.files_url = "https://gateway.example/files/token/";
    order.spec.groups[0].setup.checkpoint_seconds = 60;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant first = cheap_.grant(0);
    cheap_.start(first);
    cheap_.post(StepCheckpoint{first.lease.job_id, first.lease.fencing_token, 1, {a_file("weights")}});
    cheap_.post(StepCheckpoint{first.lease.job_id, first.lease.fencing_token, 2, {a_file("../etc/passwd")}});
    pass(1s);
    end();  // it is not in the memory of one process only
    cheap_.keep(first);
    open();
    pass(20s);
    cheap_.give_back(first);
    pass(10s);
    ASSERT_EQ(dear_.granted(), 1U);
    const StepGrant second = dear_.grant(0);
    ASSERT_EQ(second.work.inputs.size(), 1U);
    EXPECT_EQ(second.work.inputs[0].name, "checkpoint/weights");
    EXPECT_EQ(second.work.inputs[0].sha256, a_file("weights").sha256);
    EXPECT_EQ(second.work.files_url, order.files_url);
    dear_.finish(second, signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{556}) << "the lost attempt costs nothing";
}

TEST_F(WorkDeskTest, FilesOfAResultAreSignedForShownAndHandedOn) {
    cheap_.offer(1, Usd{1'000'000}, {}, bit(UnitFeature::kFiles));
    begin();
    WorkOrder order = an_order(1);
    order.files_url = "https://gateway.example/files/token/";
    order.spec.groups[0].setup.keeps_files = true;
    StepGroup film = order.spec.groups[0];
    film.name = "film";
    film.needs = film.takes = {"main"};
    film.setup.keeps_files = false;
    order.spec.groups.push_back(film);
    submit(order);
    cheap_.finish(cheap_.grant(0), signer_.address(), 1000ms, 0, {a_file("a.png")});
    pass(1s);
    ASSERT_EQ(status(order).steps[0].files.size(), 1U);
    EXPECT_EQ(status(order).steps[0].files[0], a_file("a.png"));
    ASSERT_EQ(cheap_.granted(), 2U);
    ASSERT_EQ(cheap_.grant(1).work.inputs.size(), 1U);
    EXPECT_EQ(cheap_.grant(1).work.inputs[0].name, "in/main/0/a.png");
    cheap_.finish(cheap_.grant(1), signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
}

TEST_F(WorkDeskTest, AResultWithFilesThatCannotBeIsTheNodesFault) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    const WorkOrder order = an_order(1);
    submit(order);
    cheap_.finish(cheap_.grant(0), signer_.address(), 1000ms, 0, {a_file("../../a")});
    pass(1s);
    EXPECT_EQ(status(order).charged, Usd{0});
    EXPECT_FALSE(cheap_.heard<ReceiptAck>().back().accepted);
}

}  // namespace
}  // namespace vcity::scheduler
