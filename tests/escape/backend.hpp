// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "ports/sandbox.hpp"

namespace vcity::escape {

// A kind of sandbox under attack. Adding one is a file beside bwrap_backend.cpp and its line in backends().
struct Backend {
    std::string name;
    std::unique_ptr<ports::Sandbox> sandbox;
    std::string image;                 // what SandboxSpec.image has to say; empty: none
    bool bounds_memory_total = false;  // of all processes of a sandbox and what they keep in files in memory
};

// Every kind that this machine can run. The runtime must outlive them.
std::vector<Backend> backends(Runtime* runtime);

Backend bwrap_backend(Runtime* runtime);
Backend reachable_backend(Runtime* runtime);

}  // namespace vcity::escape
