// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "placement/units.hpp"

namespace vcity::bench {

// The peer: every unit looked at for every demand. It shares no code with the index, so that agreeing means something.
class FullScan {
  public:
    struct Best {
        placement::UnitHandle unit;
        std::uint64_t score = UINT64_MAX;
        bool is_found = false;
    };

    FullScan(placement::Catalogue catalogue, const placement::PackingPolicy* policy);

    void replace_policy(const placement::PackingPolicy* policy) { policy_ = policy; }
    void join(const placement::ExecutionUnit& unit, placement::UnitHandle handle);  // in the order of slots
    void take_only(const std::vector<placement::Grant>& grants);  // what is placed, whatever was before
    Best best(const placement::UnitDemand& demand) const;

  private:
    struct Unit {
        placement::ExecutionUnit unit;
        placement::UnitHandle handle;
        placement::GpuState left;
        std::uint32_t disk_left_mib = 0;
    };

    void take(const placement::Grant& grant);
    bool fits(const Unit& unit, const placement::UnitDemand& demand) const;
    std::uint64_t penalty(const Unit& unit, const placement::GpuRequest& request) const;

    placement::Catalogue catalogue_;
    const placement::PackingPolicy* policy_;
    std::vector<Unit> units_;
};

}  // namespace vcity::bench
