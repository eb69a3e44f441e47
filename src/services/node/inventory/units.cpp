// SPDX-License-Identifier: Apache-2.0
#include "services/node/inventory/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/core.h>

namespace vcity::node {
namespace {

using ports::Gpu;

constexpr double kMib = 1U << 20U;
constexpr double kGib = 1U << 30U;
constexpr std::array<std::string_view, 3> kGrains{"machine", "island", "gpu"};

// A GPU or an instance of one.
struct Piece {
    std::string label;
    std::string cdi;
    std::uint64_t vram_bytes = 0;
    double weight = 1;  // of a whole GPU
    std::size_t island = 0;
};

bool tells_of(const Gpu& gpu, const Gpu& peer) {
    return std::ranges::find(gpu.nvlink_peers, peer.address) != gpu.nvlink_peers.end();
}

// Numbers the sets of GPUs that reach each other, by the smallest index in each.
std::vector<std::size_t> islands_of(const std::vector<const Gpu*>& gpus) {
    std::vector<std::size_t> island(gpus.size());
    std::iota(island.begin(), island.end(), std::size_t{0});
    const auto join = [&](std::size_t one, std::size_t other) {
        const std::size_t from = std::max(island[one], island[other]);
        std::ranges::replace(island, from, std::min(island[one], island[other]));
    };
    for (std::size_t one = 0; one < gpus.size(); ++one) {
        for (std::size_t other = 0; other < one; ++other) {
            const bool share_switch = gpus[one]->is_on_nvswitch && gpus[other]->is_on_nvswitch;
            const bool are_linked = tells_of(*gpus[one], *gpus[other]) || tells_of(*gpus[other], *gpus[one]);
            if (share_switch || are_linked) join(one, other);
        }
    }
    return island;
}

std::string cdi_of(const Gpu& gpu, std::size_t index_of_vendor) {
    if (gpu.vendor == ports::GpuVendor::kNvidia && !gpu.uuid.empty()) return "nvidia.com/gpu=" + gpu.uuid;
    return fmt::format("{}.com/gpu={}", to_string(gpu.vendor), index_of_vendor);
}

std::vector<Piece> pieces_of(const CheckedInventory& inventory) {
    std::vector<const Gpu*> gpus;
    std::vector<std::size_t> index_of_vendor;
    std::array<std::size_t, 4> seen{};
    for (const Gpu& gpu : inventory.machine.gpus) {
        const std::size_t index = seen.at(static_cast<std::size_t>(gpu.vendor))++;
        if (inventory.is_refused(gpu)) continue;
        gpus.push_back(&gpu);
        index_of_vendor.push_back(index);
    }
    const std::vector<std::size_t> islands = islands_of(gpus);
    std::vector<Piece> pieces;
    for (std::size_t index = 0; index < gpus.size(); ++index) {
        const Gpu& gpu = *gpus[index];
        if (!gpu.is_mig) {
            pieces.push_back({.label = model_label(gpu.model),
                              .cdi = cdi_of(gpu, index_of_vendor[index]),
                              .vram_bytes = gpu.vram_bytes,
                              .weight = 1,
                              .island = islands[index]});
            continue;
        }
        for (const ports::MigInstance& instance : gpu.instances) {
            if (instance.uuid.empty() || instance.vram_bytes == 0) continue;
            const double share = static_cast<double>(instance.vram_bytes) / static_cast<double>(gpu.vram_bytes);
            pieces.push_back({.label = model_label(gpu.model + " MIG " + instance.profile),
                              .cdi = "nvidia.com/gpu=" + instance.uuid,
                              .vram_bytes = instance.vram_bytes,
                              .weight = std::min(1.0, share),
                              .island = gpus.size() + pieces.size()});
        }
    }
    return pieces;
}

// Cards that go by one name come in several sizes.
std::uint64_t size_class(const Piece& piece) {
    return static_cast<std::uint64_t>(std::lround(static_cast<double>(piece.vram_bytes) / kGib));
}

// Pieces that make one unit.
std::vector<std::vector<Piece>> groups_of(const std::vector<Piece>& pieces, std::size_t gpus, Grain grain) {
    using Key = std::tuple<std::size_t, std::string, std::uint64_t>;
    std::map<Key, std::vector<Piece>> alike;
    for (std::size_t index = 0; index < pieces.size(); ++index) {
        const Piece& piece = pieces[index];
        std::size_t place = grain == Grain::kMachine ? 0 : piece.island;
        if (grain == Grain::kGpu) place = index;
        if (piece.island >= gpus) place = gpus + index;  // an instance is alone
        alike[{place, piece.label, size_class(piece)}].push_back(piece);
    }
    std::vector<std::vector<Piece>> groups;
    for (const auto& [key, members] : alike) {
        const std::size_t parts = (members.size() + kUnitGpusMax - 1) / kUnitGpusMax;
        for (std::size_t part = 0; part < parts; ++part) {
            const auto begin = members.begin() + static_cast<std::ptrdiff_t>(members.size() * part / parts);
            const auto end = members.begin() + static_cast<std::ptrdiff_t>(members.size() * (part + 1) / parts);
            groups.emplace_back(begin, end);
        }
    }
    return groups;
}

Interconnect interconnect_of(const std::vector<Piece>& group) {
    if (group.size() < 2) return Interconnect::kNone;
    const bool is_island =
        std::ranges::all_of(group, [&](const Piece& piece) { return piece.island == group.front().island; });
    return is_island ? Interconnect::kNvlink : Interconnect::kPcie;
}

Usd in_proportion(Usd price, double weight) {
    return Usd{static_cast<std::uint64_t>(std::llround(static_cast<double>(price.micro) * weight))};
}

// What units may share.
struct Shares {
    double cpu_milli = 0;
    double memory_mib = 0;
    double disk_mib = 0;
};

void give(const Shares& shares, double part, UnitOffer* offer) {
    constexpr double kMost = 1U << 30U;
    offer->cpu_milli = static_cast<std::uint32_t>(std::min(shares.cpu_milli * part, kMost));
    offer->memory_mib = static_cast<std::uint32_t>(std::min(shares.memory_mib * part, kMost));
    offer->disk_mib = static_cast<std::uint32_t>(std::min(shares.disk_mib * part, kMost));
}

UnitOffer offer_of(const std::vector<Piece>& group, const UnitTerms& terms) {
    const Piece& first = group.front();
    const auto least = std::ranges::min_element(group, {}, &Piece::vram_bytes);
    const auto own_price = terms.model_hourly.find(first.label);
    UnitOffer offer;
    offer.gpu_model = first.label;
    offer.gpus = static_cast<std::uint32_t>(group.size());
    offer.vram_mib = static_cast<std::uint32_t>(static_cast<double>(least->vram_bytes) / kMib);
    offer.interconnect = interconnect_of(group);
    // A price for a model is for what has that name, be it an instance.
    offer.hourly =
        own_price != terms.model_hourly.end() ? own_price->second : in_proportion(terms.gpu_hourly, first.weight);
    if (terms.gpu_spot) offer.spot_hourly = std::min(in_proportion(*terms.gpu_spot, first.weight), offer.hourly);
    return offer;
}

std::string hash_mark(std::string_view text) {
    std::uint32_t hash = 2166136261U;  // FNV-1a
    for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
    return fmt::format("~{:04x}", (hash ^ hash >> 16U) & 0xffffU);
}

}  // namespace

std::string_view to_string(Grain grain) {
    return kGrains.at(static_cast<std::size_t>(grain));
}

Result<Grain> parse_grain(std::string_view text) {
    const auto found = std::ranges::find(kGrains, text);
    if (found == kGrains.end()) {
        return make_error(Errc::kInvalid, fmt::format("units are cut by machine, island or gpu, not by \"{}\"", text));
    }
    return static_cast<Grain>(found - kGrains.begin());
}

std::string model_label(std::string_view model) {
    std::string label{model};
    std::ranges::replace_if(label, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
    if (label.size() <= kModelLabelBytesMax) return label;
    constexpr std::string_view kVendor = "NVIDIA ";
    if (label.starts_with(kVendor)) label.erase(0, kVendor.size());
    if (label.size() <= kModelLabelBytesMax) return label;
    const std::string mark = hash_mark(model);
    label.resize(kModelLabelBytesMax - mark.size());
    return label + mark;
}

Result<OwnUnits> units_of(const CheckedInventory& inventory, const UnitTerms& terms) {
    const ports::MachineInventory& machine = inventory.machine;
    const auto memory_mib = static_cast<double>(machine.memory_usable_bytes) / kMib;
    const Shares shares{.cpu_milli = static_cast<double>(machine.cpu.usable_milli) - terms.reserve_cpu_milli,
                        .memory_mib = memory_mib - terms.reserve_memory_mib,
                        .disk_mib = static_cast<double>(terms.disk_mib)};
    if (shares.cpu_milli < 1 || shares.memory_mib < 1) {
        return make_error(
            Errc::kExhausted,
            fmt::format("{} thousandths of a core and {:.0f} MiB are usable, {} and {} are reserved: "
                        "nothing is left to offer",
                        machine.cpu.usable_milli, memory_mib, terms.reserve_cpu_milli, terms.reserve_memory_mib));
    }
    const std::vector<Piece> pieces = terms.with_gpus ? pieces_of(inventory) : std::vector<Piece>{};
    OwnUnits units;
    if (pieces.empty()) {
        UnitOffer offer;
        give(shares, 1, &offer);
        offer.hourly = terms.core_hourly;
        offer.spot_hourly = terms.core_spot;
        units.offers.push_back(offer);
        return units;
    }
    double whole = 0;
    for (const Piece& piece : pieces) whole += piece.weight;
    for (const std::vector<Piece>& group : groups_of(pieces, machine.gpus.size(), terms.grain)) {
        UnitOffer offer = offer_of(group, terms);
        offer.number = static_cast<std::uint32_t>(units.offers.size());
        double weight = 0;
        for (const Piece& piece : group) weight += piece.weight;
        give(shares, weight / whole, &offer);
        if (offer.cpu_milli == 0 || offer.memory_mib == 0) {
            return make_error(Errc::kExhausted, fmt::format("too little memory or processor for {} units", whole));
        }
        for (const Piece& piece : group) units.gpus[offer.number].push_back(piece.cdi);
        units.offers.push_back(std::move(offer));
    }
    return units;
}

}  // namespace vcity::node
