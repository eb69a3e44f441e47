// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "adapters/inference_worker/worker.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "async/task_group.hpp"
#include "ports/testing/inference_contract.hpp"

namespace vcity::integration {
namespace {

using namespace std::chrono_literals;
using ports::testing::InferenceRequest;

// The scripted worker as a real process in a real sandbox.
class SandboxedWorker final
    : public ports::testing::OnRuntime<ports::testing::InferenceHarness, adapters::AsioRuntime> {
  public:
    SandboxedWorker() { tasks_.spawn(worker_.run()); }
    ~SandboxedWorker() override {
        worker_.stop();
        EXPECT_TRUE(ports::testing::await(*this, tasks_.join(runtime().now() + 20s)).has_value());
    }

    ports::Inference& inference() override { return worker_; }
    ModelRequest request_of(InferenceRequest kind) override {
        ModelRequest request;
        request.model = "vcity/scripted";
        request.prompt = kind == InferenceRequest::kImpossible ? "impossible" : "hello";
        request.output_tokens_max = kind == InferenceRequest::kEndless ? 1'000'000 : 5;
        return request;
    }

  private:
    static adapters::InferenceWorkerOptions options() {
        adapters::InferenceWorkerOptions options;
        options.program.command = {"/worker"};
        options.program.read_only = {{.source = SCRIPTED_WORKER, .target = "/worker"}};
        return options;
    }

    adapters::BwrapSandbox sandbox_{&runtime(), Log{nullptr, ""}};
    adapters::InferenceWorker worker_{&runtime(), &sandbox_, Log{nullptr, ""}, options()};
    TaskGroup tasks_{&runtime()};
};

std::unique_ptr<ports::testing::InferenceHarness> make_harness() {
    return std::make_unique<SandboxedWorker>();
}

}  // namespace
}  // namespace vcity::integration

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Sandboxed,
                         InferenceContract,
                         ::testing::Values(InferenceHarnessFactory{integration::make_harness}));

}  // namespace vcity::ports::testing
