// SPDX-License-Identifier: Apache-2.0
// What the node's owner says: to take no new work, now or at certain times.
#include <algorithm>

#include "services/node/agent.hpp"

namespace vcity::node {
namespace {

constexpr std::chrono::seconds kStorePatience{30};
constexpr std::chrono::hours kIdle{1};  // a wall clock may jump
constexpr std::chrono::hours kRecent{1};
constexpr std::size_t kRecentMax = 100'000;

}  // namespace

Task<Result<void>> NodeAgent::recover_intake() {
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY(const std::optional<Bytes> stored,
           co_await services::get_until(deps_.runtime, deps_.store, std::string(kIntakeKey), deadline));
    if (stored) {
        CO_TRY(intake_, parse_intake(*stored));
    }
    co_return Result<void>{};
}

Task<Result<void>> NodeAgent::keep_intake(Intake intake) {
    ports::StoreChange change;
    change.puts.push_back({std::string{kIntakeKey}, encode(intake)});
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY_OK(co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline));
    intake_ = std::move(intake);
    announce_intake();
    intake_changed_.notify();
    co_return Result<void>{};
}

Task<Result<void>> NodeAgent::drain() {
    Intake intake = intake_;
    intake.is_drained = true;
    co_return co_await keep_intake(std::move(intake));
}

Task<Result<void>> NodeAgent::drain_now() {
    CO_TRY_OK(co_await drain());
    steps_.give_way("its node's owner needs the machine");
    co_return Result<void>{};
}

Task<Result<void>> NodeAgent::resume() {
    Intake intake = intake_;
    intake.is_drained = false;
    co_return co_await keep_intake(std::move(intake));
}

Task<Result<void>> NodeAgent::maintain(Maintenance window) {
    Intake intake = intake_;
    CO_TRY_OK(intake.plan(window, deps_.runtime->unix_now()));
    co_return co_await keep_intake(std::move(intake));
}

Task<Result<void>> NodeAgent::cancel_maintenance() {
    Intake intake = intake_;
    intake.windows.clear();
    co_return co_await keep_intake(std::move(intake));
}

void NodeAgent::set_pause(std::string reason) {
    pause_ = std::move(reason);
    announce_intake();
}

void NodeAgent::give_way(std::string reason) {
    if (!reason.empty()) steps_.give_way(reason);
    set_pause(std::move(reason));
}

bool NodeAgent::takes_work() const {
    return pause_.empty() && intake_.is_open(deps_.runtime->unix_now());
}

// The scheduler places nothing where nothing is offered.
void NodeAgent::announce_intake() {
    const bool is_open = takes_work();
    if (is_open == announced_open_) return;
    log_.info(is_open ? "takes_work_again" : "takes_no_work", {{"running", active_leases() + steps_.running()}});
    announced_open_ = is_open;
    steps_.set_open(is_open);
    if (session_ != nullptr) announce();
}

Task<void> NodeAgent::watch_intake() {
    while (!stopping_) {
        const UnixMillis now = deps_.runtime->unix_now();
        const std::optional<UnixMillis> next = intake_.next_change(now);
        Duration pause{kIdle};
        if (next) pause = std::min<Duration>(pause, std::chrono::milliseconds{(*next - now).count()});
        co_await intake_changed_.wait_until(deps_.runtime->now() + pause);
        if (!stopping_) announce_intake();
    }
}

void NodeAgent::note_done() {
    const TimePoint now = deps_.runtime->now();
    done_.push_back(now);
    while (done_.size() > kRecentMax || done_.front() + kRecent < now) done_.pop_front();
}

NodeStatus NodeAgent::status() const {
    NodeStatus status;
    status.identity = deps_.signer->address();
    status.scheduler = scheduler_;
    status.is_connected = is_connected();
    status.takes_work = takes_work();
    status.pause = pause_;
    status.intake = intake_;
    if (model_) {
        status.model = model_->model;
        status.slots = model_->slots;
    }
    status.model_calls = active_leases();
    status.unacknowledged = works_.size() - status.model_calls;
    const TimePoint now = deps_.runtime->now();
    status.done_last_hour =
        static_cast<std::size_t>(std::ranges::count_if(done_, [&](TimePoint when) { return when + kRecent >= now; }));
    steps_.describe(&status);
    return status;
}

}  // namespace vcity::node
