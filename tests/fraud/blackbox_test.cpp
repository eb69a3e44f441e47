// SPDX-License-Identifier: Apache-2.0
// The black-box check over real HTTP: honest and cheating servers made from the real worker's arithmetic, and the same
// reference that vcity-worker logprobs is.
#include <gtest/gtest.h>

#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "adapters/reference_worker/reference.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "checkpoint/testing/tiny_model.hpp"
#include "endpoint/chat_face.hpp"
#include "endpoint/variants.hpp"
#include "logprobs.hpp"
#include "services/verifier/blackbox/endpoint_check.hpp"

namespace vcity::blackbox {
namespace {

using verify::BlackboxDecision;

const std::string kModel = std::string{VCITY_SOURCE_DIR} + "/models/vcity-mini-bilingual";

// vcity-worker logprobs without the process: a sandbox whose program is a function.
class LocalProgram final : public ports::SandboxProcess {
  public:
    explicit LocalProgram(worker::LogprobReference* reference) : reference_{reference} {}
    Task<Result<void>> write(Bytes bytes) override {
        const Result<std::string> answer = reference_->answer({bytes.begin(), bytes.end() - 1});
        output_ += (answer ? *answer : R"({"error":"refused"})") + "\n";
        co_return Result<void>{};
    }
    Task<Result<Bytes>> read(std::size_t /*max*/, TimePoint /*deadline*/) override {
        const std::string all = std::exchange(output_, {});
        co_return Bytes{all.begin(), all.end()};
    }
    void kill() override {}
    Task<Result<int>> wait(TimePoint /*deadline*/) override { co_return 0; }

  private:
    worker::LogprobReference* reference_;
    std::string output_ = "{\"ready\":true}\n";
};
class LocalSandbox final : public ports::Sandbox {
  public:
    explicit LocalSandbox(worker::LogprobReference* reference) : reference_{reference} {}
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec /*spec*/) override {
        std::unique_ptr<ports::SandboxProcess> process = std::make_unique<LocalProgram>(reference_);
        co_return process;
    }

  private:
    worker::LogprobReference* reference_;
};

Task<int> keep(verifier::EndpointCheck* check,
               std::vector<std::string> prompts,
               std::optional<Result<verifier::EndpointReport>>* out) {
    *out = co_await check->run(std::move(prompts), nullptr);
    co_return 0;
}

Result<verifier::EndpointReport> check(const std::filesystem::path& served) {
    adapters::AsioRuntime runtime;
    const auto endpoint = Endpoint::load(served, verify::ComputeType::kFloat32, 1);
    EXPECT_TRUE(endpoint) << endpoint.error().message;
    ChatFace face{endpoint->get()};
    const auto server = adapters::HttpServer::make(&runtime, runtime.executor(), &face, {});
    const auto http = adapters::BeastHttpClient::make(&runtime, {});
    const auto reference = worker::LogprobReference::load(kModel, 1);
    LocalSandbox sandbox{reference->get()};
    adapters::ReferenceWorker model{&runtime, &sandbox, {}};
    verifier::EndpointCheckOptions options;
    options.target.base_url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/v1";
    options.target.model = "mini";
    options.tokens_max = 8;
    verifier::EndpointCheck work{{&runtime, http->get(), &model}, options};
    std::vector<std::string> prompts;
    for (const char* topic : {"Debian", "a shell", "music", "water", "a city", "time", "a kernel", "a book", "a ship",
                              "email", "a tree", "money"}) {
        prompts.push_back(std::string{"What is "} + topic + "?");
        prompts.push_back(std::string{"Tell me about "} + topic + ".");
    }
    std::optional<Result<verifier::EndpointReport>> report;
    runtime.run_to_completion(keep(&work, std::move(prompts), &report));
    return report.value();
}

TEST(BlackboxCheck, FindsAnHonestServerConsistent) {
    const auto report = check(kModel);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->decision, BlackboxDecision::kConsistent);
    EXPECT_EQ(report->tokens_unknown, 0U);
    EXPECT_LT(report->mean.difference, 1e-3);
}

TEST(BlackboxCheck, SuspectsAServerThatLeavesALayerOut) {
    const checkpoint::testing::TemporaryFolder folder{"blackbox"};
    ASSERT_TRUE(write_variant(kModel, folder.path() / "short", "short"));
    const auto report = check(folder.path() / "short");
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->decision, BlackboxDecision::kSuspicious);
}

}  // namespace
}  // namespace vcity::blackbox
