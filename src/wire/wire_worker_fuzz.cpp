// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "wire/wire.hpp"

// Whatever parses is a message that survives another round.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = vcity::wire::parse_worker_message({data, size});
    if (message) CHECK(vcity::wire::parse_worker_message(vcity::wire::encode(*message)).value() == *message);
    return 0;
}
