// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "market/typed_hashes.hpp"
#include "ports/testing/audit_contract.hpp"
#include "ports/testing/inference_contract.hpp"
#include "ports/testing/link_contract.hpp"
#include "ports/testing/sandbox_contract.hpp"
#include "ports/testing/store_contract.hpp"
#include "ports/testing/upkeep_contract.hpp"
#include "sim/fakes/inference.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/sandbox.hpp"
#include "sim/fakes/signer.hpp"
#include "sim/fakes/store.hpp"
#include "sim/fakes/upkeep.hpp"

// The fakes keep the contracts that the adapters keep.
namespace vcity::ports::testing {
namespace {

constexpr std::uint64_t kStepsMax = 3'000'000;

Task<void> note_end(Task<void> task, bool* ended) {
    co_await std::move(task);
    *ended = true;
}

// Steps only as far as the task needs, so that nothing that waits for a far deadline moves the clock there.
void run_to_end(sim::SimRuntime* world, Task<void> task) {
    bool ended = false;
    world->spawn(note_end(std::move(task), &ended));
    for (std::uint64_t step = 0; step < kStepsMax && !ended; ++step) world->run(1);
    ASSERT_TRUE(ended);
}

class FakeStoreHarness final : public StoreHarness {
  public:
    FakeStoreHarness() { reopen(); }
    Runtime& runtime() override { return world_; }
    void run(Task<void> task) override { run_to_end(&world_, std::move(task)); }
    Store& store() override { return *store_; }
    void reopen() override {
        disk_.crash();
        store_ = std::make_unique<sim::FakeStore>(&world_, &disk_);
    }

  private:
    sim::SimRuntime world_{1};
    sim::FakeDisk disk_{&world_};
    std::unique_ptr<sim::FakeStore> store_;
};

std::unique_ptr<StoreHarness> make_store_harness() {
    return std::make_unique<FakeStoreHarness>();
}

INSTANTIATE_TEST_SUITE_P(Fake, StoreContract, ::testing::Values(StoreHarnessFactory{make_store_harness}));

class FakeUpkeepHarness final : public UpkeepHarness {
  public:
    FakeUpkeepHarness() { duties_.add(DutyKind::kClosePeriod, kPeriodSeconds); }
    Runtime& runtime() override { return world_; }
    void run(Task<void> task) override { run_to_end(&world_, std::move(task)); }
    Upkeep& upkeep() override { return upkeep_; }
    Upkeep& other() override { return other_; }
    void pass_a_period() override {
        world_.run_until(world_.now() + std::chrono::seconds{kPeriodSeconds + 1}, kStepsMax);
    }

  private:
    static constexpr std::uint64_t kPeriodSeconds = 600;

    sim::SimRuntime world_{1};
    sim::FakeDuties duties_{&world_};
    sim::FakeUpkeep upkeep_{&world_, &duties_};
    sim::FakeUpkeep other_{&world_, &duties_};
};

std::unique_ptr<UpkeepHarness> make_upkeep_harness() {
    return std::make_unique<FakeUpkeepHarness>();
}

INSTANTIATE_TEST_SUITE_P(Fake, UpkeepContract, ::testing::Values(UpkeepHarnessFactory{make_upkeep_harness}));

class FakeLinkHarness final : public LinkHarness {
  public:
    Runtime* runtime() override { return &world_; }
    LinkListener* listener() override { return listener_.get(); }
    LinkDialer* dialer() override { return dialer_.get(); }
    std::string endpoint() override { return "ws://scheduler/"; }
    std::string dead_endpoint() override { return "ws://nobody/"; }
    void run(Task<void> test) override { run_to_end(&world_, std::move(test)); }

  private:
    sim::SimRuntime world_{1};
    sim::FakeNetwork network_{&world_};
    std::unique_ptr<LinkListener> listener_ = network_.listen(&world_, "scheduler", "ws://scheduler/");
    std::unique_ptr<LinkDialer> dialer_ = network_.dialer(&world_, "node");
};

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, LinkContract, FakeLinkHarness);

ModelRequest request_saying(std::string prompt) {
    ModelRequest request;
    request.model = "vcity/fake";
    request.prompt = std::move(prompt);
    request.output_tokens_max = 2000;
    return request;
}

sim::FakeModel honest_model() {
    sim::FakeModel model;
    model.root.bytes.fill(5);
    return model;
}

class FakeInferenceHarness final : public InferenceHarness {
  public:
    Runtime& runtime() override { return world_; }
    void run(Task<void> task) override { run_to_end(&world_, std::move(task)); }
    Inference& inference() override { return inference_; }
    ModelRequest request_of(InferenceRequest kind) override {
        switch (kind) {
            case InferenceRequest::kShort: return request_saying("hello");
            case InferenceRequest::kEndless: return request_saying("endless");
            case InferenceRequest::kImpossible: return request_saying("impossible");
            case InferenceRequest::kSketched: {
                ModelRequest request = request_saying("hello");
                request.verification = Verification::kNone;
                return request;
            }
        }
        return {};
    }

