// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::codec {

// Recursive Length Prefix (Ethereum yellow paper, appendix B). Only canonical encodings are accepted.
struct RlpItem {
    bool is_list = false;
    Bytes bytes;                 // when not a list
    std::vector<RlpItem> items;  // when a list

    bool operator==(const RlpItem&) const = default;
};

RlpItem rlp_bytes(ByteView bytes);
// Big-endian without leading zeros; zero is the empty string.
RlpItem rlp_integer(std::uint64_t value);
RlpItem rlp_u256(const U256& value);
RlpItem rlp_list(std::vector<RlpItem> items);

Bytes rlp_encode(const RlpItem& item);
// The whole input must be one item. Bounds: nesting 16, 65,536 items.
Result<RlpItem> rlp_decode(ByteView bytes);

}  // namespace vcity::codec
