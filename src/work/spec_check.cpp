// SPDX-License-Identifier: Apache-2.0
#include "work/spec_check.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "work/check_text.hpp"
#include "work/setup_check.hpp"

namespace vcity::work {
namespace {

using detail::check_label;
using detail::check_source;
using detail::check_takes;
using detail::invalid;
using detail::is_one_of;
using detail::is_printable;
using detail::kUpperCase;
using detail::quoted;
using detail::within;

using Limits = SpecLimits;

Result<void> check_command(const StepGroup& group) {
    // An image has a command of its own, and a program is its own.
    const bool is_free = !group.setup.image.empty() || !group.setup.program.empty();
    TRY_OK(within("number of arguments", group.command.size(), is_free ? 0 : 1, Limits::kArgumentsMax));
    std::size_t bytes = 0;
    for (const std::string& argument : group.command) {
        if (argument.find('\0') != std::string::npos) return invalid("an argument contains a zero byte");
        bytes += argument.size();
    }
    TRY_OK(within("size of the command in bytes", bytes, is_free ? 0 : 1, Limits::kCommandBytesMax));
    if (is_free) return {};
    const std::string& program = group.command.front();
    if (!program.starts_with('/') || program.ends_with('/')) {
        return invalid(fmt::format("command {} must begin with the absolute path of a program", quoted(program)));
    }
    for (std::size_t at = 0; at < program.size();) {
        const std::size_t end = std::min(program.find('/', at + 1), program.size());
        const std::string_view part = std::string_view{program}.substr(at + 1, end - at - 1);
        if (part.empty() || part == "." || part == "..") {
            return invalid(
                fmt::format("command {}: the path must have no empty, \".\" or \"..\" part", quoted(program)));
        }
        at = end;
    }
    return {};
}

Result<void> check_environment(const StepGroup& group) {
    TRY_OK(within("number of variables", group.environment.size(), 0, Limits::kVariablesMax));
    std::size_t bytes = 0;
    std::vector<std::string_view> names;
    names.reserve(group.environment.size());
    for (const std::string& variable : group.environment) {
        bytes += variable.size();
        const std::size_t equals = variable.find('=');
        const std::string_view name = std::string_view{variable}.substr(0, equals);
        const bool is_name =
            equals != std::string::npos && !name.empty() && (name.front() < '0' || name.front() > '9') &&
            std::ranges::all_of(name, [](char character) {
                return is_one_of(character, "_") || kUpperCase.find(character) != std::string_view::npos;
            });
        if (!is_name || variable.find('\0') != std::string::npos) {
            return invalid(fmt::format("variable {} must be NAME=value", quoted(variable)));
        }
        // The key for ssh is the one that a customer gives a node to act on.
        if (name.starts_with("VCITY_") && name != "VCITY_SSH_KEY")
            return invalid(fmt::format("variable {} is set by the network", quoted(name)));
        names.push_back(name);
    }
    TRY_OK(within("size of the environment in bytes", bytes, 0, Limits::kEnvironmentBytesMax));
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end()) return invalid(fmt::format("variable {} is set twice", quoted(*twice)));
    return {};
}

Result<void> check_inputs(const StepGroup& group) {
    TRY_OK(within("number of input files", group.inputs.size(), 0, Limits::kInputsMax));
    std::vector<std::string_view> names;
    names.reserve(group.inputs.size());
    for (const InputFile& file : group.inputs) {
        const bool is_name =
            !file.name.empty() && file.name.size() <= Limits::kInputNameBytesMax && file.name != "." &&
            file.name != ".." && std::ranges::all_of(file.name, [](char character) {
                return is_one_of(character, "._-") || kUpperCase.find(character) != std::string_view::npos;
            });
        if (!is_name) {
            return invalid(fmt::format("input file {}: a name is 1 to {} letters, digits, '.', '_' or '-'",
                                       quoted(file.name), Limits::kInputNameBytesMax));
        }
        TRY_OK(check_source(file));
        names.push_back(file.name);
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end()) return invalid(fmt::format("input file {} is there twice", quoted(*twice)));
    return {};
}

Result<void> check_gpus(const UnitAsk& ask) {
    TRY_OK(within("gpus", ask.gpus, 0, Limits::kGpusMax));
    TRY_OK(within("gpu_milli", ask.gpu_milli, 1, 1000));
    TRY_OK(within("vram_mib", ask.vram_mib, 0, Limits::kVramMibMax));
    TRY_OK(within("number of GPU models", ask.gpu_models.size(), 0, Limits::kNamesMax));
    if (ask.gpu_milli != 1000 && ask.gpus != 1) {
        return invalid(
            fmt::format("a share of {} thousandths can be had of one GPU only, not of {}", ask.gpu_milli, ask.gpus));
    }
    for (const std::string& model : ask.gpu_models) {
        TRY_OK(check_label("GPU model", model));
    }
    if (ask.gpus > 0) return {};
    if (!ask.gpu_models.empty()) return invalid("gpu_models are named, but gpus is 0");
    if (ask.vram_mib > 0) return invalid("vram_mib is asked for, but gpus is 0");
    if (ask.interconnect != Interconnect::kNone) return invalid("an interconnect is asked for, but gpus is 0");
    return {};
}

Result<void> check_ask(const UnitAsk& ask) {
    TRY_OK(check_gpus(ask));
    TRY_OK(within("cpu_milli", ask.cpu_milli, 1, Limits::kCpuMilliMax));
    TRY_OK(within("memory_mib", ask.memory_mib, 1, Limits::kMemoryMibMax));
    return within("disk_mib", ask.disk_mib, 0, Limits::kDiskMibMax);
}

Result<void> check_group(const StepGroup& group) {
    TRY_OK(within("count", group.count, 1, Limits::kStepsMax));
    if (group.is_gang) {
        TRY_OK(within("count of a gang", group.count, 1, Limits::kGangMax));
        if (group.is_speculative) return invalid("a gang starts again as a whole: it cannot be speculative");
    }
    TRY_OK(check_command(group));
    TRY_OK(check_environment(group));
    TRY_OK(check_inputs(group));
    TRY_OK(check_ask(group.ask));
    TRY_OK(detail::check_setup(group));
    TRY_OK(within("seconds_max", group.seconds_max, 1, Limits::kSecondsMax));
    return within("retries", group.retries, 0, Limits::kRetriesMax);
}

Result<void> check_group_name(const StepGroup& group) {
    const bool is_name = !group.name.empty() && group.name.size() <= Limits::kGroupNameBytesMax &&
                         std::ranges::all_of(group.name, [](char character) { return is_one_of(character, "-"); });
    if (is_name) return {};
    return invalid(
        fmt::format("group {}: a name is 1 to {} of a-z, 0-9 and '-'", quoted(group.name), Limits::kGroupNameBytesMax));
}

Result<void> check_total(const WorkSpec& spec) {
    std::uint64_t steps = 0;
    std::uint64_t bytes = 0;
    for (const StepGroup& group : spec.groups) {
        steps += group.count;
        for (const InputFile& file : group.inputs) bytes += file.content.size();
    }
    TRY_OK(within("number of steps", steps, 1, Limits::kStepsMax));
    return within("size of all input files in bytes", bytes, 0, Limits::kInputBytesMax);
}

// Kahn's order; what is left when nothing more is free lies on a cycle or behind one. At most 64 groups.
Result<void> check_needs(const WorkSpec& spec) {
    const std::size_t count = spec.groups.size();
    std::vector<std::vector<std::size_t>> needs(count);
    for (std::size_t at = 0; at < count; ++at) {
        const StepGroup& group = spec.groups[at];
        TRY_OK(within("number of needs", group.needs.size(), 0, Limits::kGroupsMax));
        for (const std::string& need : group.needs) {
            const auto found = std::ranges::find(spec.groups, need, &StepGroup::name);
            if (found == spec.groups.end()) {
                return invalid(fmt::format("group {} needs {}, which is no group", quoted(group.name), quoted(need)));
            }
            const auto number = static_cast<std::size_t>(found - spec.groups.begin());
            if (std::ranges::find(needs[at], number) != needs[at].end()) {
                return invalid(fmt::format("group {} needs {} twice", quoted(group.name), quoted(need)));
            }
            needs[at].push_back(number);
        }
        TRY_OK(check_takes(spec, group));
    }
    std::vector<bool> is_free(count, false);
    for (std::size_t round = 0; round < count; ++round) {
        for (std::size_t at = 0; at < count; ++at) {
            is_free[at] = std::ranges::all_of(needs[at], [&](std::size_t need) { return is_free[need]; });
        }
    }
    const auto stuck = std::ranges::find(is_free, false);
    if (stuck == is_free.end()) return {};
    const auto& group = spec.groups[static_cast<std::size_t>(stuck - is_free.begin())];
    return invalid(fmt::format("group {} can never start: the needs form a cycle", quoted(group.name)));
}

Result<void> check_terms(const WorkSpec& spec) {
    TRY_OK(within("number of regions", spec.regions.size(), 0, Limits::kNamesMax));
    for (const std::string& region : spec.regions) {
        TRY_OK(check_label("region", region));
    }
    if (!spec.customer_region.empty()) {
        TRY_OK(check_label("customer's region", spec.customer_region));
    }
    if (spec.hourly_max && spec.hourly_max->micro == 0) return invalid("hourly_max is 0: nothing can be had for it");
    TRY_OK(within("reputation_bp_min", spec.reputation_bp_min, 0, Limits::kReputationMax));
    TRY_OK(within("level_min", spec.level_min, 0, Limits::kLevelMax));
    TRY_OK(within("length of spread", spec.spread.size(), 0, Limits::kSpreadBytesMax));
    if (!is_printable(spec.spread)) return invalid(fmt::format("spread {} must be printable", quoted(spec.spread)));
    TRY_OK(within("preference for latency", spec.prefer.latency, 0, Limits::kPreferenceMax));
    TRY_OK(within("preference for price", spec.prefer.price, 0, Limits::kPreferenceMax));
    TRY_OK(within("preference for quality", spec.prefer.quality, 0, Limits::kPreferenceMax));
    return within("preference for packing", spec.prefer.packing, 0, Limits::kPreferenceMax);
}

}  // namespace

