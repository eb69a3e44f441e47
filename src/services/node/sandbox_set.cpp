// SPDX-License-Identifier: Apache-2.0
#include "services/node/sandbox_set.hpp"

namespace vcity::node {

Task<Result<std::unique_ptr<ports::SandboxProcess>>> SandboxSet::start(ports::SandboxSpec spec) {
    if (spec.image.empty()) {
        co_return co_await commands_->start(std::move(spec));
    }
    if (containers_ == nullptr) co_return make_error(Errc::kInvalid, "this node runs no images");
    co_return co_await containers_->start(std::move(spec));
}

bool SandboxSet::outlives_agent(const std::string& image) const {
    const ports::Sandbox* chosen = image.empty() ? commands_ : containers_;
    return chosen != nullptr && chosen->outlives_agent(image);
}

Task<Result<std::unique_ptr<ports::SandboxProcess>>> SandboxSet::adopt(std::string name) {
    if (containers_ == nullptr) {
        co_return co_await commands_->adopt(std::move(name));
    }
    Result<std::unique_ptr<ports::SandboxProcess>> adopted = co_await containers_->adopt(name);
    if (adopted || adopted.error().code != Errc::kNotFound) co_return adopted;
    co_return co_await commands_->adopt(std::move(name));
}

Task<Result<std::size_t>> SandboxSet::sweep(std::vector<std::string> keep) {
    CO_TRY(const std::size_t light, co_await commands_->sweep(keep));
    if (containers_ == nullptr) co_return light;
    CO_TRY(const std::size_t heavy, co_await containers_->sweep(std::move(keep)));
    co_return light + heavy;
}

}  // namespace vcity::node
