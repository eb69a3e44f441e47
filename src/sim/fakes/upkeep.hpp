// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>

#include "ports/upkeep.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

// A chain on which every kind falls due again and again. Any number of keepers may work on it.
class FakeDuties {
  public:
    struct Schedule {
        std::uint64_t interval_seconds = 60;
        std::uint64_t next_at = 0;  // unix seconds
        std::uint64_t effects = 0;
        std::uint64_t refused = 0;
    };
    struct Faults {
        std::uint64_t unavailable_per_mille = 0;  // of all calls
        std::uint64_t lost_answer_per_mille = 0;  // of effects: done, but the caller gets kTimeout
        std::set<DutyKind> broken;                // always unavailable
        std::chrono::milliseconds latency_max{400};
    };

    explicit FakeDuties(SimRuntime* world) : world_{world} {}

    void add(DutyKind kind, std::uint64_t interval_seconds);
    const Schedule& of(DutyKind kind) const { return schedules_.at(kind); }
    SimRuntime* world() const { return world_; }
    std::uint64_t now() const;
    // The one place of effects: false when it is not due.
    bool take_effect(DutyKind kind);

    const std::map<DutyKind, Schedule>& schedules() const { return schedules_; }

    Faults faults;

  private:
    SimRuntime* world_;
    std::map<DutyKind, Schedule> schedules_;
};

// One keeper's way to it.
class FakeUpkeep final : public ports::Upkeep {
  public:
    FakeUpkeep(Runtime* runtime, FakeDuties* duties) : runtime_{runtime}, duties_{duties} {}

    std::vector<DutyKind> kinds() const override;
    Task<Result<DutyList>> look(DutyKind kind) override;
    Task<Result<DutyOutcome>> perform(Duty duty) override;

  private:
    Task<Result<void>> travel(DutyKind kind);

    Runtime* runtime_;
    FakeDuties* duties_;
};

}  // namespace vcity::sim
