// SPDX-License-Identifier: Apache-2.0
#include "adapters/log_spdlog/rate_limit.hpp"

#include <algorithm>
#include <utility>

namespace vcity::adapters {
namespace {

constexpr std::size_t kNamesMax = 1000;

}  // namespace

LogRateLimit::Bucket& LogRateLimit::bucket_of(const std::string& name, TimePoint now) {
    const auto known = buckets_.find(name);
    if (known != buckets_.end()) return known->second;
    const std::string shared;
    return buckets_.try_emplace(buckets_.size() < kNamesMax ? name : shared, Bucket{burst_, now, 0}).first->second;
}

std::optional<std::uint64_t> LogRateLimit::pass(const std::string& name, TimePoint now) {
    Bucket& bucket = bucket_of(name, now);
    // A clock that was set back refills nothing.
    const std::chrono::duration<double> elapsed = now - bucket.filled;
    bucket.tokens = std::min(burst_, bucket.tokens + std::max(elapsed.count(), 0.0) * per_second_);
    bucket.filled = now;
    if (bucket.tokens < 1) {
        ++bucket.suppressed;
        return std::nullopt;
    }
    bucket.tokens -= 1;
    return std::exchange(bucket.suppressed, 0);
}

}  // namespace vcity::adapters
