// SPDX-License-Identifier: Apache-2.0
#include "backend.hpp"

namespace vcity::escape {

std::vector<Backend> backends(Runtime* runtime) {
    std::vector<Backend> all;
    all.push_back(bwrap_backend(runtime));
    all.push_back(reachable_backend(runtime));
    return all;
}

}  // namespace vcity::escape
