// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"

#include <cstdlib>

#include <fmt/core.h>

namespace vcity {

void check_failed(const char* condition, std::source_location where) {
    fmt::print(stderr, "{}:{}: CHECK({}) failed\n", where.file_name(), where.line(), condition);
    std::abort();
}

void unreachable(std::source_location where) {
    check_failed("unreachable", where);
}

}  // namespace vcity
