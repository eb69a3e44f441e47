// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <cstring>

namespace vcity {

void secure_zero(std::uint8_t* data, std::size_t size) {
    if (size == 0) return;
    std::memset(data, 0, size);
    // The compiler must assume that this reads the memory, so the memset above is not a dead store.
    __asm__ __volatile__("" : : "r"(data) : "memory");
}

bool equal_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t index = 0; index < a.size(); ++index) difference |= static_cast<unsigned>(a[index] ^ b[index]);
    // Keeps the compiler from turning the loop into one that stops at the first difference.
    __asm__ __volatile__("" : "+r"(difference));
    return difference == 0;
}

}  // namespace vcity
