// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scaling/forecaster.hpp"

namespace vcity::scaling {

struct ScalingPolicy {
    std::uint32_t replicas_min = 0;  // zero: scale to zero
    std::uint32_t replicas_max = 1;
    double per_replica = 1;        // demand that one replica serves within its objective
    double safety = 2;             // mean errors of the forecast to hold on top of it
    std::size_t idle_steps = 6;    // without demand before the last replica goes
    std::size_t shrink_steps = 3;  // a lower target must stand so long before replicas go
    double prewarm_share = 0.05;   // of one replica's load, forecast: then a deployment at zero starts one
};

struct ScalingDecision {
    std::uint32_t replicas = 0;
    std::string reason;  // one sentence for people
};

// Says how many replicas a deployment should have when the ones it asks for now are up. One call a step.
class Autoscaler {
  public:
    // Pointless policies are a bug of the caller: replicas_min <= replicas_max, per_replica > 0.
    Autoscaler(const ScalingPolicy& policy, const ForecasterOptions& options);

    // demand: of the last step; waiting: requests that wait now and find no replica.
    ScalingDecision step(double demand, std::uint64_t waiting);
    Forecast forecast() const { return forecaster_.forecast(); }

  private:
    std::uint32_t replicas_for(double demand) const;

    ScalingPolicy policy_;
    Forecaster forecaster_;
    std::uint32_t replicas_ = 0;
    std::size_t idle_ = 0;
    std::vector<std::uint32_t> wanted_;  // of the last shrink_steps, the oldest first
};

// A place where a replica could run.
struct Site {
    std::uint64_t key = 0;    // the caller's
    std::uint64_t owner = 0;  // who could take all of its sites away at once
    std::uint32_t region = 0;
    std::uint64_t price = 0;
    std::uint32_t running = 0;  // replicas of this deployment that are there
    std::uint32_t free = 0;     // more that would fit
};

// Which sites get `count` more replicas (indices, one for each replica; fewer if there is no room): each goes where the
// region and the owner together have least, of equal ones to the cheapest, so that neither a region nor an owner that
// fails takes more than it must. Deterministic.
std::vector<std::size_t> spread(std::span<const Site> sites, std::uint32_t count);

// Which replicas go first: where region and owner have most, of equal ones the dearest. Indices, one for each replica.
std::vector<std::size_t> thin_out(std::span<const Site> sites, std::uint32_t count);

}  // namespace vcity::scaling
