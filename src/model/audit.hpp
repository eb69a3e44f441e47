// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace vcity {

// One place of a computation that a verifier may ask for: the layer's activations at one token position. The layer
// number equal to the model's layer count names the final norm, the logits and the choice of the next token.
struct Cell {
    std::uint32_t position = 0;
    std::uint32_t layer = 0;

    auto operator<=>(const Cell&) const = default;
};

// A cell as the worker committed to it: canonical bytes (see verify/cell.hpp) and the Merkle path to the root.
struct OpenedCell {
    Cell cell;
    Bytes data;
    std::vector<Hash> proof;

    bool operator==(const OpenedCell&) const = default;
};

// The worker's answer to an audit: the header it committed to (leaf 0) and the cells asked for, in the order asked.
struct Opening {
    Bytes header;
    std::vector<Hash> header_proof;
    std::vector<OpenedCell> cells;

    bool operator==(const Opening&) const = default;
};

}  // namespace vcity
