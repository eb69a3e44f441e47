// SPDX-License-Identifier: Apache-2.0
#include "placement/share_values.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace vcity::placement {
namespace {

constexpr int kStepsFirst = 200;
constexpr int kSteps = 25;
constexpr double kFloorGpus = 0.3;  // keeps the logarithm finite, and prices calm where next to nothing is left

}  // namespace

ShareValues::ShareValues(double tau_milli) : tau_{tau_milli} {
    for (std::size_t level = 0; level < kLevels; ++level) {
        values_[level] = static_cast<double>(level * PackingSupply::kLevelMilli);
    }
}

void ShareValues::set_mix(std::span<const RequestMix::Shape> shapes) {
    std::map<std::size_t, double, std::greater<>> gpus;
    double milli = 0;
    for (const RequestMix::Shape& shape : shapes) {
        if (shape.request.gpus == 0 || shape.request.gpu_milli == 0) continue;
        const std::uint16_t share = std::min(shape.request.gpu_milli, kWholeGpuMilli);
        const double asked = static_cast<double>(shape.count) * shape.request.gpus;
        gpus[(share + PackingSupply::kLevelMilli - 1U) / PackingSupply::kLevelMilli] += asked;
        milli += asked * share;
    }
    std::vector<Size> sizes;
    for (const auto& [levels, asked] : gpus) {
        const auto before = std::ranges::find(sizes_, levels, &Size::levels);
        sizes.push_back({levels, asked / milli, before == sizes_.end() ? 0 : before->price});
    }
    is_new_ = is_new_ || sizes.size() != sizes_.size();
    sizes_ = std::move(sizes);
    sums_.resize(sizes_.size() + 1);
    flows_.resize(sizes_.size() + 1);
}

double ShareValues::weight_of(const Size& size) const {
    return std::exp((static_cast<double>(size.levels * PackingSupply::kLevelMilli) - size.price) / tau_);
}

void ShareValues::backward() {
    sums_.back().fill(1);
    for (std::size_t index = sizes_.size(); index-- > 0;) {
        const double weight = weight_of(sizes_[index]);
        const std::size_t levels = sizes_[index].levels;
        for (std::size_t level = 0; level < kLevels; ++level) {
            const double taken = level >= levels ? sums_[index][level - levels] * weight : 0;
            sums_[index][level] = sums_[index + 1][level] + taken;
        }
    }
}

void ShareValues::forward(double demand_milli) {
    for (std::size_t index = 0; index < sizes_.size(); ++index) {
        Size& size = sizes_[index];
        const double weight = weight_of(size);
        double use = 0;
        for (std::size_t level = kLevels; level-- > 0;) {
            double flow = flows_[index][level];
            if (flow > 0 && level >= size.levels) {
                const double taken = flow * sums_[index][level - size.levels] * weight / sums_[index][level];
                use += taken;
                flow -= taken;
                flows_[index][level - size.levels] += taken;
            }
            flows_[index + 1][level] = flow;
        }
        const double demand = size.per_milli * demand_milli;
        const double price = size.price + 0.5 * tau_ * std::log((use + kFloorGpus) / (demand + kFloorGpus));
        size.price = std::clamp(price, 0.0, static_cast<double>(size.levels * PackingSupply::kLevelMilli));
    }
}

void ShareValues::solve(const std::array<std::uint32_t, kLevels>& gpus_at, double demand_milli) {
    if (sizes_.empty()) return;
    const int steps = is_new_ ? kStepsFirst : kSteps;
    is_new_ = false;
    for (int step = 0; step < steps; ++step) {
        backward();
        std::ranges::copy(gpus_at, flows_.front().begin());
        forward(demand_milli);
    }
    backward();
    std::ranges::transform(sums_.front(), values_.begin(), [this](double sum) { return tau_ * std::log(sum); });
}

}  // namespace vcity::placement
