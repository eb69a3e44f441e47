// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.hpp"
#include "placement/unit_index.hpp"

namespace {

using vcity::placement::GpuChoice;
using vcity::placement::GpuRequest;
using vcity::placement::GpuState;
using vcity::placement::Outcome;
using vcity::placement::PackingPolicy;
using vcity::placement::UnitDemand;
using vcity::placement::UnitIndex;
using vcity::placement::UnitIndexOptions;

class NoPacking : public PackingPolicy {
  public:
    GpuState rounded(const GpuState& exact) const override { return exact; }
    GpuRequest rounded(const GpuRequest& exact) const override { return exact; }
    GpuChoice choose(const GpuState&, const GpuRequest&) const override { return {}; }
};

}  // namespace

// What restores is canonical and takes placements.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const NoPacking policy;
    UnitIndexOptions options;
    options.units_max = 1024;
    options.states_max = 64;
    options.request_classes = 2;
    const vcity::ByteView input{data, size};
    auto index = UnitIndex::restore(input, &policy, options);
    if (!index) return 0;
    CHECK(std::ranges::equal(index->snapshot(), input));
    UnitDemand demand;
    demand.cpu_milli = 1;
    demand.weights = {1, 1, 1, 1};
    const auto decision = index->place(demand);
    CHECK(decision.has_value());
    if (decision->outcome == Outcome::kPlaced) CHECK(index->release(decision->grant).has_value());
    CHECK(std::ranges::equal(index->snapshot(), input));
    return 0;
}
