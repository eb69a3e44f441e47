// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_record.hpp"

#include <cstdint>

#include "base/check.hpp"

// Whatever parses is a record that survives another round.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto record = vcity::node::parse_step_record({data, size});
    if (record) CHECK(vcity::node::parse_step_record(vcity::node::encode(*record)).value() == *record);
    return 0;
}
