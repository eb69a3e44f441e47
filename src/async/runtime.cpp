// SPDX-License-Identifier: Apache-2.0
#include "async/runtime.hpp"

#include <cstring>

namespace vcity {

std::uint64_t Runtime::random_u64() {
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
    random_bytes(bytes);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
}

}  // namespace vcity
