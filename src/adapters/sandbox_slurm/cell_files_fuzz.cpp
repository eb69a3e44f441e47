// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/cell_files.hpp"

#include <string_view>

#include "base/check.hpp"

// Whatever parses survives another round.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace adapters = vcity::adapters;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto state = adapters::parse_cell_state(text)) {
        CHECK(adapters::parse_cell_state(adapters::to_text(*state)).value() == *state);
    }
    if (const auto spec = adapters::parse_cell_spec(text)) {
        const auto again = adapters::to_text(*spec);
        if (again) CHECK(adapters::to_text(adapters::parse_cell_spec(*again).value()).value() == *again);
    }
    return 0;
}
