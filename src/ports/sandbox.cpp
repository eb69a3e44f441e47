// SPDX-License-Identifier: Apache-2.0
#include "ports/sandbox.hpp"

namespace vcity::ports {

Task<Result<std::unique_ptr<ByteStream>>> SandboxProcess::dial(std::uint16_t /*port*/, TimePoint /*deadline*/) {
    co_return make_error(Errc::kInvalid, "this sandbox has no way in");
}

Task<Result<std::unique_ptr<SandboxSession>>> SandboxProcess::exec(SandboxCommand /*command*/, TimePoint /*deadline*/) {
    co_return make_error(Errc::kInvalid, "this sandbox has no way in");
}

Task<Result<SandboxStats>> SandboxProcess::stats(TimePoint /*deadline*/) {
    co_return make_error(Errc::kInvalid, "this sandbox does not count what it uses");
}

Task<Result<std::unique_ptr<SandboxProcess>>> Sandbox::adopt(std::string name) {
    co_return make_error(Errc::kNotFound, "no sandbox outlives its agent here: " + name);
}

Task<Result<std::size_t>> Sandbox::sweep(std::vector<std::string> /*keep*/) {
    co_return std::size_t{0};
}

}  // namespace vcity::ports
