// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace vcity::adapters {

// A token bucket for each name. The first 1,000 names have one of their own; all others share one.
class LogRateLimit {
  public:
    using TimePoint = std::chrono::system_clock::time_point;

    LogRateLimit(double burst, double per_second) : burst_{burst}, per_second_{per_second} {}

    // How many of that name were held back since the last one that passed; nullopt when this one is held back, too.
    std::optional<std::uint64_t> pass(const std::string& name, TimePoint now);

  private:
    struct Bucket {
        double tokens = 0;
        TimePoint filled;
        std::uint64_t suppressed = 0;
    };

    Bucket& bucket_of(const std::string& name, TimePoint now);

    double burst_;
    double per_second_;
    std::map<std::string, Bucket> buckets_;
};

}  // namespace vcity::adapters
