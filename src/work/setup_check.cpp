// SPDX-License-Identifier: Apache-2.0
#include "work/setup_check.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "work/check_text.hpp"
#include "work/plan.hpp"
#include "work/spec_check.hpp"

namespace vcity::work::detail {
namespace {

using Limits = SpecLimits;

bool is_made_of(std::string_view text, std::string_view others) {
    return std::ranges::all_of(text, [&](char character) {
        return is_one_of(character, others) || kUpperCase.find(character) != std::string_view::npos;
    });
}

Result<void> check_image(const StepSetup& setup) {
    if (setup.image.empty()) return {};
    // [registry[:port]/]name[:tag][@digest]; what exactly it names is for the node's container runtime to say.
    const bool is_reference = setup.image.size() <= Limits::kImageBytesMax && is_made_of(setup.image, "._-/:@") &&
                              is_one_of(setup.image.front(), kUpperCase);
    if (!is_reference) {
        return invalid(
            fmt::format("image {} must be a reference such as \"docker.io/library/python:3.12\" of at most "
                        "{} bytes",
                        quoted(setup.image), Limits::kImageBytesMax));
    }
    return {};
}

Result<void> check_program(const StepSetup& setup) {
    if (setup.program.empty()) return {};
    if (!feature_of_program(setup.program)) {
        return invalid(fmt::format("program {} is not known; there are \"{}\", \"{}\" and \"{}\"",
                                   quoted(setup.program), kFinetuneProgram, kRenderProgram, kGenerateProgram));
    }
    if (!setup.image.empty()) return invalid("a program of the node runs without an image");
    return {};
}

Result<void> check_egress(const StepSetup& setup) {
    TRY_OK(within("number of egress_hosts", setup.egress_hosts.size(), 0, Limits::kHostsMax));
    if (setup.egress == Egress::kNone && !setup.egress_hosts.empty()) {
        return invalid("egress_hosts are named, but egress is none");
    }
    for (const std::string& host : setup.egress_hosts) {
        const bool is_host = !host.empty() && host.size() <= Limits::kHostBytesMax && is_made_of(host, ".-");
        if (!is_host) return invalid(fmt::format("egress host {} is no host name or address", quoted(host)));
    }
    return {};
}

Result<void> check_ports(const StepSetup& setup) {
    TRY_OK(within("number of ports", setup.ports.size(), 0, Limits::kPortsMax));
    for (std::size_t at = 0; at < setup.ports.size(); ++at) {
        const StepPort& port = setup.ports[at];
        const bool is_name = !port.name.empty() && port.name.size() <= Limits::kGroupNameBytesMax &&
                             std::ranges::all_of(port.name, [](char character) { return is_one_of(character, "-"); });
        if (!is_name) {
            return invalid(fmt::format("port {}: a name is 1 to {} of a-z, 0-9 and '-'", quoted(port.name),
                                       Limits::kGroupNameBytesMax));
        }
        if (port.port == 0) return invalid(fmt::format("port {} is 0, must be 1 to 65535", quoted(port.name)));
        for (std::size_t other = 0; other < at; ++other) {
            if (setup.ports[other].name == port.name || setup.ports[other].port == port.port) {
                return invalid(fmt::format("port {} ({}) is there twice", quoted(port.name), port.port));
            }
        }
    }
    return {};
}

}  // namespace

Result<void> check_setup(const StepGroup& group) {
    const StepSetup& setup = group.setup;
    TRY_OK(check_image(setup));
    TRY_OK(check_program(setup));
    TRY_OK(check_egress(setup));
    TRY_OK(check_ports(setup));
    if (setup.checkpoint_seconds != 0) {
        TRY_OK(
            within("checkpoint_seconds", setup.checkpoint_seconds, Limits::kCheckpointSecondsMin, Limits::kSecondsMax));
    }
    if (!setup.is_service) return {};
    if (group.is_speculative) return invalid("a service has no end to wait for: it cannot be speculative");
    return {};
}

Result<void> check_source(const InputFile& file) {
    if (file.sha256.is_zero()) {
        if (file.url.empty() && file.bytes == 0) return {};
        return invalid(fmt::format("input file {}: what is fetched needs its sha256", quoted(file.name)));
    }
    if (!file.content.empty()) {
        return invalid(fmt::format("input file {} has content and a sha256: one of them", quoted(file.name)));
    }
    TRY_OK(within("size of an input file in bytes", file.bytes, 0, Limits::kFileBytesMax));
    if (file.url.empty()) return {};
    const bool is_web = file.url.starts_with("https://") || file.url.starts_with("http://");
    if (is_web && file.url.size() <= Limits::kUrlBytesMax && is_printable(file.url)) return {};
    return invalid(fmt::format("input file {}: url {} must be http or https and at most {} bytes", quoted(file.name),
                               quoted(file.url), Limits::kUrlBytesMax));
}

Result<void> check_takes(const WorkSpec& spec, const StepGroup& group) {
    TRY_OK(within("number of takes", group.takes.size(), 0, Limits::kGroupsMax));
    std::uint64_t steps = 0;
    for (std::size_t at = 0; at < group.takes.size(); ++at) {
        const std::string& take = group.takes[at];
        if (std::ranges::find(group.needs, take) == group.needs.end()) {
            return invalid(
                fmt::format("group {} takes files of {}, which it does not need", quoted(group.name), quoted(take)));
        }
        const auto end = group.takes.begin() + static_cast<std::ptrdiff_t>(at);
        if (std::find(group.takes.begin(), end, take) != end) {
            return invalid(fmt::format("group {} takes {} twice", quoted(group.name), quoted(take)));
        }
        const auto from = std::ranges::find(spec.groups, take, &StepGroup::name);
        if (!from->setup.keeps_files) {
            return invalid(
                fmt::format("group {} takes files of {}, which keeps none", quoted(group.name), quoted(take)));
        }
        steps += from->count;
    }
    return within("number of steps that a group takes files of", steps, 0, Limits::kTakenStepsMax);
}

Result<void> check_files_url(const WorkOrder& order) {
    const auto needs_place = [](const StepGroup& group) {
        return group.setup.keeps_files || group.setup.checkpoint_seconds != 0 ||
               std::ranges::any_of(group.inputs,
                                   [](const InputFile& file) { return !file.sha256.is_zero() && file.url.empty(); });
    };
    if (order.files_url.empty()) {
        if (std::ranges::none_of(order.spec.groups, needs_place)) return {};
        return invalid("the job's files have no place: files_url is empty");
    }
    const bool is_url = (order.files_url.starts_with("https://") || order.files_url.starts_with("http://")) &&
                        order.files_url.ends_with('/') && order.files_url.size() <= Limits::kUrlBytesMax &&
                        is_printable(order.files_url);
    return is_url ? Result<void>{} : invalid("files_url must be http or https and end with '/'");
}

}  // namespace vcity::work::detail
