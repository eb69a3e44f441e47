// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ports/sandbox.hpp"

namespace vcity::node {

// The sandboxes of a node as one: what names an image runs in a container, everything else in the light sandbox.
// Borrows both, which must outlive it.
class SandboxSet final : public ports::Sandbox {
  public:
    // containers: null when this node runs no images.
    SandboxSet(ports::Sandbox* commands, ports::Sandbox* containers) : commands_{commands}, containers_{containers} {}

    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec spec) override;
    bool outlives_agent(const std::string& image) const override;
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> adopt(std::string name) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;

  private:
    ports::Sandbox* commands_;
    ports::Sandbox* containers_;
};

}  // namespace vcity::node
