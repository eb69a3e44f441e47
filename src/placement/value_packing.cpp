// SPDX-License-Identifier: Apache-2.0
#include "placement/value_packing.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.hpp"
#include "placement/index/gpu_lanes.hpp"
#include "placement/model_pressure.hpp"

namespace vcity::placement {
namespace {

constexpr double kPenaltiesPerMilli = 2;
constexpr double kPenaltyOffsetMilli = 3000;  // a good fit may gain more than it costs
constexpr double kCpuUnit = 128'000;          // CPU fit: the weight is per so much, in GPUs
constexpr double kLeastDemandShare = 0.002;   // of the capacity
constexpr std::size_t kChancesMax = 8192;     // sums kept for a model
constexpr std::uint32_t kInverseShift = 20;
constexpr double kCpuPerGpuUnknown = 1;  // nothing is stranded while no request was seen

double milli_of(const GpuRequest& request) {
    return static_cast<double>(request.gpus) * request.gpu_milli;
}

bool is_share(const GpuRequest& request) {
    return request.gpus == 1 && request.gpu_milli < kWholeGpuMilli;
}

std::uint16_t penalty_of(double cost_milli) {
    const double steps = std::floor((cost_milli + kPenaltyOffsetMilli) * kPenaltiesPerMilli + 0.5);
    return static_cast<std::uint16_t>(std::clamp(steps, 0.0, static_cast<double>(kPenaltyMax)));
}

std::uint32_t less(std::uint32_t left, std::uint32_t taken) {
    return left > taken ? left - taken : 0;
}

// Takes a share from one GPU; the order stays descending.
GpuState after_share(const GpuState& before, const GpuRequest& request, std::size_t gpu) {
    GpuState after = before;
    after.cpu_left_milli = less(before.cpu_left_milli, request.cpu_milli);
    const auto left = static_cast<std::uint16_t>(before.left_milli[gpu] - request.gpu_milli);
    for (; gpu + 1 < after.gpus && after.left_milli[gpu + 1] > left; ++gpu) {
        after.left_milli[gpu] = after.left_milli[gpu + 1];
    }
    after.left_milli[gpu] = left;
    return after;
}

// Takes the first `gpus` GPUs, which are the freest; no GPU at all for a request without.
GpuState after_whole(const GpuState& before, const GpuRequest& request) {
    GpuState after = before;
    after.cpu_left_milli = less(before.cpu_left_milli, request.cpu_milli);
    const std::size_t taken = std::min<std::size_t>(request.gpus, before.gpus);
    const std::size_t kept = before.gpus - taken;
    std::copy_n(before.left_milli.begin() + taken, kept, after.left_milli.begin());
    std::fill_n(after.left_milli.begin() + kept, taken, std::uint16_t{0});
    return after;
}

}  // namespace

ValuePacking::ValuePacking(const RequestMix& mix,
                           const PackingSupply& supply,
                           const ShareValues& values,
                           const PackingParameters& parameters,
                           PackingGrain grain)
    : parameters_{parameters},
      grain_{grain},
      gpu_inverse_{grain.gpu_milli == 0 ? 0 : (1U << kInverseShift) / grain.gpu_milli + 1},
      pressures_{model_pressures(mix.shapes(), supply)},
      values_{values.values()} {
    CHECK(grain.gpu_milli > 0 && grain.gpu_milli <= kWholeGpuMilli && grain.cpu_milli > 0);
    cpu_per_gpu_.fill(kCpuPerGpuUnknown);
    learn(mix.typical(parameters.typical_share), supply);

    double gpu = 0;
    double cpu = 0;
    std::array<double, kPackingModels> gpu_by_model{};
    std::array<double, kPackingModels> cpu_by_model{};
    for (const RequestMix::Shape& shape : mix.shapes()) {
        const double milli = static_cast<double>(shape.count) * milli_of(shape.request);
        const double cpu_milli = static_cast<double>(shape.count) * shape.request.cpu_milli;
        gpu += milli;
        cpu += cpu_milli;
        for (std::size_t model = 0; milli > 0 && model < kPackingModels; ++model) {
            if ((shape.request.models >> model & 1U) == 0) continue;
            gpu_by_model[model] += milli;
            cpu_by_model[model] += cpu_milli;
        }
    }
    if (gpu <= 0 || supply.cpu_milli == 0) return;
    const double asked = cpu / gpu * static_cast<double>(supply.gpu_milli) / static_cast<double>(supply.cpu_milli);
    scarcity_ = std::max(0.0, asked - parameters.scarce_from);
    for (std::size_t model = 0; model < kPackingModels; ++model) {
        if (gpu_by_model[model] <= 0) continue;
        cpu_per_gpu_[model] =
            (1 + parameters.scarce_need * scarcity_) * cpu_by_model[model] * kWholeGpuMilli / gpu_by_model[model];
    }
}

void ValuePacking::learn(const std::vector<RequestMix::Shape>& typical, const PackingSupply& supply) {
    double total = 0;
    for (const RequestMix::Shape& shape : typical) {
        if (milli_of(shape.request) > 0) total += static_cast<double>(shape.count);
    }
    for (const RequestMix::Shape& shape : typical) {
        const GpuRequest& request = shape.request;
        if (milli_of(request) <= 0) continue;
        const Use use{request.cpu_milli, request.gpu_milli, request.gpus, static_cast<double>(shape.count) / total};
        for (std::size_t model = 0; model < kPackingModels; ++model) {
            if ((request.models & supply.models) >> model & 1U) uses_[model].push_back(use);
        }
    }
    for (const std::vector<Use>& uses : uses_) chances_.push_back(chances_of(uses));
}

// A share can use every GPU that has as much, whole GPUs those that are wholly free, if there are enough.
ValuePacking::Chances ValuePacking::chances_of(const std::vector<Use>& uses) {
    Chances chances;
    chances.fits.fill(0);
    std::vector<std::uint16_t> shares;
    for (const Use& use : uses) {
        if (use.gpus > 1 && use.gpu_milli != kWholeGpuMilli) return {};
        chances.cpu_milli.push_back(use.cpu_milli);
        if (use.gpu_milli < kWholeGpuMilli) shares.push_back(use.gpu_milli);
    }
    const auto settle = [](auto* values) {
        std::ranges::sort(*values);
        values->erase(std::unique(values->begin(), values->end()), values->end());
    };
    settle(&chances.cpu_milli);
    settle(&shares);
    chances.columns = shares.size() + 1 + kGpusMax + 1;
    if (uses.empty() || (chances.cpu_milli.size() + 1) * chances.columns > kChancesMax) return {};
    for (const std::uint16_t share : shares) {
        for (std::size_t milli = share; milli <= kWholeGpuMilli; ++milli) ++chances.fits[milli];
    }
    for (std::size_t row = 0; row <= chances.cpu_milli.size(); ++row) {
        std::vector<double> sums(chances.columns, 0.0);
        for (const Use& use : uses) {
            if (row == 0 || use.cpu_milli > chances.cpu_milli[row - 1]) continue;
            const bool is_share = use.gpu_milli < kWholeGpuMilli;
            const std::size_t first = is_share ? chances.fits[use.gpu_milli] : shares.size() + 1 + use.gpus;
            const std::size_t last = is_share ? shares.size() + 1 : chances.columns;
            for (std::size_t column = first; column < last; ++column) sums[column] += use.probability;
        }
        chances.sums.insert(chances.sums.end(), sums.begin(), sums.end());
    }
    return chances;
}

GpuState ValuePacking::rounded(const GpuState& exact) const {
    GpuState state = exact;
    using Wide = std::uint32_t __attribute__((vector_size(4 * kGpusMax)));
    const auto left = __builtin_convertvector(lanes_of(exact.left_milli), Wide);
    const Wide steps = (left * gpu_inverse_) >> kInverseShift;
    state.left_milli = milli_of(__builtin_convertvector(steps * grain_.gpu_milli, GpuLanes));
    state.cpu_left_milli -= state.cpu_left_milli % grain_.cpu_milli;
    state.memory_left_mib = 0;
    return state;
}

// The models that would do are a filter of the index and do not change what a unit loses.
GpuRequest ValuePacking::rounded(const GpuRequest& exact) const {
    GpuRequest request = exact;
    request.models = 0;
    request.memory_mib = 0;
    return request;
}

double ValuePacking::summed_usable_milli(const GpuState& state, const Chances& chances) const {
    std::size_t row = 0;
    while (row < chances.cpu_milli.size() && chances.cpu_milli[row] <= state.cpu_left_milli) ++row;
    const double* sums = chances.sums.data() + row * chances.columns;
    double usable = 0;
    std::size_t whole = 0;
    for (std::size_t gpu = 0; gpu < state.gpus; ++gpu) {
        const std::uint16_t left = std::min(state.left_milli[gpu], kWholeGpuMilli);
        usable += left * sums[chances.fits[left]];
        whole += left == kWholeGpuMilli ? 1U : 0U;
    }
    return usable + static_cast<double>(whole * kWholeGpuMilli) * sums[chances.columns - (kGpusMax + 1) + whole];
}

double ValuePacking::usable_milli(const GpuState& state) const {
    const Chances& chances = chances_[state.model];
    if (!chances.sums.empty()) return summed_usable_milli(state, chances);
    std::array<double, kGpusMax + 1> freest{};  // [n]: free milli of the n freest GPUs
    for (std::size_t gpu = 0; gpu < state.gpus; ++gpu) freest[gpu + 1] = freest[gpu] + state.left_milli[gpu];
    double usable = 0;
    for (const Use& use : uses_[state.model]) {
        if (use.cpu_milli > state.cpu_left_milli) continue;
        std::size_t fitting = 0;
        while (fitting < state.gpus && state.left_milli[fitting] >= use.gpu_milli) ++fitting;
        if (fitting >= use.gpus) usable += use.probability * freest[fitting];
    }
    return usable;
}

double ValuePacking::stranded_milli(const GpuState& state) const {
    const double free = std::accumulate(state.left_milli.begin(), state.left_milli.begin() + state.gpus, 0.0);
    if (free <= 0) return 0;
    const double shortage = 1 - state.cpu_left_milli / (cpu_per_gpu_[state.model] * free / kWholeGpuMilli);
    return shortage <= 0 ? 0 : free * std::pow(shortage, parameters_.stranded_power);
}

// What the network would lose if nothing more could be said of this unit than that it stands so.
double ValuePacking::potential(const GpuState& state) const {
    return parameters_.stranded * stranded_milli(state) - parameters_.usable * usable_milli(state);
}

double ValuePacking::leftover_cost(std::uint16_t left_milli, std::uint16_t share_milli) const {
    const std::size_t level = std::min(left_milli, kWholeGpuMilli) / PackingSupply::kLevelMilli;
    const std::size_t share = (share_milli + PackingSupply::kLevelMilli - 1U) / PackingSupply::kLevelMilli;
    return parameters_.leftover * (values_[level] - values_[level - std::min(level, share)]);
}

double ValuePacking::cpu_cost(const GpuState& after, const GpuRequest& request) const {
    const double weight = request.gpus == 0 ? parameters_.scarce_fit * scarcity_ : parameters_.cpu_fit;
    return weight * kWholeGpuMilli * after.cpu_left_milli / kCpuUnit;
}

GpuChoice ValuePacking::choose(const GpuState& before, const GpuRequest& request) const {
    CHECK(before.gpus <= kGpusMax && before.model < kPackingModels);
    const double potential_before = potential(before);
    const double pressure = parameters_.pressure * pressures_[before.model] * milli_of(request);
    const auto penalty = [&](const GpuState& after, double more) {
        const double cost = potential(after) - potential_before + cpu_cost(after, request) + pressure + more;
        return penalty_of(cost / std::max<int>(1, request.gpus));
    };
    if (!is_share(request)) return {penalty(after_whole(before, request), 0), GpuChoice::kAny};
    GpuChoice best{kPenaltyMax, GpuChoice::kAny};
    for (std::size_t gpu = before.gpus; gpu-- > 0;) {  // the tightest first: it wins ties
        const std::uint16_t left = before.left_milli[gpu];
        if (left < request.gpu_milli) continue;
        if (gpu + 1 < before.gpus && before.left_milli[gpu + 1] == left) continue;
        const std::uint16_t here = penalty(after_share(before, request, gpu), leftover_cost(left, request.gpu_milli));
        if (best.gpu == GpuChoice::kAny || here < best.penalty) best = {here, static_cast<std::uint8_t>(gpu)};
    }
    return best;
}

PackingPlanner::PackingPlanner(PackingParameters parameters, PackingGrain grain)
    : parameters_{parameters}, grain_{grain}, values_{parameters.tau_milli} {}

std::unique_ptr<ValuePacking> PackingPlanner::plan(const PackingSupply& supply) {
    values_.set_mix(mix_.shapes());
    values_.solve(supply.gpus_at, std::max(static_cast<double>(supply.free_gpu_milli_total()),
                                           kLeastDemandShare * static_cast<double>(supply.gpu_milli)));
    return std::make_unique<ValuePacking>(mix_, supply, values_, parameters_, grain_);
}

}  // namespace vcity::placement
