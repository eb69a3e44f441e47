// SPDX-License-Identifier: Apache-2.0
#include "placement/packing_mix.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/check.hpp"

namespace vcity::placement {
namespace {

auto order_of(const GpuRequest& request) {
    return std::tuple{request.gpus, request.gpu_milli, request.cpu_milli, request.models};
}

}  // namespace

void RequestMix::add(const GpuRequest& request) {
    GpuRequest shape = request;
    shape.memory_mib = 0;
    ++total_;
    const auto known = std::ranges::find(shapes_, shape, &Shape::request);
    if (known != shapes_.end()) {
        ++known->count;
    } else if (shapes_.size() < kShapesMax) {
        shapes_.push_back({shape, 1});
    } else {
        const auto rarest = std::ranges::min_element(shapes_, {}, &Shape::count);
        *rarest = {shape, rarest->count + 1};
    }
}

void RequestMix::halve() {
    total_ = 0;
    for (Shape& shape : shapes_) {
        shape.count /= 2;
        total_ += shape.count;
    }
    std::erase_if(shapes_, [](const Shape& shape) { return shape.count == 0; });
}

std::vector<RequestMix::Shape> RequestMix::typical(double share) const {
    std::vector<Shape> sorted = shapes_;
    std::ranges::sort(sorted, [](const Shape& left, const Shape& right) {
        if (left.count != right.count) return left.count > right.count;
        return order_of(left.request) > order_of(right.request);
    });
    const double wanted = share * static_cast<double>(total_);
    std::uint64_t counted = 0;
    std::size_t kept = 0;
    while (kept < sorted.size() && static_cast<double>(counted) < wanted) counted += sorted[kept++].count;
    sorted.resize(kept);
    return sorted;
}

void PackingSupply::add(const GpuState& unit, std::uint32_t cpu_total_milli) {
    CHECK(unit.model < kPackingModels && unit.gpus <= kGpusMax);
    gpu_milli += std::uint64_t{unit.gpus} * kWholeGpuMilli;
    cpu_milli += cpu_total_milli;
    if (unit.gpus > 0) models |= std::uint64_t{1} << unit.model;
    for (std::size_t gpu = 0; gpu < unit.gpus; ++gpu) {
        const std::uint16_t left = std::min(unit.left_milli[gpu], kWholeGpuMilli);
        free_gpu_milli[unit.model] += left;
        ++gpus_at[left / kLevelMilli];
    }
}

std::uint64_t PackingSupply::free_gpu_milli_total() const {
    return std::accumulate(free_gpu_milli.begin(), free_gpu_milli.end(), std::uint64_t{0});
}

}  // namespace vcity::placement