  private:
    sim::SimRuntime world_{1};
    sim::FakeInference inference_{&world_, &world_, honest_model(), {}};
};

std::unique_ptr<InferenceHarness> make_inference_harness() {
    return std::make_unique<FakeInferenceHarness>();
}

INSTANTIATE_TEST_SUITE_P(Fake, InferenceContract, ::testing::Values(InferenceHarnessFactory{make_inference_harness}));

class FakeSandboxHarness final : public SandboxHarness {
  public:
    Runtime& runtime() override { return world_; }
    void run(Task<void> task) override { run_to_end(&world_, std::move(task)); }
    Sandbox& sandbox() override { return sandbox_; }
    SandboxSpec spec_of(SandboxProgram program) override {
        SandboxSpec spec;
        switch (program) {
            case SandboxProgram::kEcho: spec.command = {"/fake", "--echo"}; break;
            case SandboxProgram::kExit7: spec.command = {"/fake", "--exit=7", "--milliseconds=5"}; break;
            case SandboxProgram::kSilent: spec.command = {"/fake", "--endless"}; break;
            case SandboxProgram::kFlood: spec.command = {"/fake", "--flood=1048576", "--pieces=7"}; break;
            case SandboxProgram::kShow: spec.command = {"/fake", "--show=input"}; break;
        }
        return spec;
    }

  private:
    sim::SimRuntime world_{1};
    sim::FakeSandbox sandbox_{&world_, &world_};
};

std::unique_ptr<SandboxHarness> make_sandbox_harness() {
    return std::make_unique<FakeSandboxHarness>();
}

INSTANTIATE_TEST_SUITE_P(Fake, SandboxContract, ::testing::Values(SandboxHarnessFactory{make_sandbox_harness}));

class FakeAuditHarness final : public AuditHarness {
  public:
    explicit FakeAuditHarness(Verification verification) : verification_{verification} {}
    Auditor& auditor() override { return auditor_; }
    AuditTask honest_task() override {
        const sim::FakeModel model = honest_model();
        AuditTask task;
        task.request = request_saying("a prompt of some length");
        task.request.verification = verification_;
        for (const std::string& token : model.tokens_of(task.request)) task.response_text += token;
        UsageReceipt& bill = task.receipt.receipt;
        bill.model_root = model.root;
        bill.units.input = model.input_tokens_of(task.request);
        bill.units.output = 10;
        bill.verification_root = sim::fake_verification_root(model.header_of(task.request, task.response_text));
        return task;
    }
    Hash tree_of(const AuditTask& task) override {
        if (tier_of(verification_) == AuditTier::kServed) return task.receipt.receipt.verification_root;
        return sim::fake_replay_root(honest_model().header_of(task.request, task.response_text), 1);
    }
    Opening open(const AuditQuestion& question) override {
        const AuditTask task = honest_task();
        const sim::FakeModel model = honest_model();
        Opening opening;
        opening.header = model.header_of(task.request, task.response_text);
        for (const Cell& cell : question.cells) {
            opening.cells.push_back({.cell = cell, .data = model.cell_of(task.request, cell)});
        }
        for (const std::uint32_t position : question.sketches) {
            OpenedSketch sketch;
            sketch.position = position;
            sketch.data = model.sketch_of(task.request, position);
            sketch.last = sketch.data;
            opening.sketches.push_back(std::move(sketch));
        }
        return opening;
    }

  private:
    Verification verification_;
    sim::FakeAuditor auditor_{honest_model()};
};

std::unique_ptr<AuditHarness> make_audit_harness() {
    return std::make_unique<FakeAuditHarness>(Verification::kSampled);
}
std::unique_ptr<AuditHarness> make_sketch_harness() {
    return std::make_unique<FakeAuditHarness>(Verification::kNone);
}

INSTANTIATE_TEST_SUITE_P(Fake,
                         AuditContract,
                         ::testing::Values(AuditHarnessFactory{make_audit_harness},
                                           AuditHarnessFactory{make_sketch_harness}));

}  // namespace
}  // namespace vcity::ports::testing
