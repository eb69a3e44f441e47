// SPDX-License-Identifier: Apache-2.0
#include "placement/unit_explain.hpp"

#include <algorithm>
#include <tuple>

#include "codec/hex.hpp"

namespace vcity::placement {
namespace {

// 1234567 and 6 give "1.23": two places, or as many as it takes to show something.
std::string decimal(std::uint64_t value, std::size_t places) {
    std::string digits = std::to_string(value);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    std::string text = digits.substr(0, digits.size() - places) + "." + digits.substr(digits.size() - places);
    const std::size_t point = text.find('.');
    while (text.size() > point + 3 && text.back() == '0') text.pop_back();
    return text;
}

std::string usd(std::uint64_t micro) {
    return decimal(micro, 6) + " USD per GPU hour";
}
std::string percent(std::uint64_t basis_points) {
    return decimal(basis_points, 2) + " %";
}

std::string gpus_of(const UnitDemand& demand) {
    if (demand.gpu_milli < kWholeGpuMilli) return std::to_string(demand.gpu_milli) + "/1000 of a GPU free";
    return std::to_string(demand.gpus) + (demand.gpus == 1 ? " GPU free" : " GPUs free");
}

// What the units that pass a filter do, for one and for many.
struct Verbs {
    std::string one;
    std::string many;
};

Verbs both(std::string one, std::string many, const std::string& rest) {
    return {std::move(one) + rest, std::move(many) + rest};
}

std::string_view name_of(Interconnect interconnect) {
    switch (interconnect) {
        case Interconnect::kNone: return "any";
        case Interconnect::kPcie: return "PCIe";
        case Interconnect::kNvlink: return "NVLink";
        case Interconnect::kFabric: return "a fabric";
    }
    return "any";
}

Verbs passes(UnitFilter filter, const UnitDemand& demand) {
    const auto have = [](const std::string& what) { return both("has ", "have ", what); };
    switch (filter) {
        case UnitFilter::kClosed: return both("takes", "take", " new work");
        case UnitFilter::kExcluded: return both("has", "have", " not failed this job before");
        case UnitFilter::kModel: return have("an allowed GPU model");
        case UnitFilter::kVram: return have(std::to_string(demand.vram_mib) + " MiB of memory a GPU");
        case UnitFilter::kRegion: return both("is", "are", " in an allowed region");
        case UnitFilter::kKind:
            return both("is ", "are ", demand.kinds == kind_bit(UnitKind::kStable) ? "stable" : "flexible");
        case UnitFilter::kInterconnect:
            return both("connects", "connect",
                        " its GPUs by " + std::string{name_of(demand.interconnect_min)} + " or better");
        case UnitFilter::kUnitGpus:
            return have(std::to_string(std::max(demand.unit_gpus_min, demand.gpus)) + " GPUs in all");
        case UnitFilter::kLevel: return have("verification level " + std::to_string(demand.level_min));
        case UnitFilter::kStake: return have("a stake of " + std::to_string(demand.stake_vcai_min) + " VCAI");
        case UnitFilter::kReputation: return have("a reputation of " + percent(demand.reputation_bp_min));
        case UnitFilter::kPrice: return both("asks", "ask", " at most " + usd(demand.price_micro_max));
        case UnitFilter::kGpus: return have(gpus_of(demand));
        case UnitFilter::kCpu: return have(decimal(demand.cpu_milli, 3) + " CPU cores free");
        case UnitFilter::kMemory: return have(std::to_string(demand.memory_mib) + " MiB of memory free");
        case UnitFilter::kDisk: return have(std::to_string(demand.disk_mib) + " MiB of disk free");
        case UnitFilter::kPassed: return both("fits", "fit", "");
    }
    return {};
}

std::string why_none(const Explanation& found, const UnitDemand& demand, std::uint64_t cheapest) {
    if (found.units == 0) return "no unit has joined";
    std::string text = "of " + std::to_string(found.units) + (found.units == 1 ? " unit" : " units");
    std::size_t left = found.units;
    for (std::size_t index = 0; left > 0 && index < found.failed.size(); ++index) {
        if (found.failed[index] == 0) continue;
        left -= found.failed[index];
        const auto filter = static_cast<UnitFilter>(index);
        const Verbs verbs = passes(filter, demand);
        text += left == 0 ? ", none " : ", " + std::to_string(left) + " ";
        text += left == 1 || left == 0 ? verbs.one : verbs.many;
        if (left == 0 && filter == UnitFilter::kPrice) text += "; the cheapest asks " + usd(cheapest);
    }
    return text;
}

struct Term {
    std::string_view name;
    std::uint64_t Terms::* value;
};
constexpr std::array<Term, 4> kTerms = {{{"latency", &Terms::latency},
                                         {"price", &Terms::price},
                                         {"quality", &Terms::quality},
                                         {"packing", &Terms::packing}}};

std::string short_name(const UnitId& id) {
    constexpr std::size_t kDigits = 10;
    return codec::to_hex(id.node).substr(0, kDigits) + "/" + std::to_string(id.unit);
}

std::string facts(const UnitIndex& index, UnitHandle handle, const UnitDemand& demand) {
    const UnitRecord& unit = index.record(handle);
    const std::uint32_t latency = index.catalogue().latencies_us_from(demand.customer_region)[unit.region];
    return short_name(index.id_of(handle)) + " (" + index.catalogue().models()[unit.model].name + ", " +
           index.catalogue().regions()[unit.region] + ", " + decimal(latency, 3) + " ms, " + usd(unit.price_micro) +
           ", reputation " + percent(unit.reputation_bp) + ")";
}

std::string why_this(const UnitIndex& index, const Explanation& found, const UnitDemand& demand) {
    std::string text = facts(index, found.best, demand) + ": ";
    if (found.fitting == 1) return text + "the only one of " + std::to_string(found.units) + " units that fits";
    text += "best of " + std::to_string(found.fitting) + " that fit, score " +
            std::to_string(found.best_terms.score()) + " against " + std::to_string(found.second_terms.score()) +
            " of " + facts(index, found.second, demand);
    std::string better;
    std::string worse;
    for (const Term& term : kTerms) {
        const std::uint64_t mine = found.best_terms.*term.value;
        const std::uint64_t theirs = found.second_terms.*term.value;
        std::string& side = mine < theirs ? better : worse;
        if (mine == theirs) continue;
        if (!side.empty()) side += ", ";
        side += std::string{term.name} + " by " + std::to_string(std::max(mine, theirs) - std::min(mine, theirs));
    }
    if (!better.empty()) text += "; better in " + better;
    if (!worse.empty()) text += "; worse in " + worse;
    if (better.empty() && worse.empty()) text += "; equal in everything, it goes first by priority or id";
    return text;
}

}  // namespace

Result<Explanation> explain(const UnitIndex& index, const UnitDemand& demand) {
    TRY_OK(check(index.catalogue(), demand));
    Explanation found;
    std::uint64_t cheapest = UINT64_MAX;
    index.for_each([&](UnitHandle handle, const UnitRecord& unit) {
        const UnitFilter failed = first_failed(unit, handle, demand, index.catalogue());
        ++found.units;
        if (failed == UnitFilter::kPrice) cheapest = std::min(cheapest, std::uint64_t{unit.price_micro});
        if (failed != UnitFilter::kPassed) {
            ++found.failed[static_cast<std::size_t>(failed)];
            return;
        }
        ++found.fitting;
        const Terms terms = index.terms_of(unit, demand);
        const auto goes_before = [&](UnitHandle other, const Terms& others) {
            return std::tuple{terms.score(), unit.priority, index.id_of(handle)} <
                   std::tuple{others.score(), index.record(other).priority, index.id_of(other)};
        };
        if (found.fitting == 1 || goes_before(found.best, found.best_terms)) {
            found.second = found.best;
            found.second_terms = found.best_terms;
            found.best = handle;
            found.best_terms = terms;
        } else if (found.fitting == 2 || goes_before(found.second, found.second_terms)) {
            found.second = handle;
            found.second_terms = terms;
        }
    });
    found.outcome = found.fitting > 0 ? Outcome::kPlaced : Outcome::kNoUnit;
    found.text = found.fitting > 0 ? why_this(index, found, demand) : why_none(found, demand, cheapest);
    return found;
}

}  // namespace vcity::placement
