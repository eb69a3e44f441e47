// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "model/audit.hpp"
#include "model/request.hpp"
#include "verify/header.hpp"
#include "verify/trace/computed.hpp"
#include "verify/trace/sketch.hpp"

namespace vcity::verify {

// Values of an opening whose form and Merkle proofs hold: what the worker committed to or claims, which need not be
// true. All finite, widened to fp32.
struct CheckedCell {
    std::vector<float> h_in, k, v, attn_out;  // the final cell: h_in alone
    std::vector<float> next;                  // h_in of the next layer; empty for the final cell
    ParsedComputed computed;                  // of a layer
    ParsedFinal final;                        // of the final cell
};
struct CheckedPage {
    std::uint32_t count = 0;    // positions
    std::vector<float> keys;    // [count, head_dim]
    std::vector<float> values;  // [count, head_dim]
};
struct CheckedSketch {
    Sketch served{};
    std::vector<float> middle, last;  // states of the replay
};
struct CheckedAudit {
    TraceHeader header;
    std::map<Cell, CheckedCell> cells;
    std::map<PageId, CheckedPage> pages;
    std::map<std::uint32_t, CheckedSketch> sketches;
};

// What an opening must belong to.
struct OpeningRoots {
    AuditTier tier = AuditTier::kServed;
    Hash receipt;  // verification_root of the receipt
    Hash cells;    // of the tree of cells and pages: the receipt's in tier B, the replay's in tier A
};

// Length of the Merkle path of leaf index < size in crypto::MerkleTree, where an odd last node is promoted.
std::size_t merkle_path_length(std::size_t index, std::size_t size);

// Bytes of a header with these token counts, and what a question's answer takes, proofs left out.
std::uint64_t header_bytes(const TokenUsage& units);
std::uint64_t opened_bytes(const ModelShape& shape, const TokenUsage& units, const AuditQuestion& question);

// Untrusted. The header has exactly the billed token counts and the tier, everything asked for is there in the order
// asked, every size is exact and every proof has its length and leads to its root. Nothing is allocated beyond the size
// of what was asked for. kInvalid for a wrong form, kCorrupt for a wrong proof.
Result<CheckedAudit> check_audit_opening(const ModelShape& shape,
                                         const OpeningRoots& roots,
                                         const TokenUsage& units,
                                         const AuditQuestion& question,
                                         const Opening& opening);

}  // namespace vcity::verify
