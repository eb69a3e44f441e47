// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_file/file.hpp"

#include <cstdint>

#include "base/check.hpp"

// What is read is written in the same words again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto machine = vcity::adapters::parse_inventory(text);
    if (!machine) return 0;
    const std::string written = vcity::codec::dump_json(vcity::adapters::inventory_json(*machine));
    const auto again = vcity::adapters::parse_inventory(written);
    CHECK(again.has_value());
    CHECK(vcity::codec::dump_json(vcity::adapters::inventory_json(*again)) == written);
    return 0;
}
