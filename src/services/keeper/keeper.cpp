// SPDX-License-Identifier: Apache-2.0
#include "services/keeper/keeper.hpp"

#include <algorithm>
#include <utility>

namespace vcity::keeper {
namespace {

constexpr const char* kDutiesTotal = "vcity_keeper_duties_total";
constexpr const char* kDutiesHelp = "Duties by what became of them";

std::uint64_t unix_seconds(UnixMillis now) {
    return now.count() / 1'000;
}

}  // namespace

Keeper::Keeper(KeeperDeps deps, KeeperOptions options)
    : deps_{std::move(deps)}, options_{std::move(options)}, loops_{deps_.runtime}, stopped_{deps_.runtime} {
    const std::vector<DutyKind> offered = deps_.upkeep->kinds();
    for (const DutyKind kind : options_.kinds) {
        if (std::find(offered.begin(), offered.end(), kind) == offered.end()) continue;
        const auto [entry, is_new] = watches_.try_emplace(kind, deps_.runtime, options_.retry);
        if (!is_new) continue;
        Watch& watch = entry->second;
        const std::string name{to_string(kind)};
        const auto counter = [&](const char* outcome) {
            return deps_.metrics->counter(kDutiesTotal, kDutiesHelp, {{"duty", name}, {"outcome", outcome}});
        };
        watch.done = counter("done");
        watch.beaten = counter("beaten");
        watch.failed = counter("failed");
        watch.due = deps_.metrics->gauge("vcity_keeper_due", "Duties due at the last look", {{"duty", name}});
        watch.looked_at = deps_.runtime->now();
    }
}

Task<Result<void>> Keeper::run() {
    for (const auto& [kind, watch] : watches_) {
        deps_.log.info("keeping", {{"duty", to_string(kind)}});
        loops_.spawn(keep(kind));
    }
    while (!stopping_) {
        (void)co_await stopped_.wait_until(deps_.runtime->now() + options_.stale_after);
    }
    co_return co_await loops_.join(deps_.runtime->now() + options_.join_max);
}

void Keeper::stop() {
    stopping_ = true;
    stopped_.notify();
}

bool Keeper::is_ready() const {
    const TimePoint now = deps_.runtime->now();
    return std::all_of(watches_.begin(), watches_.end(),
                       [&](const auto& entry) { return now - entry.second.looked_at < options_.stale_after; });
}

Task<void> Keeper::keep(DutyKind kind) {
    Watch* watch = &watches_.at(kind);
    // Loops that start together do not ask the chain together.
    Duration wait = Duration{static_cast<std::int64_t>(deps_.runtime->random_u64() %
                                                       (static_cast<std::uint64_t>(options_.poll_min.count()) + 1))};
    while (true) {
        const bool goes_on = co_await pause(wait);
        if (!goes_on) co_return;
        const Result<Duration> rested = co_await round(kind, watch);
        if (rested) {
            watch->backoff.reset();
            wait = *rested;
            continue;
        }
        watch->failed->increment();
        deps_.log.warn("duty_failed", {{"duty", to_string(kind)}, {"reason", rested.error().message}});
        wait = watch->backoff.next();
    }
}

Task<Result<Duration>> Keeper::round(DutyKind kind, Watch* watch) {
    CO_TRY(DutyList list, co_await look(kind, watch));
    if (list.due.empty()) co_return until_next(list);
    const auto most = static_cast<std::uint64_t>(options_.stagger_max.count());
    const Duration stagger(static_cast<std::int64_t>(deps_.runtime->random_u64() % (most + 1)));
    const bool goes_on = co_await pause(stagger);
    if (!goes_on) co_return Duration{};
    CO_TRY(list, co_await look(kind, watch));
    for (const Duty& duty : list.due) {
        if (stopping_) break;
        CO_TRY_OK(co_await perform(duty, watch));
    }
    // There may be more than one look gives.
    co_return list.due.empty() ? until_next(list) : options_.poll_min;
}

Task<Result<DutyList>> Keeper::look(DutyKind kind, Watch* watch) {
    CO_TRY(DutyList list, co_await deps_.upkeep->look(kind));
    watch->looked_at = deps_.runtime->now();
    watch->due->set(static_cast<double>(list.due.size()));
    co_return list;
}

Task<Result<void>> Keeper::perform(Duty duty, Watch* watch) {
    const LogFields fields{{"duty", to_string(duty.kind)}, {"step", duty.step}};
    CO_TRY(const DutyOutcome outcome, co_await deps_.upkeep->perform(std::move(duty)));
    switch (outcome) {
        case DutyOutcome::kDone:
            watch->done->increment();
            deps_.log.info("duty_done", fields);
            break;
        case DutyOutcome::kBeaten:
            watch->beaten->increment();
            deps_.log.debug("duty_beaten", fields);
            break;
    }
    co_return Result<void>{};
}

Task<bool> Keeper::pause(Duration duration) {
    const TimePoint deadline = deps_.runtime->now() + duration;
    while (!stopping_ && deps_.runtime->now() < deadline) {
        (void)co_await stopped_.wait_until(deadline);
    }
    co_return !stopping_;
}

Duration Keeper::until_next(const DutyList& list) const {
    const std::uint64_t now = unix_seconds(deps_.runtime->unix_now());
    if (!list.next_at) return options_.poll;
    const std::uint64_t seconds = *list.next_at > now ? *list.next_at - now : 0;
    const auto longest =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(options_.poll).count());
    return std::max(options_.poll_min, Duration{std::chrono::seconds{std::min(seconds, longest)}});
}

}  // namespace vcity::keeper
