// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace vcity::monitor {

struct Rate {
    double per_second = 1;
    double burst = 1;  // at least 1
};

// A bucket of permissions that fills at a steady rate.
class RateLimit {
  public:
    explicit RateLimit(const Rate& rate) : rate_{rate}, left_{rate.burst} {}

    bool take(TimePoint now) {
        const double seconds = std::chrono::duration<double>(now - filled_at_).count();
        if (filled_at_ != TimePoint{}) left_ = std::min(rate_.burst, left_ + seconds * rate_.per_second);
        filled_at_ = now;
        if (left_ < 1) return false;
        left_ -= 1;
        return true;
    }

  private:
    Rate rate_;
    double left_;
    TimePoint filled_at_{};
};

}  // namespace vcity::monitor
