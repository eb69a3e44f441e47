// SPDX-License-Identifier: Apache-2.0
#include "services/node/home/keeper.hpp"

namespace vcity::node {

Task<void> HomeKeeper::run() {
    co_await set_power(true);
    while (!stopping_) {
        co_await look();
        if (!stopping_) {
            co_await stopped_.wait_until(parts_.runtime->now() + terms_.look_every);
        }
    }
    co_await set_power(false);
}

void HomeKeeper::stop() {
    stopping_ = true;
    stopped_.notify();
}

Task<void> HomeKeeper::look() {
    ports::ActivitySample sample;
    if (parts_.activity != nullptr) {
        Result<ports::ActivitySample> seen = co_await parts_.activity->sample();
        if (seen) {
            sample = *seen;
        } else {
            parts_.log.debug("activity_unknown", {{"reason", seen.error().message}});
        }
    }
    const std::uint32_t minute = parts_.minute_of_week(parts_.runtime->unix_now());
    std::string reason = policy_.decide(sample, minute, parts_.runtime->now());
    // The figures in a reason change all the time: only its coming and going is news.
    if (stopping_ || reason.empty() == reason_.empty()) co_return;
    parts_.log.info(reason.empty() ? "machine_is_free" : "gives_way", {{"reason", reason}});
    reason_ = reason;
    parts_.pause(std::move(reason));
}

Task<void> HomeKeeper::set_power(bool is_capped) {
    if (parts_.power == nullptr) co_return;
    for (const auto& [uuid, terms] : terms_.power) {
        const double watts = is_capped ? terms.watts : terms.watts_before;
        const Result<void> done = co_await parts_.power->limit(uuid, watts);
        if (!done) parts_.log.warn("power_not_limited", {{"gpu", uuid}, {"reason", done.error().message}});
    }
}

}  // namespace vcity::node
