// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "async/runtime.hpp"
#include "ports/store.hpp"

namespace vcity::services {

struct BackoffRange {
    Duration first = std::chrono::milliseconds{200};
    Duration longest = std::chrono::seconds{10};
};

// Exponential backoff with full jitter: each pause is uniform in [half of the step, the step], so that many peers that
// lost the same server do not return at the same instant.
class Backoff {
  public:
    Backoff(Runtime* runtime, BackoffRange range) : runtime_{runtime}, range_{range}, step_{range.first} {}

    Duration next();
    void reset() { step_ = range_.first; }

  private:
    Runtime* runtime_;
    BackoffRange range_;
    Duration step_;
};

// Failures after which the same call may be repeated.
bool is_transient(Errc code);

// Commits a change that is safe to repeat (no expectations: each key has one writer), again and again until it is
// durable or the deadline passes; then the last failure.
Task<Result<void>> commit_until(Runtime* runtime, ports::Store* store, ports::StoreChange change, TimePoint deadline);
// Reads with the same patience.
Task<Result<std::optional<Bytes>>> get_until(Runtime* runtime,
                                             ports::Store* store,
                                             std::string key,
                                             TimePoint deadline);
// All entries under a prefix, page by page, with the same patience. For start-up; the caller bounds what it stores.
Task<Result<std::vector<ports::StoreEntry>>> scan_all(Runtime* runtime,
                                                      ports::Store* store,
                                                      std::string prefix,
                                                      TimePoint deadline);

}  // namespace vcity::services