Result<void> check(const WorkSpec& spec) {
    if (spec.name.empty() || spec.name.size() > Limits::kNameBytesMax || !is_printable(spec.name)) {
        return invalid(
            fmt::format("name {} must be 1 to {} printable bytes", quoted(spec.name), Limits::kNameBytesMax));
    }
    TRY_OK(within("number of groups", spec.groups.size(), 1, Limits::kGroupsMax));
    for (std::size_t at = 0; at < spec.groups.size(); ++at) {
        const StepGroup& group = spec.groups[at];
        TRY_OK(check_group_name(group));
        for (std::size_t other = 0; other < at; ++other) {
            if (spec.groups[other].name == group.name) {
                return invalid(fmt::format("group {} is there twice", quoted(group.name)));
            }
        }
        if (auto checked = check_group(group); !checked) {
            return invalid(fmt::format("group {}: {}", quoted(group.name), checked.error().message));
        }
    }
    TRY_OK(check_total(spec));
    TRY_OK(check_needs(spec));
    return check_terms(spec);
}

Result<void> check(const WorkOrder& order) {
    constexpr std::size_t kTraceBytesMax = 128;
    if (order.job_id.is_zero()) return invalid("the job id is zero");
    if (order.client.is_zero()) return invalid("the client is zero");
    if (order.cap.cap.client != order.client) return invalid("the spending cap is another client's");
    if (order.budget.micro == 0) return invalid("the budget is 0");
    if (order.budget > order.cap.cap.limit) {
        return invalid(fmt::format("the budget of {} USD is above the spending cap of {} USD", to_string(order.budget),
                                   to_string(order.cap.cap.limit)));
    }
    if (order.deadline.count() == 0) return invalid("the deadline is missing");
    TRY_OK(within("size of the trace id in bytes", order.trace_id.size(), 0, kTraceBytesMax));
    TRY_OK(check(order.spec));
    return detail::check_files_url(order);
}

}  // namespace vcity::work
