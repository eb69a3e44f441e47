// SPDX-License-Identifier: Apache-2.0
#include "work/reservation.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "work/spec_check.hpp"

namespace vcity::work {
namespace {

constexpr std::string_view kIdle = "/bin/sleep";
// To start and to end; only what was held is charged.
constexpr std::uint32_t kMarginSeconds = 30;

bool holds_for(const StepGroup& hold, const StepGroup& group) {
    return hold.ask == group.ask && hold.setup.image == group.setup.image && hold.setup.egress == group.setup.egress &&
           (!group.is_gang || hold.is_gang);
}

}  // namespace

Result<WorkSpec> hold_of(const WorkSpec& spec, std::uint32_t seconds) {
    if (seconds == 0 || seconds > SpecLimits::kSecondsMax - kMarginSeconds) {
        return make_error(Errc::kInvalid, "units can be held for a second to 30 days, less half a minute");
    }
    WorkSpec hold = spec;
    hold.groups.clear();
    // Nobody else may have them meanwhile, whatever the work itself would put up with.
    if (hold.service_class == ServiceClass::kBestEffort) hold.service_class = ServiceClass::kStandard;
    for (const bool is_first : {true, false}) {
        for (const StepGroup& group : spec.groups) {
            if (group.needs.empty() != is_first) continue;
            if (!group.setup.program.empty()) {
                return make_error(Errc::kInvalid, "group '" + group.name + "' runs the program '" +
                                                      group.setup.program +
                                                      "': units are held for commands and images only");
            }
            const auto holds = [&](const StepGroup& each) { return holds_for(each, group); };
            if (!is_first && std::ranges::any_of(hold.groups, holds)) continue;
            StepGroup idle;
            idle.name = group.name;
            idle.count = group.count;
            idle.is_gang = group.is_gang;
            idle.command = {std::string{kIdle}, std::to_string(seconds)};
            idle.ask = group.ask;
            idle.seconds_max = seconds + kMarginSeconds;
            idle.retries = 0;
            idle.setup.image = group.setup.image;
            idle.setup.egress = group.setup.egress;
            hold.groups.push_back(std::move(idle));
        }
    }
    return hold;
}

bool is_hold(const WorkSpec& spec) {
    return !spec.groups.empty() && std::ranges::all_of(spec.groups, [](const StepGroup& group) {
        return group.command.size() == 2 && group.command.front() == kIdle && group.needs.empty() &&
               group.inputs.empty() && group.setup.program.empty();
    });
}

std::uint64_t reservation_number(const JobId& job_id) {
    constexpr std::size_t kBytes = 7;
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < kBytes; ++at) number = number << 8U | job_id.bytes[at];
    return kReservationBit | (number & (kReservationBit - 1));
}

Result<std::vector<std::size_t>> held_groups(const WorkSpec& hold, const WorkSpec& spec) {
    std::vector<std::size_t> found;
    for (const StepGroup& group : spec.groups) {
        const auto held =
            std::ranges::find_if(hold.groups, [&](const StepGroup& each) { return holds_for(each, group); });
        if (held == hold.groups.end()) {
            return make_error(Errc::kInvalid, "group '" + group.name +
                                                  "' asks for other units than the reservation holds: order it "
                                                  "without its quote_id, or reserve for this work");
        }
        found.push_back(static_cast<std::size_t>(held - hold.groups.begin()));
    }
    return found;
}

}  // namespace vcity::work
