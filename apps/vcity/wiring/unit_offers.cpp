// SPDX-License-Identifier: Apache-2.0
#include "wiring/unit_offers.hpp"

#include <algorithm>
#include <thread>

#include <fmt/core.h>
#include <unistd.h>

#include "cli/settings.hpp"
#include "services/node/steps/units_file.hpp"

namespace vcity::wiring {
namespace {

constexpr std::uint32_t kMilli = 1000;
constexpr std::uint32_t kDiskMib = 1024;  // of /job in memory, all steps together

std::uint32_t memory_of_machine_mib() {
    const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
    const auto page_bytes = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGE_SIZE)));
    return static_cast<std::uint32_t>(pages * page_bytes >> 20U);
}

// What a file offers, no more than the machine has; of a cluster its owner knows.
Result<node::OwnUnits> units_of_file(const NodeRunOptions& options) {
    const std::string& path = options.units_file;
    TRY(const std::string text, cli::read_file(path, node::kUnitsFileBytesMax));
    Result<node::OwnUnits> units = node::parse_units_file(text);
    if (!units) return make_error(units.error().code, path + ": " + units.error().message);
    std::uint64_t cpu_milli = 0;
    std::uint64_t memory_mib = 0;
    for (const UnitOffer& unit : units->offers) {
        cpu_milli += unit.cpu_milli;
        memory_mib += unit.memory_mib;
    }
    const std::uint64_t cores = std::max(1U, std::thread::hardware_concurrency());
    const bool is_of_machine = options.slurm_folder.empty();
    const bool is_more = cpu_milli > cores * kMilli || memory_mib > memory_of_machine_mib();
    if (is_of_machine && is_more) {
        return make_error(Errc::kInvalid,
                          fmt::format("{}: units of {} thousandths of a core and {} MiB: this machine has {} and {}",
                                      path, cpu_milli, memory_mib, cores * kMilli, memory_of_machine_mib()));
    }
    return units;
}

// A share of this machine.
Result<UnitOffer> one_unit(const NodeRunOptions& options) {
    const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
    const std::uint32_t memory_mib = memory_of_machine_mib();
    const bool is_more = options.unit_cores > cores || options.unit_memory_mib > memory_mib;
    if (is_more && options.slurm_folder.empty()) {
        return make_error(Errc::kInvalid, fmt::format("a unit of {} cores and {} MiB: this machine has {} and {}",
                                                      options.unit_cores, options.unit_memory_mib, cores, memory_mib));
    }
    UnitOffer offer;
    offer.cpu_milli = kMilli * (options.unit_cores != 0 ? options.unit_cores : std::max(1U, cores / 2));
    offer.memory_mib = options.unit_memory_mib != 0 ? options.unit_memory_mib : std::max(1U, memory_mib / 4);
    offer.disk_mib = std::min(kDiskMib, offer.memory_mib);
    TRY(offer.hourly, parse_usd(options.unit_price));
    if (!options.unit_spot_price.empty()) {
        TRY(const Usd spot, parse_usd(options.unit_spot_price));
        offer.spot_hourly = spot;
    }
    return offer;
}

Result<node::OwnUnits> units_of_machine(const NodeRunOptions& options, std::uint32_t features) {
    TRY(const node::CheckedInventory seen, look_once(machine_options(options), nullptr));
    TRY(node::UnitTerms terms, unit_terms(options));
    terms.with_gpus = (features & bit(UnitFeature::kContainers)) != 0;
    for (const ports::Disk& disk : seen.machine.disks) {
        // Half of what is free: the rest is the owner's.
        terms.disk_mib = static_cast<std::uint32_t>(std::min<std::uint64_t>(disk.free_bytes >> 21U, 1U << 30U));
    }
    return node::units_of(seen, terms);
}

}  // namespace

MachineOptions machine_options(const NodeRunOptions& options) {
    MachineOptions machine{.file = options.inventory, .nvml = options.nvml, .disks = {}};
    machine.disks.push_back(options.role.state.empty() ? "/" : options.role.state);
    return machine;
}

Result<node::UnitTerms> unit_terms(const NodeRunOptions& options) {
    node::UnitTerms terms;
    TRY(terms.grain, node::parse_grain(options.grain));
    TRY(terms.gpu_hourly, parse_usd(options.gpu_price));
    TRY(terms.core_hourly, parse_usd(options.unit_price));
    if (!options.gpu_spot_price.empty()) {
        TRY(const Usd spot, parse_usd(options.gpu_spot_price));
        terms.gpu_spot = spot;
    }
    if (!options.unit_spot_price.empty()) {
        TRY(const Usd spot, parse_usd(options.unit_spot_price));
        terms.core_spot = spot;
    }
    for (const std::string& text : options.model_prices) {
        const std::size_t equals = text.rfind('=');
        if (equals == std::string::npos || equals == 0) {
            return make_error(Errc::kInvalid, fmt::format("--model-price {}: must be MODEL=USD", text));
        }
        TRY(const Usd price, parse_usd(text.substr(equals + 1)));
        terms.model_hourly[node::model_label(text.substr(0, equals))] = price;
    }
    terms.reserve_cpu_milli = options.reserve_cores * kMilli;
    terms.reserve_memory_mib = options.reserve_memory_mib;
    return terms;
}

Result<node::OwnUnits> unit_offers(const NodeRunOptions& options, std::uint32_t features) {
    node::OwnUnits units;
    if (!options.accept_commands) return units;
    if (options.units == "auto") {
        TRY(units, units_of_machine(options, features));
    } else if (options.units_file.empty()) {
        TRY(UnitOffer offer, one_unit(options));
        units.offers.push_back(std::move(offer));
    } else {
        TRY(units, units_of_file(options));
    }
    for (UnitOffer& offer : units.offers) offer.features = features;
    return units;
}

}  // namespace vcity::wiring
