// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "services/node/steps/step_runner.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"

// Whether a step may run here. The node counts for itself: a scheduler that has lost count must not overload it.
namespace vcity::node {
namespace {

constexpr std::uint32_t kWholeGpu = 1000;
constexpr std::size_t kGpusMax = 32;  // bits of a mask

}  // namespace

Result<void> StepRunner::check_setup(const StepGrant& grant, const UnitOffer& unit) const {
    const StepWork& work = grant.work;
    const std::uint32_t missing = work::features_of(work) & ~unit.features;
    if (missing != 0) return make_error(Errc::kInvalid, "this unit does not offer " + feature_names(missing));
    const bool is_known = work.setup.program.empty() || machine_.programs.contains(work.setup.program);
    if (!is_known) return make_error(Errc::kInvalid, "this node has no program " + work.setup.program);
    if (work.command.empty() && work.setup.image.empty() && work.setup.program.empty()) {
        return make_error(Errc::kInvalid, "no command");
    }
    if (work.ask.gpus == 0) return {};
    const auto gpus = machine_.unit_gpus.find(grant.unit);
    if (gpus == machine_.unit_gpus.end() || work.setup.image.empty()) {
        return make_error(Errc::kInvalid, "steps with GPUs run in containers here: they need an image");
    }
    const auto named = static_cast<std::uint32_t>(std::popcount(grant.gpu_mask));
    const bool are_there = named == work.ask.gpus && std::bit_width(grant.gpu_mask) <= gpus->second.size();
    if (!are_there) return make_error(Errc::kInvalid, "the lease names other GPUs than the unit has");
    return {};
}

bool StepRunner::are_gpus_free(const StepGrant& grant) const {
    std::array<std::uint32_t, kGpusMax> taken{};
    const auto take = [&](const StepGrant& one) {
        for (std::size_t gpu = 0; gpu < taken.size(); ++gpu) {
            if (one.work.ask.gpus != 0 && (one.gpu_mask >> gpu & 1U) != 0) taken[gpu] += one.work.ask.gpu_milli;
        }
    };
    take(grant);
    for (const auto& [attempt, step] : steps_) {
        if (!step->receipt && step->grant->unit == grant.unit) take(*step->grant);
    }
    return std::ranges::all_of(taken, [](std::uint32_t milli) { return milli <= kWholeGpu; });
}

Result<void> StepRunner::check_room(const StepGrant& grant) const {
    const auto unit = std::ranges::find(units_, grant.unit, &UnitOffer::number);
    if (unit == units_.end()) return make_error(Errc::kInvalid, "this node has no such unit");
    TRY_OK(check_setup(grant, *unit));
    const UnitAsk& ask = grant.work.ask;
    std::uint64_t cpu_milli = ask.cpu_milli;
    std::uint64_t memory_mib = ask.memory_mib;
    std::uint64_t disk_mib = ask.disk_mib;
    for (const auto& [attempt, step] : steps_) {
        if (step->receipt || step->grant->unit != grant.unit) continue;
        cpu_milli += step->grant->work.ask.cpu_milli;
        memory_mib += step->grant->work.ask.memory_mib;
        disk_mib += step->grant->work.ask.disk_mib;
    }
    const bool fits = cpu_milli <= unit->cpu_milli && memory_mib <= unit->memory_mib && disk_mib <= unit->disk_mib &&
                      are_gpus_free(grant);
    if (!fits) return make_error(Errc::kExhausted, "the unit is busy");
    const Usd asked = unit->spot_hourly ? std::min(*unit->spot_hourly, unit->hourly) : unit->hourly;
    TRY(const Usd hourly, work::hourly_of(ask, asked));
    if (grant.hourly < hourly) return make_error(Errc::kInvalid, "the lease pays less than this node asks");
    return {};
}

}  // namespace vcity::node
