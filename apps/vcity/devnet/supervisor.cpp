// SPDX-License-Identifier: Apache-2.0
#include "devnet/supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <ranges>

#include <fmt/core.h>

namespace vcity::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLookEvery = 100ms;
constexpr Duration kPauseMin = 200ms;
constexpr Duration kPauseMax = 10s;
// A program that ran this long was well; its next failure starts with the short pause again.
constexpr Duration kHealthyAfter = 30s;

}  // namespace

Result<void> Supervisor::start(ChildSpec spec) {
    TRY(Child child, Child::start(spec));
    children_.push_back(Kept{.spec = std::move(spec), .child = std::move(child), .started = runtime_->now()});
    return {};
}

void Supervisor::look_after(Kept* kept) {
    const TimePoint now = runtime_->now();
    if (kept->is_waiting) {
        if (now < kept->restart_at) return;
        auto child = Child::start(kept->spec);
        if (!child) {
            kept->restart_at = now + kPauseMax;
            return;
        }
        kept->child = *std::move(child);
        kept->started = now;
        kept->is_waiting = false;
        report_(kept->spec.name, "started again");
        return;
    }
    if (kept->child.is_running()) return;
    const bool was_well = now - kept->started > kHealthyAfter;
    kept->pause = was_well || kept->pause == Duration{} ? kPauseMin : std::min<Duration>(kept->pause * 2, kPauseMax);
    kept->restart_at = now + kept->pause;
    kept->is_waiting = true;
    report_(kept->spec.name, fmt::format("ended with {}; its log is {}", kept->child.exit_text(), kept->spec.log_path));
}

Task<void> Supervisor::watch() {
    while (!stopping_) {
        for (Kept& kept : children_) look_after(&kept);
        co_await runtime_->sleep_until(runtime_->now() + kLookEvery);
    }
}

Task<void> Supervisor::stop(TimePoint deadline) {
    stopping_ = true;
    for (Kept& kept : std::views::reverse(children_)) {
        // SIGINT is what anvil listens to in order to write its state.
        if (!kept.is_waiting) kept.child.signal(SIGINT);
        while (!kept.is_waiting && kept.child.is_running()) {
            if (runtime_->now() >= deadline) kept.child.signal(SIGKILL);
            co_await runtime_->sleep_until(runtime_->now() + kLookEvery / 10);
        }
    }
}

std::map<std::string, pid_t> Supervisor::pids() const {
    std::map<std::string, pid_t> result;
    for (const Kept& kept : children_) {
        if (!kept.is_waiting) result.emplace(kept.spec.name, kept.child.pid());
    }
    return result;
}

}  // namespace vcity::cli
