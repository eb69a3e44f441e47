// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "async/task.hpp"
#include "base/result.hpp"

namespace vcity::cli {

inline constexpr int kOneBlockTries = 20;

// Reads many values of one block. A node answers a call about a block from that block's state; anvil answers it from
// the next one's if it makes that block just then, so a reading counts only if no block was made while it was taken.
// `head()` gives the newest block's number, `read(number)` the value. kUnavailable: blocks came faster than readings.
template <class Value, class Head, class Read>
Task<Result<Value>> read_one_block(Head head, Read read) {
    for (int attempt = 0; attempt < kOneBlockTries; ++attempt) {
        CO_TRY(const std::uint64_t before, co_await head());
        CO_TRY(Value value, co_await read(before));
        CO_TRY(const std::uint64_t after, co_await head());
        if (after == before) co_return value;
    }
    co_return make_error(Errc::kUnavailable, "blocks are made faster than one can be read; try again");
}

}  // namespace vcity::cli
