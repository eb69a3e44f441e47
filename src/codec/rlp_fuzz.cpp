// SPDX-License-Identifier: Apache-2.0
#include "codec/rlp.hpp"

#include <algorithm>

#include "base/check.hpp"

// Only canonical encodings are accepted: encoding again gives the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView bytes{data, size};
    const auto item = vcity::codec::rlp_decode(bytes);
    if (item) CHECK(std::ranges::equal(vcity::codec::rlp_encode(*item), bytes));
    return 0;
}
