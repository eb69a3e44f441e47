// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/limits.hpp"

#include <algorithm>
#include <cmath>

namespace vcity::gateway {
namespace {

std::chrono::milliseconds time_for(double tokens, std::uint64_t per_minute) {
    return std::chrono::milliseconds{
        static_cast<std::int64_t>(std::ceil(tokens * 60'000.0 / static_cast<double>(per_minute)))};
}

}  // namespace

void TokenBucket::refill(TimePoint now) {
    if (started_ && now > last_) {
        const double seconds = std::chrono::duration<double>(now - last_).count();
        const auto full = static_cast<double>(per_minute_);
        level_ = std::min(full, level_ + seconds * full / 60.0);
    }
    started_ = true;
    last_ = now;
}

RateDecision TokenBucket::look(TimePoint now) {
    refill(now);
    RateDecision decision;
    decision.limit = per_minute_;
    decision.allowed = level_ >= 1.0;
    if (!decision.allowed) decision.retry_after = time_for(1.0 - level_, per_minute_);
    decision.remaining = static_cast<std::uint64_t>(std::max(0.0, level_));
    decision.reset_after = time_for(static_cast<double>(per_minute_) - level_, per_minute_);
    return decision;
}

RateDecision TokenBucket::take(TimePoint now) {
    const RateDecision before = look(now);
    if (!before.allowed) return before;
    level_ -= 1.0;
    RateDecision decision = look(now);
    decision.allowed = true;
    decision.retry_after = {};
    return decision;
}

void TokenBucket::note(std::uint64_t used, TimePoint now) {
    refill(now);
    level_ -= static_cast<double>(used);
}

TokenBucket& RateLimiter::bucket_of(const std::string& name, std::uint64_t per_minute) {
    if (buckets_.size() >= names_max_ && !buckets_.contains(name)) buckets_.clear();
    auto [entry, inserted] = buckets_.try_emplace(name, per_minute);
    if (!inserted && entry->second.per_minute() != per_minute) entry->second = TokenBucket{per_minute};
    return entry->second;
}

RateDecision RateLimiter::take(const std::string& name, std::uint64_t per_minute, TimePoint now) {
    return bucket_of(name, per_minute).take(now);
}

RateDecision RateLimiter::look(const std::string& name, std::uint64_t per_minute, TimePoint now) {
    return bucket_of(name, per_minute).look(now);
}

void RateLimiter::note(const std::string& name, std::uint64_t per_minute, std::uint64_t used, TimePoint now) {
    bucket_of(name, per_minute).note(used, now);
}

std::string to_reset_text(std::chrono::milliseconds wait) {
    const std::int64_t seconds = (wait.count() + 999) / 1000;
    if (seconds < 60) return std::to_string(seconds) + "s";
    return std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
}

}  // namespace vcity::gateway
