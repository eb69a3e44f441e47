// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "placement/units.hpp"

namespace vcity::placement {

// Slot of an id and id of a slot. Part of the index; allocates only for slots beyond those it has had.
class UnitIds {
  public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    std::uint32_t slot_of(const UnitId& id) const;  // kNone when there is none
    const UnitId& id_of(std::uint32_t slot) const { return ids_[slot]; }
    void insert(std::uint32_t slot, const UnitId& id);  // of an id that is not there
    void erase(std::uint32_t slot);
    void reserve(std::size_t units);
    std::size_t bytes() const;

  private:
    std::size_t bucket_of(const UnitId& id) const;

    std::vector<UnitId> ids_;             // [slot]
    std::vector<std::uint32_t> buckets_;  // open addressing: slots
};

}  // namespace vcity::placement
