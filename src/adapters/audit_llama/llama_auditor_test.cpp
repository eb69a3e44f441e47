// SPDX-License-Identifier: Apache-2.0
#include "adapters/audit_llama/llama_auditor.hpp"

#include <gtest/gtest.h>

#include "adapters/audit_llama/testing/model_folder.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "base/check.hpp"
#include "checkpoint/output_text.hpp"
#include "checkpoint/sampler.hpp"
#include "market/typed_hashes.hpp"
#include "ports/testing/audit_contract.hpp"
#include "ports/testing/harness.hpp"
#include "verify/testing/reference_worker.hpp"

namespace vcity::adapters {
namespace {

using verify::testing::FinishedJob;
using verify::testing::ReferenceWorker;
using verify::testing::StoredModel;

using testing::config_json;
using testing::kEnd;
using testing::ModelFolder;

verify::ModelShape tiny_shape() {
    verify::ModelShape shape = verify::testing::small_shape();
    shape.layers = 2;
    shape.hidden = 24;
    shape.heads = 2;
    shape.kv_heads = 1;
    shape.ffn = 40;
    shape.vocab = 264;
    return shape;
}

class Runner final : public ports::testing::OnRuntime<ports::testing::TaskRunner, AsioRuntime> {};

ModelRequest a_request() {
    ModelRequest request;
    request.model = "tiny";
    request.prompt = "hello";
    request.output_tokens_max = 6;
    request.sampling = {.temperature = 0.9, .top_p = 1.0, .seed = 4};
    return request;
}

// A public model, an auditor of it and a reference worker that serves it.
class Harness final : public ports::testing::AuditHarness {
  public:
    Harness() {
        LlamaAuditorOptions options;
        options.folder = folder_.path();
        auto opened = await(runner_, LlamaAuditor::open(&runner_.runtime(), options));
        CHECK(opened.has_value());
        auditor_ = *std::move(opened);
        serve(a_request(), ReferenceWorker{&model_});
    }

    ports::Auditor& auditor() override { return *auditor_; }
    AuditTask honest_task() override { return task_; }
    Opening open(const AuditQuestion& question) override { return job_.open(question); }

    const StoredModel& model() const { return model_; }
    const ModelFolder& folder() const { return folder_; }
    Runner& runner() { return runner_; }

    // Runs a job as the worker does and makes the task that its receipt leads to.
    void serve(const ModelRequest& request, ReferenceWorker worker) {
        worker.sample = checkpoint::choose_token;
        const auto directory = checkpoint::ModelDirectory::open(folder_.path());
        CHECK(directory.has_value());
        verify::TraceHeader header;
        header.job_id.bytes[0] = 3;
        header.request_hash = market::request_hash(request);
        header.weights_root = auditor_->model_root();
        header.shape = verify::shape_hash(model_.shape);
        header.client_nonce = request.client_nonce;
        header.sampling = request.sampling;
        header.prompt_tokens = *checkpoint::encode_prompt(request, directory->tokenizer(), directory->prompt_rules());
        job_ = verify::testing::run_job(worker, header, request.output_tokens_max);
        const auto& tokens = job_.header.output_tokens;
        task_.request = request;
        task_.response_text = checkpoint::output_text(directory->tokenizer(), request.stop, tokens);
        UsageReceipt& receipt = task_.receipt.receipt;
        receipt.job_id = header.job_id;
        receipt.units = {header.prompt_tokens.size(), tokens.size()};
        receipt.model_root = header.weights_root;
        receipt.request_hash = header.request_hash;
        receipt.response_hash = market::response_hash(task_.response_text);
        receipt.verification_root = job_.root;
    }
    std::string rejection() {
        ports::AuditAnswer answer;
        answer.question = auditor_->draw(task_, answer.seed);
        answer.root = task_.receipt.receipt.verification_root;
        answer.opening = open(answer.question);
        const ports::AuditFinding finding = auditor_->check(task_, answer);
        EXPECT_EQ(finding.outcome, VerdictOutcome::kRejected);
        return finding.reason;
    }

