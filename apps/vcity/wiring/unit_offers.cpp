// SPDX-License-Identifier: Apache-2.0
#include "wiring/unit_offers.hpp"

#include <algorithm>
#include <thread>

#include <fmt/core.h>
#include <unistd.h>

namespace vcity::wiring {
namespace {

constexpr std::uint32_t kMilli = 1000;
constexpr std::uint32_t kDiskMib = 1024;  // of /job in memory, all steps together

std::uint32_t memory_of_machine_mib() {
    const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
    const auto page_bytes = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGE_SIZE)));
    return static_cast<std::uint32_t>(pages * page_bytes >> 20U);
}

}  // namespace

Result<std::vector<UnitOffer>> unit_offers(const NodeRunOptions& options) {
    if (!options.accept_commands) return std::vector<UnitOffer>{};
    const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
    const std::uint32_t memory_mib = memory_of_machine_mib();
    if (options.unit_cores > cores || options.unit_memory_mib > memory_mib) {
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
    return std::vector<UnitOffer>{offer};
}

}  // namespace vcity::wiring
