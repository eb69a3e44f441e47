// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "scenarios/cluster.hpp"
#include "scenarios/disk_view.hpp"
#include "sim/fakes/monitor.hpp"

// One behaviour of the whole network at a time, without faults.
namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;
using scheduler::AuditState;

constexpr std::uint64_t kKeyOfScheduler = 1;
constexpr std::uint64_t kKeyOfGateway = 3;

class Behaviour : public ::testing::Test {
  protected:
    ~Behaviour() override { world_.chain.stop(); }

    NodeMachine* add_node(Honesty honesty, std::uint32_t slots) {
        const std::uint64_t number = nodes_.size();
        nodes_.push_back(
            std::make_unique<NodeMachine>(&world_, "node" + std::to_string(number), 10 + number, honesty, slots));
        nodes_.back()->worker_failures_per_mille = 0;
        return nodes_.back().get();
    }
    ClientJob* add_job(std::string prompt, const SignedCap& cap) {
        ClientJob job;
        job.send_at = world_.runtime.now() + 5s;
        JobOrder& order = job.order;
        order.client = cap.cap.client;
        order.cap = cap;
        order.request.model = world_.model.name;
        order.request.prompt = std::move(prompt);
        order.request.output_tokens_max = 500;
        order.prices_max = {1'000'000, 1'000'000};
        order.quote = *market::quote_of(order.request, order.prices_max);
        order.deadline = world_.runtime.unix_now() + UnixMillis{120'000};
        Hash nonce;
        nonce.bytes[0] = static_cast<std::uint8_t>(book_.jobs.size() + 1);
        order.job_id = market::make_job_id(order.client, scheduler_.signer.address(), nonce);
        return &(book_.jobs[order.job_id] = std::move(job));
    }
    void start() {
        world_.chain.start();
        scheduler_.start();
        if (!starts_verifier_later_) verifier_.start();
        gateway_.start();
        for (const auto& node : nodes_) node->start();
    }
    void go(Duration time) { world_.runtime.run_until(world_.runtime.now() + time, 10'000'000); }
    scheduler::JobRecord record_of(const ClientJob& job) {
        DiskView disk{&scheduler_.disk};
        return disk.job_now(job.order.job_id).value_or(scheduler::JobRecord{});
    }
    Usd claimed_by(const NodeMachine& node) {
        return world_.chain.head().claimed(scheduler_.signer.address(), node.signer.address());
    }

    World world_{ScenarioOptions{}};
    ClientBook book_;
    sim::FakeSigner gateway_signer_{kKeyOfGateway};
    SchedulerMachine scheduler_{&world_, kKeyOfScheduler, gateway_signer_.address(), 1000};
    VerifierMachine verifier_{&world_, "verifier0", 4};
    VerifierMachine second_verifier_{&world_, "verifier1", 5};  // started by those who want it
    GatewayMachine gateway_{&world_, kKeyOfGateway, &book_};
    Buyer buyer_ = make_buyer(&world_, 50, scheduler_.signer.address());
    std::vector<std::unique_ptr<NodeMachine>> nodes_;
    bool starts_verifier_later_ = false;
};

TEST_F(Behaviour, AJobIsAnsweredAuditedSettledAndPaid) {
    const NodeMachine* node = add_node(Honesty::kHonest, 2);
    const ClientJob* job = add_job("hello", buyer_.rich);
    start();

    go(90s);

    ASSERT_EQ(job->status, ClientJob::Status::kDone) << job->error;
    const scheduler::JobRecord record = record_of(*job);
    EXPECT_EQ(record.state, JobState::kSettled);
    EXPECT_EQ(record.audit, AuditState::kAccepted);
    EXPECT_NE(record.placement.text.find("the only one that fits"), std::string::npos);
    const std::uint64_t amount = record.receipt.receipt.amount.micro;
    const Usd fee = *market::fee_of(Usd{amount}, 500);
    EXPECT_GT(amount, 0U);
    EXPECT_EQ(claimed_by(*node), Usd{amount - fee.micro});
    EXPECT_EQ(world_.chain.head().balance(world_.deployment.treasury), fee);
}

TEST_F(Behaviour, OtherWeightsAreCaughtAndNeverUsedAgain) {
    const NodeMachine* cheat = add_node(Honesty::kOtherWeights, 2);
    const ClientJob* first = add_job("hello", buyer_.rich);
    start();
    go(60s);
    const ClientJob* second = add_job("again", buyer_.rich);
    go(60s);

    EXPECT_EQ(record_of(*first).state, JobState::kRejected);
    EXPECT_EQ(record_of(*first).verdict.verdict.outcome, VerdictOutcome::kRejected);
    EXPECT_EQ(second->status, ClientJob::Status::kFailed);
    EXPECT_NE(second->error.find("a verifier rejected a result"), std::string::npos) << second->error;
    EXPECT_EQ(claimed_by(*cheat), Usd{});
    EXPECT_EQ(world_.chain.head().next_index(scheduler_.signer.address()), 0U);
}

TEST_F(Behaviour, WhoRefusesToOpenIsNotPaidAndGoesOnProbation) {
    const NodeMachine* node = add_node(Honesty::kRefusesToOpen, 2);
    const ClientJob* job = add_job("hello", buyer_.rich);
    start();

    go(60s);

    EXPECT_EQ(record_of(*job).state, JobState::kRejected);
    EXPECT_EQ(record_of(*job).audit, AuditState::kNotOpened);
    EXPECT_EQ(record_of(*job).verdict.verdict.outcome, VerdictOutcome::kNotOpened);
    EXPECT_FALSE(scheduler_.disk.find(scheduler::flag_key(node->signer.address())).has_value());
    EXPECT_TRUE(scheduler_.disk.find(scheduler::probation_key(node->signer.address())).has_value());
    EXPECT_EQ(claimed_by(*node), Usd{});
}

TEST_F(Behaviour, ASketchedJobIsReplayedWhenItIsChallenged) {
    add_node(Honesty::kHonest, 2);
    ClientJob* job = add_job("hello", buyer_.rich);
    job->order.request.verification = Verification::kNone;
    start();

    go(90s);

    EXPECT_EQ(record_of(*job).audit, AuditState::kAccepted) << record_of(*job).error;
    const auto memory = verifier_.disk.find(verifier::memory_key(world_.model.root, nodes_.front()->signer.address()));
    EXPECT_EQ(memory, Bytes{1});
}

TEST_F(Behaviour, AMonitorSealsTheRootOfEveryResultUnderItsPresentKey) {
    sim::FakeSealer sealer;
    NodeMachine* node = add_node(Honesty::kHonest, 2);
    node->sealer = &sealer;
    ClientJob* first = add_job("hello", buyer_.rich);
    first->order.request.verification = Verification::kTee;
    start();
    go(60s);
    const Hash old_key = record_of(*first).monitor_key;
    sealer.key = {.hash = Hash{{2}}, .epoch = 2};
    go(30s);
    ClientJob* second = add_job("again", buyer_.rich);
    second->order.request.verification = Verification::kTee;
    go(60s);

    EXPECT_EQ(old_key, Hash{{1}});
    EXPECT_EQ(record_of(*second).monitor_key, sealer.key.hash);
    for (const ClientJob* job : {first, second}) {
        ASSERT_EQ(job->status, ClientJob::Status::kDone) << job->error;
        const UsageReceipt receipt = record_of(*job).receipt.receipt;
        const MonitorSeal seal = sealer.seals.at(receipt.job_id);
        EXPECT_EQ(seal.verification_root, receipt.verification_root);
        EXPECT_EQ(seal.request_hash, receipt.request_hash);
        EXPECT_EQ(seal.client_nonce, job->order.request.client_nonce);
    }
}

TEST_F(Behaviour, ADeadMonitorCostsItsNodeTheSealAndNotTheJob) {
    sim::FakeSealer sealer;
    NodeMachine* node = add_node(Honesty::kHonest, 2);
    node->sealer = &sealer;
    start();
    go(30s);
    sealer.is_down = true;
    const ClientJob* early = add_job("hello", buyer_.rich);
    go(30s);
    ClientJob* attested = add_job("again", buyer_.rich);
    attested->order.request.verification = Verification::kTee;
    go(150s);

    EXPECT_EQ(early->status, ClientJob::Status::kDone) << early->error;
    EXPECT_TRUE(sealer.seals.empty());
    EXPECT_EQ(attested->status, ClientJob::Status::kFailed);
}

TEST_F(Behaviour, HonestyOnlyWhenAskedIsCaught) {
    const NodeMachine* cheat = add_node(Honesty::kHonestWhenAsked, 2);
    ClientJob* job = add_job("hello", buyer_.rich);
    job->order.request.verification = Verification::kNone;
    start();

    go(90s);

    EXPECT_EQ(record_of(*job).audit, AuditState::kRejected);
    EXPECT_TRUE(scheduler_.disk.find(scheduler::flag_key(cheat->signer.address())).has_value());
}

TEST_F(Behaviour, ALateOpeningIsNoOpening) {
    add_node(Honesty::kOpensLate, 2);
    const ClientJob* job = add_job("hello", buyer_.rich);
    start();

    go(120s);

    EXPECT_EQ(record_of(*job).state, JobState::kRejected);
    EXPECT_EQ(record_of(*job).audit, AuditState::kNotOpened);
    EXPECT_NE(record_of(*job).error.find("in time"), std::string::npos) << record_of(*job).error;
}

TEST_F(Behaviour, AResultIsAuditedOnceItsNodeIsBack) {
    NodeMachine* node = add_node(Honesty::kHonest, 2);
    const ClientJob* job = add_job("hello", buyer_.rich);
    starts_verifier_later_ = true;
    start();
    go(15s);
    world_.network.partition(scheduler_.name(), node->name(), world_.runtime.now() + 120s);
    go(20s);  // until the scheduler has noticed
    verifier_.start();
    go(70s);
    EXPECT_EQ(record_of(*job).audit, AuditState::kPending);
    go(100s);

    EXPECT_EQ(record_of(*job).audit, AuditState::kAccepted) << record_of(*job).error;
}

TEST_F(Behaviour, AVerifierThatIsWrongFlagsNobodyAlone) {
    for (const bool has_second : {false, true}) {
        verifier_.rejects_shallow = true;
        const NodeMachine* node = nodes_.empty() ? add_node(Honesty::kHonest, 2) : nodes_.front().get();
        const ClientJob* job = add_job(has_second ? "again" : "hello", buyer_.rich);
        if (!has_second) start();
        if (has_second) second_verifier_.start();
        go(90s);

        EXPECT_EQ(job->status, ClientJob::Status::kDone) << job->error;
        EXPECT_FALSE(scheduler_.disk.find(scheduler::flag_key(node->signer.address())).has_value());
    }
}

TEST_F(Behaviour, AnotherVerifierConfirmsARejection) {
    const NodeMachine* cheat = add_node(Honesty::kOtherWeights, 2);
    const ClientJob* job = add_job("hello", buyer_.rich);
    second_verifier_.start();
    start();

    go(90s);

    EXPECT_EQ(record_of(*job).audit, AuditState::kRejected);
    EXPECT_TRUE(scheduler_.disk.find(scheduler::flag_key(cheat->signer.address())).has_value());
    const Hash receipt = market::receipt_hash(record_of(*job).receipt.receipt);
    for (const VerifierMachine* verifier : {&verifier_, &second_verifier_}) {
        EXPECT_TRUE(verifier->disk.find(verifier::verdict_key(receipt)).has_value()) << verifier->name();
    }
}

TEST_F(Behaviour, SilenceInEveryAuditEndsInSuspension) {
    const NodeMachine* cheat = add_node(Honesty::kRefusesToOpen, 2);
    std::vector<const ClientJob*> jobs;
    for (const char* prompt : {"one", "two", "three"}) jobs.push_back(add_job(prompt, buyer_.rich));
    start();
    go(60s);
    const ClientJob* late = add_job("four", buyer_.rich);
    go(40s);

    for (const ClientJob* job : jobs) EXPECT_EQ(record_of(*job).state, JobState::kRejected) << job->error;
    EXPECT_EQ(late->status, ClientJob::Status::kFailed);
    EXPECT_NE(late->error.find("left audits unanswered"), std::string::npos) << late->error;
    EXPECT_EQ(claimed_by(*cheat), Usd{});
}

TEST_F(Behaviour, ACancelledJobCostsWhatWasDelivered) {
    add_node(Honesty::kHonest, 1);
    ClientJob* job = add_job("endless", buyer_.rich);
    job->cancel_after = 2s;
    start();

    go(60s);

    ASSERT_EQ(job->status, ClientJob::Status::kDone) << job->error;
    const UsageReceipt& bill = job->receipt->receipt;
    EXPECT_EQ(record_of(*job).finish, FinishReason::kCancelled);
    EXPECT_EQ(bill.units.output, job->next_sequence);
    EXPECT_LT(bill.units.output, 500U);
    EXPECT_LT(bill.amount, bill.quote);
}

TEST_F(Behaviour, ACapIsNeverPromisedTwice) {
    // A line that takes all of them: it is the cap that refuses some.
    scheduler_.adjust = [](scheduler::SchedulerOptions* options) { options->placement_wait_max = 5min; };
    add_node(Honesty::kHonest, 2);
    for (int count = 0; count < 80; ++count) add_job("job " + std::to_string(count), buyer_.poor);
    start();

    go(30s);

    std::size_t refused = 0;
    std::uint64_t spent = 0;
    for (const auto& [job_id, job] : book_.jobs) {
        if (job.error.find("the cap allows") != std::string::npos) ++refused;
        if (job.receipt) spent += job.receipt->receipt.amount.micro;
    }
    EXPECT_GT(refused, 0U);
    EXPECT_GT(spent, 0U);
    EXPECT_LE(spent, buyer_.poor.cap.limit.micro);
}

TEST_F(Behaviour, AFullSchedulerSaysSo) {
    scheduler_.adjust = [](scheduler::SchedulerOptions* options) { options->jobs_live_max = 3; };
    add_node(Honesty::kHonest, 1);
    for (int count = 0; count < 6; ++count) add_job("endless " + std::to_string(count), buyer_.rich);
    start();

    go(10s);

    const auto refused = std::ranges::count_if(book_.jobs, [](const auto& entry) {
        return entry.second.error.find("the scheduler is full") != std::string::npos;
    });
    EXPECT_EQ(refused, 3);
}

TEST_F(Behaviour, ASecondNodeIsAskedWhenTheFirstIsLateAndOnlyOneIsPaid) {
    NodeMachine* first = add_node(Honesty::kHonest, 1);
    NodeMachine* second = add_node(Honesty::kHonest, 1);
    start();
    go(5s);
    // Which node is asked first is a matter of chance.
    ClientJob* job = add_job("hello", buyer_.rich);
    job->order.may_hedge = true;
    job->send_at = world_.runtime.now() + 1s;
    for (const NodeMachine* node : {first, second}) {
        world_.network.partition(scheduler_.name(), node->name(), world_.runtime.now() + 1300ms);
    }
    go(1400ms);
    while (record_of(*job).lease.node.is_zero()) go(50ms);
    NodeMachine* slow = record_of(*job).lease.node == first->signer.address() ? first : second;
    NodeMachine* other = slow == first ? second : first;
    world_.network.partition(scheduler_.name(), slow->name(), world_.runtime.now() + 4s);
    go(3500ms);

    ASSERT_EQ(job->status, ClientJob::Status::kDone) << job->error;
    EXPECT_EQ(record_of(*job).lease.node, other->signer.address());
    EXPECT_EQ(record_of(*job).lease.attempt, 2U);
    EXPECT_FALSE(scheduler_.disk.find(scheduler::job_key(scheduler::kHedgePrefix, job->order.job_id)).has_value());
    go(90s);
    EXPECT_EQ(record_of(*job).state, JobState::kSettled);
    EXPECT_GT(claimed_by(*other), Usd{});
    EXPECT_EQ(claimed_by(*slow), Usd{});
}

TEST_F(Behaviour, AJobMovesToAnotherNodeBeforeTheFirstToken) {
    NodeMachine* first = add_node(Honesty::kHonest, 1);
    NodeMachine* second = add_node(Honesty::kHonest, 1);
    start();
    go(5s);
    // Its links are half open: the scheduler learns only from silence.
    world_.network.leave_half_open(first->name());
    first->crash();
    std::vector<const ClientJob*> jobs;
    for (int count = 0; count < 2; ++count) jobs.push_back(add_job("job " + std::to_string(count), buyer_.rich));

    go(60s);

    for (const ClientJob* job : jobs) {
        EXPECT_EQ(job->status, ClientJob::Status::kDone) << job->error;
        EXPECT_EQ(record_of(*job).lease.node, second->signer.address());
    }
}

}  // namespace
}  // namespace vcity::scenarios