    AuditTask task_;

  private:
    StoredModel model_ = verify::testing::random_model(tiny_shape(), 8);
    ModelFolder folder_{model_};
    Runner runner_;
    std::unique_ptr<LlamaAuditor> auditor_;
    FinishedJob job_;
};

std::unique_ptr<ports::testing::AuditHarness> make_harness() {
    return std::make_unique<Harness>();
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Llama, AuditContract, ::testing::Values(AuditHarnessFactory{adapters::make_harness}));

}  // namespace vcity::ports::testing

namespace vcity::adapters {
namespace {

TEST(LlamaAuditor, NamesTheRootOfThePublicWeights) {
    Harness harness;
    EXPECT_EQ(harness.auditor().model_root(), harness.model().root());
}

TEST(LlamaAuditor, RejectsAWorkerOfCheaperWeights) {
    Harness harness;
    const StoredModel cheaper = verify::testing::with_changed_matrices(
        harness.model(), [](auto* tensor) { verify::testing::quantise(tensor, 8, 0); });
    harness.serve(a_request(), ReferenceWorker{&cheaper});

    EXPECT_NE(harness.rejection().find("public weights"), std::string::npos);
}

TEST(LlamaAuditor, RejectsAnotherTextThanTheTokens) {
    Harness harness;
    harness.task_.receipt.receipt.response_hash = market::response_hash("something else");
    EXPECT_NE(harness.rejection().find("delivered text"), std::string::npos);
}

TEST(LlamaAuditor, RejectsAnotherRequest) {
    Harness harness;
    harness.task_.request.prompt = "hellu";
    EXPECT_NE(harness.rejection().find("not the one of the receipt"), std::string::npos);
    // The scheduler and the node agree on another prompt than the one that was run.
    harness.task_.receipt.receipt.request_hash = market::request_hash(harness.task_.request);
    EXPECT_NE(harness.rejection().find("another request"), std::string::npos);
}

TEST(LlamaAuditor, RejectsMoreTokensThanAskedFor) {
    Harness harness;
    harness.serve(a_request(), ReferenceWorker{&harness.model()});
    ModelRequest shorter = a_request();
    shorter.output_tokens_max = 2;
    ModelRequest longer = shorter;
    longer.output_tokens_max = 5;
    harness.serve(longer, ReferenceWorker{&harness.model()});
    harness.task_.request = shorter;
    harness.task_.receipt.receipt.request_hash = market::request_hash(shorter);

    EXPECT_FALSE(harness.rejection().empty());
}

TEST(LlamaAuditor, RejectsTokensBilledAfterTheEnd) {
    Harness harness;
    ReferenceWorker worker{&harness.model()};
    worker.replace_token = [](std::uint64_t step, std::uint32_t token) { return step == 1 ? kEnd : token; };
    harness.serve(a_request(), worker);

    EXPECT_NE(harness.rejection().find("after the end"), std::string::npos);
}

TEST(LlamaAuditor, RejectsTokensBilledAfterAStopText) {
    Harness harness;
    ModelRequest request = a_request();
    request.stop = {"A"};
    ReferenceWorker worker{&harness.model()};
    worker.replace_token = [](std::uint64_t step, std::uint32_t token) { return step == 1 ? 'A' : token; };
    harness.serve(request, worker);

    EXPECT_NE(harness.rejection().find("after the end"), std::string::npos);
}

TEST(LlamaAuditor, NamesWhatIsWrongWithADirectory) {
    Harness harness;
    LlamaAuditorOptions options;
    options.folder = harness.folder().path();
    verify::ModelShape deeper = tiny_shape();
    deeper.layers = 3;
    harness.folder().write("config.json", config_json(deeper));

    const auto opened = await(harness.runner(), LlamaAuditor::open(&harness.runner().runtime(), options));

    ASSERT_FALSE(opened.has_value());
    EXPECT_NE(opened.error().message.find("model.layers.2"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace vcity::adapters
