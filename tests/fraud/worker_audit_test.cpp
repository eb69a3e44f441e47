// SPDX-License-Identifier: Apache-2.0
#include <tuple>
#include <variant>

#include <gtest/gtest.h>

#include "adapters/audit_llama/llama_auditor.hpp"
#include "adapters/audit_llama/testing/model_folder.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "base/check.hpp"
#include "crypto/keccak.hpp"
#include "engine.hpp"
#include "market/typed_hashes.hpp"
#include "ports/testing/harness.hpp"

namespace vcity {
namespace {

using adapters::AsioRuntime;
using adapters::LlamaAuditor;
using adapters::testing::ModelFolder;
using verify::testing::StoredModel;

class Runner final : public ports::testing::OnRuntime<ports::testing::TaskRunner, AsioRuntime> {};

verify::ModelShape shape_of(verify::ComputeType compute) {
    verify::ModelShape shape = verify::testing::small_shape();
    shape.layers = 2;
    shape.hidden = 256;
    shape.heads = 4;
    shape.kv_heads = 2;
    shape.head_dim = 64;
    shape.ffn = 688;
    shape.vocab = 264;
    shape.compute = compute;
    return shape;
}

ModelRequest request_of(std::uint64_t number, AuditTier tier) {
    ModelRequest request;
    request.model = "random";
    request.prompt = "the prompt of job " + std::to_string(number) + std::string(number * 7 % 40, '.');
    request.output_tokens_max = 6;
    request.sampling = {.temperature = number % 2 == 0 ? 0.0 : 0.9, .top_p = 0.95, .seed = number};
    request.client_nonce = crypto::keccak256_text(request.prompt);
    request.verification = tier == AuditTier::kServed ? Verification::kSampled : Verification::kNone;
    return request;
}

constexpr UnixMillis kStart{1'790'000'000'000};
constexpr std::uint64_t kEpoch = epoch_of(kStart);

JobId job_of(std::uint64_t number) {
    JobId job;
    job.bytes[0] = static_cast<std::uint8_t>(number + 1);
    return job;
}

// Serves jobs on libtorch, several at a time, and turns what the worker says into tasks of a verifier.
class Worker {
  public:
    Worker(const ModelFolder& folder, verify::ComputeType compute, AuditTier tier) : tier_{tier} {
        worker::EngineOptions options;
        options.prompt_rows = 16;
        options.background = worker::make_threaded_background(1);
        options.runner.compute = compute;
        auto engine = worker::Engine::load(folder.path(), options);
        CHECK(engine.has_value());
        engine_ = *std::move(engine);
    }

    std::vector<AuditTask> serve(std::uint64_t first, std::uint64_t count) {
        worker::WorkerMessages messages;
        for (std::uint64_t i = first; i < first + count; ++i) {
            engine_->generate({.job_id = job_of(i), .request = request_of(i, tier_), .epoch = kEpoch}, &messages);
        }
        while (engine_->busy()) engine_->step(&messages);
        std::vector<AuditTask> tasks;
        for (std::uint64_t i = first; i < first + count; ++i) tasks.push_back(task_of(i, messages));
        return tasks;
    }
    // The tree that cells are opened in: in tier A the job is run again for it.
    Hash root_of(const UsageReceipt& receipt) {
        if (tier_ == AuditTier::kServed) return receipt.verification_root;
        worker::WorkerMessages messages;
        engine_->replay({.job_id = receipt.job_id}, &messages);
        while (engine_->busy()) engine_->step(&messages);
        CHECK(messages.size() == 1 && std::holds_alternative<WorkerReplayed>(messages[0]));
        return std::get<WorkerReplayed>(messages[0]).root;
    }
    Opening open(const JobId& job, const Hash& root, const AuditQuestion& question) {
        worker::WorkerMessages messages;
        engine_->open({.job_id = job, .root = root, .question = question}, &messages);
        CHECK(messages.size() == 1 && std::holds_alternative<WorkerOpening>(messages[0]));
        return std::get<WorkerOpening>(messages[0]).opening;
    }
    Hash weights_root() const { return engine_->ready().weights_root; }

  private:
    AuditTask task_of(std::uint64_t number, const worker::WorkerMessages& messages) const {
        AuditTask task;
        task.request = request_of(number, tier_);
        UsageReceipt& receipt = task.receipt.receipt;
        receipt.job_id = job_of(number);
        receipt.started_at = kStart;
        receipt.finished_at = kStart;
        for (const WorkerMessage& message : messages) {
            const auto* token = std::get_if<WorkerToken>(&message);
            if (token != nullptr && token->job_id == receipt.job_id) task.response_text += token->text;
            const auto* done = std::get_if<WorkerDone>(&message);
            if (done == nullptr || done->job_id != receipt.job_id) continue;
            receipt.units = done->usage;
            receipt.verification_root = done->verification_root;
        }
        receipt.model_root = weights_root();
        receipt.request_hash = market::request_hash(task.request);
        receipt.response_hash = market::response_hash(task.response_text);
        return task;
    }

