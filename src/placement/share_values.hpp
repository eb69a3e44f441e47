// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "placement/packing_mix.hpp"

namespace vcity::placement {

// What the free part of one GPU is worth: the milli that requests to come will use of it when all GPUs are filled as
// well as can be. From the dual of the fractional cutting-stock problem
//
//   max  sum_c s_c x_c   over patterns that cut H(l) GPUs of leftover l into shares s_c, with x_c <= d_c,
//
// where d_c is the demand expected until the free capacity is used up. With y_c >= 0 the price of demand of share s_c,
//
//   V(l) = max(0, max_c V(l - s_c) + s_c - y_c),   y = argmin sum_l H(l) V(l) + sum_c d_c y_c.
//
// A share c goes where V(l) - V(l - s_c) is least: a combination that an optimal plan contains loses nothing, and a
// plentiful leftover that only rare shares can use is worth little. The maximum is smoothed (temperature tau), which
// makes y unique; y is found by y_c += tau / 2 log(use_c / d_c). Gilmore and Gomory, Operations Research 1961, for the
// problem; leftovers and shares stand on a grid of 10 milli, leftovers rounded down, shares up.
class ShareValues {
  public:
    static constexpr std::size_t kLevels = PackingSupply::kLevels;

    explicit ShareValues(double tau_milli);

    // Demand per requested milli by share size; keeps the prices of the sizes that stay. Whole GPUs count one by one.
    void set_mix(std::span<const RequestMix::Shape> shapes);
    // `demand_milli`: expected until the GPUs are full. Starts from the prices of the last call.
    void solve(const std::array<std::uint32_t, kLevels>& gpus_at, double demand_milli);

    // In milli, from 0 to about 10 * level, never falling.
    double value(std::size_t level) const { return values_[level]; }
    const std::array<double, kLevels>& values() const { return values_; }

  private:
    using Row = std::array<double, kLevels>;
    struct Size {
        std::size_t levels = 0;
        double per_milli = 0;  // GPUs asked for with this share, per milli asked for in all
        double price = 0;
    };

    double weight_of(const Size& size) const;
    void backward();
    void forward(double demand_milli);

    double tau_;
    bool is_new_ = true;
    std::vector<Size> sizes_;  // the largest first, so that a set of shares is counted once and not in every order
    std::vector<Row> sums_;    // [size][level]: partition function of filling the level with this and smaller sizes
    std::vector<Row> flows_;
    std::array<double, kLevels> values_{};
};

}  // namespace vcity::placement
