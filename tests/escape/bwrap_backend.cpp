// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "backend.hpp"

namespace vcity::escape {

Backend bwrap_backend(Runtime* runtime) {
    auto sandbox = std::make_unique<adapters::BwrapSandbox>(runtime, Log{nullptr, ""});
    Backend backend;
    backend.name = "bwrap";
    backend.bounds_memory_total = sandbox->bounds_memory_total();
    backend.sandbox = std::move(sandbox);
    return backend;
}

}  // namespace vcity::escape
