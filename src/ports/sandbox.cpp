// SPDX-License-Identifier: Apache-2.0
#include "ports/sandbox.hpp"

namespace vcity::ports {

Task<Result<std::unique_ptr<ByteStream>>> SandboxProcess::dial(std::uint16_t /*port*/, TimePoint /*deadline*/) {
    co_return make_error(Errc::kInvalid, "this sandbox has no way in");
}

Task<Result<std::unique_ptr<SandboxSession>>> SandboxProcess::exec(SandboxCommand /*command*/, TimePoint /*deadline*/) {
    co_return make_error(Errc::kInvalid, "this sandbox has no way in");
}

}  // namespace vcity::ports
