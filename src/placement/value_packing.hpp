// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "placement/packing_mix.hpp"
#include "placement/packing_policy.hpp"
#include "placement/share_values.hpp"

namespace vcity::placement {

// One set for every workload, tuned as docs/decisions/0028 says. Costs are in milli of a GPU.
struct PackingParameters {
    double usable = 0.3;          // weight of the free capacity that a random request could use
    double stranded = 0.6;        // weight of GPUs left without the CPU they need
    double stranded_power = 1.3;  // by how much the shortage counts more when it is greater
    double leftover = 5;          // weight of the value of the leftovers of shared GPUs
    double tau_milli = 4;         // temperature of these values
    double pressure = 1;          // price of a model whose free capacity is all spoken for, per milli taken
    double cpu_fit = 0.01;        // preference for units that have little CPU left
    // CPU counts as scarce when the network is asked for more than this part of it by the time its GPUs are full; each
    // further 1 raises what a GPU is taken to need by `scarce_need` times and the CPU fit of requests without a GPU.
    double scarce_from = 0.8;
    double scarce_need = 2;
    double scarce_fit = 1;
    double typical_share = 0.97;  // of the mix; rarer shapes are not looked at
};

struct PackingGrain {  // what rounded() rounds to; 1 gives the policy in full
    std::uint16_t gpu_milli = 1;
    std::uint32_t cpu_milli = 1;
};

// Puts a request where the network loses least for what is still to come. The penalty is the sum of four costs:
//
//   usable    sum over GPUs i of r_i P_i, before less after: r_i the free milli of GPU i, P_i the probability that the
//             next request with a GPU can use it here (cf. the fragmentation of FGD, Weng et al., ATC'23, eq. 1-3);
//   stranded  L max(0, 1 - c / (need L))^power, after less before: L the free GPUs, c the CPU left;
//   leftover  V(l) - V(l - s) of ShareValues, for a share s of one GPU;
//   pressure  of the model (model_pressure.hpp), times the milli taken.
//
// Costs are per GPU asked for, in steps of half a milli. What is to come is told by the mix and the supply that the
// policy is made from; it knows nothing of the order. Immutable. Floating point inside, so that another libm may round
// a penalty differently; equal builds agree.
class ValuePacking final : public PackingPolicy {
  public:
    ValuePacking(const RequestMix& mix,
                 const PackingSupply& supply,
                 const ShareValues& values,
                 const PackingParameters& parameters = {},
                 PackingGrain grain = {});

    GpuState rounded(const GpuState& exact) const override;
    GpuRequest rounded(const GpuRequest& exact) const override;
    GpuChoice choose(const GpuState& before, const GpuRequest& request) const override;

  private:
    struct Use {  // one typical shape of request that asks for a GPU
        std::uint32_t cpu_milli = 0;
        std::uint16_t gpu_milli = 0;
        std::uint8_t gpus = 0;
        double probability = 0;
    };
    // The probabilities of a model's uses, added up beforehand by what fits. Empty where that would be too large.
    struct Chances {
        std::vector<std::uint32_t> cpu_milli;               // ascending: what uses ask for
        std::array<std::uint8_t, kWholeGpuMilli + 1> fits;  // [milli]: how many different shares fit a GPU with so much
        std::size_t columns = 0;
        std::vector<double> sums;  // [how many of cpu_milli are there][shares that fit; after them, GPUs wholly free]
    };

    void learn(const std::vector<RequestMix::Shape>& typical, const PackingSupply& supply);
    double potential(const GpuState& state) const;
    static Chances chances_of(const std::vector<Use>& uses);
    double usable_milli(const GpuState& state) const;
    double summed_usable_milli(const GpuState& state, const Chances& chances) const;
    double stranded_milli(const GpuState& state) const;
    double leftover_cost(std::uint16_t left_milli, std::uint16_t share_milli) const;
    double cpu_cost(const GpuState& after, const GpuRequest& request) const;

    PackingParameters parameters_;
    PackingGrain grain_;
    std::uint32_t gpu_inverse_;                          // 2^20 over the grain, and a little more
    std::array<std::vector<Use>, kPackingModels> uses_;  // [model]
    std::vector<Chances> chances_;                       // [model]
    std::array<double, kPackingModels> cpu_per_gpu_{};   // [model]: what a free GPU is taken to need, milli
    std::array<double, kPackingModels> pressures_{};
    std::array<double, PackingSupply::kLevels> values_{};
    double scarcity_ = 0;
};

// Keeps the mix and makes policies from it as the network fills.
class PackingPlanner {
  public:
    explicit PackingPlanner(PackingParameters parameters = {}, PackingGrain grain = {});

    RequestMix& mix() { return mix_; }
    // A policy for the network as it stands. Units that two policies of one planner round alike are the same states.
    std::unique_ptr<ValuePacking> plan(const PackingSupply& supply);

  private:
    PackingParameters parameters_;
    PackingGrain grain_;
    RequestMix mix_;
    ShareValues values_;
};

}  // namespace vcity::placement
