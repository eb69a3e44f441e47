// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>

#include "peers.hpp"
#include "placement/value_packing.hpp"
#include "trace.hpp"

namespace vcity::bench {

// The measure of the FGD procedure: after every arrival, k is the GPU capacity requested so far in per cent, rounded
// half to even, and the value is the GPU capacity allocated in per cent with two decimals; the curve holds the mean of
// the values with each k.
class Curve {
  public:
    static constexpr std::size_t kPoints = 131;

    explicit Curve(std::int64_t capacity_milli) : capacity_milli_{capacity_milli} {}

    void arrived(const Task& task, bool is_placed);
    std::int64_t allocated_milli() const { return allocated_milli_; }
    // NaN where no arrival fell.
    double at(std::size_t k) const;

  private:
    std::int64_t capacity_milli_;
    std::int64_t requested_milli_ = 0;
    std::int64_t allocated_milli_ = 0;
    std::array<double, kPoints> sums_{};
    std::array<int, kPoints> counts_{};
};

// Arrivals only, no departures, no second try: what does not fit is dropped.
Curve run_peer(const Cluster& cluster, std::span<const Task> tasks, const Order& order, const Peer& peer);

enum class Learning : std::uint8_t {
    kRecord,    // the mix of the workload's task list, which is what FGD's typical tasks are made of
    kArrivals,  // nothing but what has arrived so far
};
// Ours, through the placement engine with all weights but packing zero.
Curve run_ours(const Cluster& cluster,
               std::span<const Task> tasks,
               const Order& order,
               Learning learning,
               const placement::PackingParameters& parameters = {});

}  // namespace vcity::bench
