// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/units_file.hpp"

#include <cstdint>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto units = vcity::node::parse_units_file({reinterpret_cast<const char*>(data), size});
    if (!units) return 0;
    CHECK(!units->offers.empty() && units->offers.size() <= vcity::node::kUnitsMax);
    for (std::size_t number = 0; number < units->offers.size(); ++number) {
        const vcity::UnitOffer& unit = units->offers[number];
        CHECK(unit.number == number && unit.cpu_milli > 0 && unit.memory_mib > 0);
        CHECK((unit.gpus != 0) == units->gpus.contains(unit.number));
    }
    return 0;
}
