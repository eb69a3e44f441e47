// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "backend.hpp"

namespace vcity::escape {
namespace {

// Bubblewrap with the ways in of a pod: vcity-init is the first program of every sandbox.
class ReachableSandbox final : public ports::Sandbox {
  public:
    explicit ReachableSandbox(std::unique_ptr<adapters::BwrapSandbox> sandbox) : sandbox_{std::move(sandbox)} {}

    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec spec) override {
        spec.is_reachable = true;
        return sandbox_->start(std::move(spec));
    }

  private:
    std::unique_ptr<adapters::BwrapSandbox> sandbox_;
};

}  // namespace

Backend reachable_backend(Runtime* runtime) {
    adapters::BwrapSandboxOptions options;
    options.init_path = VCITY_INIT;
    auto sandbox = std::make_unique<adapters::BwrapSandbox>(runtime, Log{nullptr, ""}, options);
    Backend backend;
    backend.name = "bwrap_reachable";
    backend.bounds_memory_total = sandbox->bounds_memory_total();
    backend.sandbox = std::make_unique<ReachableSandbox>(std::move(sandbox));
    return backend;
}

}  // namespace vcity::escape
