// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/local_audits.hpp"

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"
#include "market/typed_hashes.hpp"
#include "seal/testing/soft_tpm.hpp"
#include "sim/fakes/inference.hpp"
#include "sim/runtime.hpp"

namespace vcity::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSteps = 1'000'000;

template <class T>
Task<void> keep(Task<T> task, std::optional<T>* out) {
    auto value = co_await std::move(task);
    out->emplace(std::move(value));
}

// A worker that has served one request, and the monitor beside it.
class World {
  public:
    explicit World(bool is_cheat, Verification verification = Verification::kFull) {
        model.root = crypto::keccak256_text("weights");
        sim::FakeInferenceOptions options;
        if (is_cheat) options.true_root = crypto::keccak256_text("cheaper weights");
        inference = std::make_unique<sim::FakeInference>(&runtime, &runtime, model, options);
        auditor = std::make_unique<sim::FakeAuditor>(model);
        MonitorOptions settings;
        settings.policy = *attest::parse_monitor_policy(R"({"version":1})");
        settings.model_root = model.root;
        MonitorDeps deps{.runtime = &runtime,
                         .tee = &tpm,
                         .enrolment = nullptr,
                         .metrics = &null_metrics(),
                         .deployment = {},
                         .log = Log{nullptr, ""}};
        monitor = std::make_unique<Monitor>(std::move(deps), std::move(settings));
        audits = std::make_unique<LocalAudits>(LocalAuditDeps{
            .runtime = &runtime, .monitor = monitor.get(), .inference = inference.get(), .auditors = {auditor.get()}});
        serve(verification);
    }

    template <class T>
    T await(Task<T> work) {
        std::optional<T> out;
        runtime.spawn(keep(std::move(work), &out));
        runtime.run_until(runtime.now() + 10min, kSteps);
        return std::move(out).value();
    }
    void seal() {
        MonitorSeal wanted;
        wanted.job_id = task.receipt.receipt.job_id;
        wanted.verification_root = task.receipt.receipt.verification_root;
        wanted.request_hash = task.receipt.receipt.request_hash;
        wanted.model_root = model.root;
        wanted.epoch = monitor->statement().epoch;
        ASSERT_TRUE(monitor->seal_now(wanted));
    }
    Result<LocalVerdict> audit() { return await(audits->audit(task, 1min)); }

    sim::SimRuntime runtime{1};
    seal::testing::SoftTpm tpm;
    sim::FakeModel model;
    std::unique_ptr<sim::FakeInference> inference;
    std::unique_ptr<sim::FakeAuditor> auditor;
    std::unique_ptr<Monitor> monitor;
    std::unique_ptr<LocalAudits> audits;
    AuditTask task;

  private:
    Task<Result<WorkerDone>> generate(WorkerGenerate order) {
        CO_TRY_OK(co_await inference->ready(runtime.now() + 1min));
        CO_TRY(const std::unique_ptr<ports::Generation> generation, co_await inference->generate(std::move(order)));
        while (true) {
            CO_TRY(const ports::GenerationEvent event, co_await generation->next(runtime.now() + 1min));
            if (const auto* done = std::get_if<WorkerDone>(&event)) co_return *done;
            task.response_text += std::get<WorkerToken>(event).text;
        }
    }
    void serve(Verification verification) {
        task.request.model = model.name;
        task.request.prompt = "hello";
        task.request.output_tokens_max = 50;
        task.request.verification = verification;
        WorkerGenerate order;
        order.job_id.bytes.fill(1);
        order.request = task.request;
        const Result<WorkerDone> done = await(generate(order));
        ASSERT_TRUE(done) << done.error().message;
        UsageReceipt& bill = task.receipt.receipt;
        bill.job_id = order.job_id;
        bill.units = done->usage;
        bill.model_root = model.root;
        bill.request_hash = market::request_hash(task.request);
        bill.response_hash = market::response_hash(task.response_text);
        bill.verification_root = done->verification_root;
    }
};

TEST(LocalAudits, AcceptAnHonestWorkerInBothTiers) {
    for (const Verification verification : {Verification::kFull, Verification::kNone}) {
        World world{false, verification};
        world.seal();
        const Result<LocalVerdict> verdict = world.audit();
        ASSERT_TRUE(verdict) << verdict.error().message;
        EXPECT_EQ(verdict->outcome, VerdictOutcome::kAccepted) << verdict->reason;
    }
}

TEST(LocalAudits, RejectOtherWeights) {
    World world{true};
    world.seal();
    EXPECT_EQ(world.audit()->outcome, VerdictOutcome::kRejected);
}

TEST(LocalAudits, DrawNothingOfARootWithoutASeal) {
    World world{false};
    EXPECT_EQ(world.audit().error().code, Errc::kDenied);
    world.seal();
    world.task.receipt.receipt.verification_root.bytes[0] ^= 1U;
    EXPECT_EQ(world.audit().error().code, Errc::kDenied);
}

TEST(LocalAudits, WantTheTextsOfTheReceiptAndWeightsTheyHold) {
    World world{false};
    world.seal();
    world.task.response_text += "!";
    EXPECT_EQ(world.audit().error().code, Errc::kInvalid);
    world.task.response_text.pop_back();
    world.task.receipt.receipt.model_root.bytes[0] ^= 1U;
    EXPECT_EQ(world.audit().error().code, Errc::kNotFound);
}

TEST(LocalAudits, SayWhenTheWorkerDoesNotOpen) {
    World world{false};
    world.seal();
    world.inference->drop(world.task.receipt.receipt.job_id);
    EXPECT_EQ(world.audit()->outcome, VerdictOutcome::kNotOpened);
}

}  // namespace
}  // namespace vcity::monitor