    AuditTier tier_;
    std::unique_ptr<worker::Engine> engine_;
};

class Verifier {
  public:
    Verifier(const ModelFolder& folder, verify::ComputeType compute) {
        adapters::LlamaAuditorOptions options;
        options.folder = folder.path();
        options.compute = compute;
        auto opened = await(runner_, LlamaAuditor::open(&runner_.runtime(), options));
        CHECK(opened.has_value());
        auditor_ = *std::move(opened);
    }
    ports::AuditFinding audit(Worker* worker, AuditTask task) {
        // A cheat names the public weights in its receipt.
        task.receipt.receipt.model_root = auditor_->model_root();
        ports::AuditAnswer answer;
        runner_.runtime().random_bytes(answer.seed.bytes);
        answer.question = auditor_->draw(task, answer.seed);
        answer.root = worker->root_of(task.receipt.receipt);
        answer.opening = worker->open(task.receipt.receipt.job_id, answer.root, answer.question);
        return auditor_->check(task, answer);
    }
    Hash root() const { return auditor_->model_root(); }

  private:
    Runner runner_;
    std::unique_ptr<LlamaAuditor> auditor_;
};

class WorkerAudit : public ::testing::TestWithParam<std::tuple<verify::ComputeType, AuditTier>> {
  protected:
    verify::ComputeType compute() const { return std::get<0>(GetParam()); }
    AuditTier tier() const { return std::get<1>(GetParam()); }
};

TEST_P(WorkerAudit, AcceptsTheRealWorkerInEveryBatchSize) {
    const StoredModel model = verify::testing::random_model(shape_of(compute()), 21);
    const ModelFolder folder{model};
    Worker worker{folder, compute(), tier()};
    Verifier verifier{folder, compute()};
    EXPECT_EQ(worker.weights_root(), verifier.root());

    for (const std::uint64_t batch : {1U, 2U, 4U}) {
        for (const AuditTask& task : worker.serve(batch * 10, batch)) {
            const ports::AuditFinding finding = verifier.audit(&worker, task);
            EXPECT_EQ(finding.outcome, VerdictOutcome::kAccepted) << batch << " " << finding.reason;
        }
    }
}

// An honest program on an int8 copy of the model: what it serves and commits to is not the public model.
TEST_P(WorkerAudit, RejectsAWorkerThatServesOtherWeights) {
    const StoredModel model = verify::testing::random_model(shape_of(compute()), 22);
    StoredModel cheaper = verify::testing::with_changed_matrices(
        model, [](StoredModel::Tensor* tensor) { verify::testing::quantise(tensor, 8, 0); });
    cheaper.store();
    const ModelFolder public_folder{model};
    const ModelFolder cheap_folder{cheaper};
    Worker worker{cheap_folder, compute(), tier()};
    Verifier verifier{public_folder, compute()};
    EXPECT_NE(worker.weights_root(), verifier.root());

    const ports::AuditFinding finding = verifier.audit(&worker, worker.serve(1, 1).front());

    EXPECT_EQ(finding.outcome, VerdictOutcome::kRejected);
    EXPECT_FALSE(finding.reason.empty());
}

TEST_P(WorkerAudit, RejectsAWorkerInAnotherNumberFormat) {
    const StoredModel model = verify::testing::random_model(shape_of(verify::ComputeType::kFloat32), 23);
    const ModelFolder folder{model};
    const auto other =
        compute() == verify::ComputeType::kFloat32 ? verify::ComputeType::kBfloat16 : verify::ComputeType::kFloat32;
    Worker worker{folder, other, tier()};
    Verifier verifier{folder, compute()};

    const ports::AuditFinding finding = verifier.audit(&worker, worker.serve(1, 1).front());

    EXPECT_EQ(finding.outcome, VerdictOutcome::kRejected);
}

INSTANTIATE_TEST_SUITE_P(TypesAndTiers,
                         WorkerAudit,
                         ::testing::Combine(::testing::Values(verify::ComputeType::kFloat32,
                                                              verify::ComputeType::kBfloat16),
                                            ::testing::Values(AuditTier::kSketch, AuditTier::kServed)));

}  // namespace
}  // namespace vcity
