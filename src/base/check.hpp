// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <source_location>

namespace vcity {

[[noreturn]] void check_failed(const char* condition, std::source_location where);
[[noreturn]] void unreachable(std::source_location where = std::source_location::current());

}  // namespace vcity

// Aborts, in every build, when an invariant of ours does not hold. Never for input from outside: that is an Error.
#define CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::vcity::check_failed(#condition, std::source_location::current()))
