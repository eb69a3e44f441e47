// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "services/scheduler/context.hpp"

namespace vcity::scheduler {

// Fencing tokens: every lease that this scheduler ever grants gets a greater one. They come from blocks whose end is in
// the store before the first of the block is given out; a crash wastes the rest of a block.
class TokenSource {
  public:
    explicit TokenSource(Context* context) : context_{context}, refilled_{context->runtime()} {}

    // Reads the counter back. Before the first next().
    Task<Result<void>> recover();
    Task<Result<std::uint64_t>> next();
    // So many at once without waiting, the first of them; nullopt when the block does not have them: wait for refill().
    std::optional<std::uint64_t> take(std::size_t count);
    Task<Result<void>> refill();
    std::uint64_t left() const { return bound_ - next_; }

  private:
    Context* context_;
    std::uint64_t next_ = 1;
    std::uint64_t bound_ = 1;  // tokens below it may be given out; it is in the store
    bool is_refilling_ = false;
    Notifier refilled_;
};

}  // namespace vcity::scheduler
