// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/upkeep.hpp"

namespace vcity::sim {

void FakeDuties::add(DutyKind kind, std::uint64_t interval_seconds) {
    schedules_[kind] = {.interval_seconds = interval_seconds, .next_at = now() + interval_seconds};
}

std::uint64_t FakeDuties::now() const {
    return world_->unix_now().count() / 1'000;
}

bool FakeDuties::take_effect(DutyKind kind) {
    Schedule& schedule = schedules_.at(kind);
    if (now() < schedule.next_at) {
        ++schedule.refused;
        return false;
    }
    ++schedule.effects;
    schedule.next_at = now() + schedule.interval_seconds;
    return true;
}

std::vector<DutyKind> FakeUpkeep::kinds() const {
    std::vector<DutyKind> kinds;
    for (const auto& [kind, schedule] : duties_->schedules()) kinds.push_back(kind);
    return kinds;
}

Task<Result<void>> FakeUpkeep::travel(DutyKind kind) {
    const auto most = static_cast<std::uint64_t>(duties_->faults.latency_max.count());
    const std::chrono::milliseconds latency{duties_->world()->draw(most + 1)};
    co_await runtime_->sleep_until(runtime_->now() + latency);
    const bool is_broken = duties_->faults.broken.contains(kind);
    if (is_broken || duties_->world()->chance(duties_->faults.unavailable_per_mille, 1'000)) {
        co_return make_error(Errc::kUnavailable, "no answer from the chain");
    }
    co_return Result<void>{};
}

Task<Result<DutyList>> FakeUpkeep::look(DutyKind kind) {
    CO_TRY_OK(co_await travel(kind));
    DutyList list;
    list.next_at = duties_->of(kind).next_at;
    if (duties_->now() >= *list.next_at) {
        Duty duty;
        duty.kind = kind;
        list.due.push_back(std::move(duty));
    }
    co_return list;
}

Task<Result<DutyOutcome>> FakeUpkeep::perform(Duty duty) {
    CO_TRY_OK(co_await travel(duty.kind));
    const bool is_done = duties_->take_effect(duty.kind);
    const bool is_lost = is_done && duties_->world()->chance(duties_->faults.lost_answer_per_mille, 1'000);
    if (is_lost) co_return make_error(Errc::kTimeout, "the answer was lost");
    co_return is_done ? DutyOutcome::kDone : DutyOutcome::kBeaten;
}

}  // namespace vcity::sim
