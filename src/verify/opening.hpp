// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "model/audit.hpp"
#include "model/request.hpp"
#include "verify/cell.hpp"
#include "verify/header.hpp"

namespace vcity::verify {

// An opening whose form and Merkle proofs hold: what the worker committed to, which need not be true.
struct CheckedOpening {
    TraceHeader header;
    std::map<Cell, ParsedCell> cells;
};

// Length of the Merkle path of leaf index < size in crypto::MerkleTree, where an odd last node is promoted.
std::size_t merkle_path_length(std::size_t index, std::size_t size);

// Bytes of a header with these token counts.
std::uint64_t header_bytes(const TokenUsage& units);
// Bytes that the cells take in an opening, proofs and header left out.
std::uint64_t opened_bytes(const ModelShape& shape, const std::vector<Cell>& cells);

// Untrusted. The header has exactly the billed token counts, the cells are the ones asked for in the order asked, every
// size is exact and every proof has its length and leads to the root. Nothing is allocated beyond the size of what was
// asked for. kInvalid for a wrong form, kCorrupt for a wrong proof.
Result<CheckedOpening> check_opening(const ModelShape& shape,
                                     const Hash& verification_root,
                                     const TokenUsage& units,
                                     const std::vector<Cell>& cells,
                                     const Opening& opening);

}  // namespace vcity::verify
