// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/time.hpp"

namespace vcity::gateway {

struct RateDecision {
    bool allowed = false;
    std::uint64_t limit = 0;      // per minute
    std::uint64_t remaining = 0;  // that could be sent at once now
    std::chrono::milliseconds retry_after{0};
    std::chrono::milliseconds reset_after{0};  // until the full limit is there again
};

// A token bucket that holds one minute's worth and refills evenly.
class TokenBucket {
  public:
    explicit TokenBucket(std::uint64_t per_minute) : per_minute_{per_minute}, level_{static_cast<double>(per_minute)} {}

    RateDecision take(TimePoint now);
    // What take() would decide, without taking.
    RateDecision look(TimePoint now);
    // Takes what is used already, even if it is more than there is.
    void note(std::uint64_t used, TimePoint now);
    std::uint64_t per_minute() const { return per_minute_; }

  private:
    void refill(TimePoint now);

    std::uint64_t per_minute_;
    double level_;
    bool started_ = false;
    TimePoint last_;
};

// One bucket for each name; forgets everything when there are too many names, which errs on the side of letting in.
class RateLimiter {
  public:
    explicit RateLimiter(std::size_t names_max) : names_max_{names_max} {}

    // per_minute > 0; a changed limit starts a fresh bucket.
    RateDecision take(const std::string& name, std::uint64_t per_minute, TimePoint now);
    RateDecision look(const std::string& name, std::uint64_t per_minute, TimePoint now);
    void note(const std::string& name, std::uint64_t per_minute, std::uint64_t used, TimePoint now);

  private:
    TokenBucket& bucket_of(const std::string& name, std::uint64_t per_minute);

    std::size_t names_max_;
    std::unordered_map<std::string, TokenBucket> buckets_;
};

// "1s", "6m0s": as OpenAI writes x-ratelimit-reset-*.
std::string to_reset_text(std::chrono::milliseconds wait);

}  // namespace vcity::gateway
