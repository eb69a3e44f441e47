// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/audit.hpp"
#include "model/request.hpp"
#include "verify/random.hpp"
#include "verify/shape.hpp"

namespace vcity::verify {

// seed = keccak256("vcity-audit-v2" || secret || receipt hash || beacon). The beacon is the hash of the first block of
// the chain whose time is after the receipt's finish time, so neither the node nor the verifier can choose what is
// drawn. With the zero secret (public mode) anybody can repeat the draw and the vectors; otherwise the verifier's
// secret keeps the node from knowing what it will be asked before it is asked.
Seed audit_seed(const Seed& secret, const Hash& receipt_hash, const Hash& beacon);

struct DrawOptions {
    std::uint32_t cells = 16;               // at most kOpenedCellsMax
    std::uint32_t finals = 4;               // of them final cells at output tokens
    std::uint32_t more_finals = 12;         // besides, where a final cell opens all logits and so costs little
    std::uint32_t heads = 4;                // runs of pages whose attention can be checked
    std::uint32_t sketches = 32;            // tier A, at most kOpenedSketchesMax
    std::uint64_t bytes_max = 6ULL << 20U;  // of what is opened: an opening must fit into a frame
};

// What to ask for, given the billed token counts; the seed must follow from something later than the commitment.
// - All cells of an output position, final cell first: whoever splices another computation in, be it a cached one that
//   is right by itself, breaks a connection between two layers of that position, whichever layer it chose. They come in
//   addition to `cells` where they are more than half of it.
// - `finals` final cells of output positions, where the choice of the token is judged, and `more_finals` of a model
// with
//   a small vocabulary: another sampler shows only where it chooses another token.
// - Cells at random places, half of them at output tokens.
// - Pages of one key-value head of the first layer, all of them up to 16: they tell which tokens were run.
// - For each layer cell a page of a random key-value head that holds its position.
// - For `heads` of the layer cells all pages of one key-value head up to the position. Half of these cells are the ones
//   that stand last, where a shortened context shows; but a head is left out when its pages do not fit any more.
// - Tier A: random positions for the sketch.
// Each once. Less when the bytes are used up; nothing when nothing is billed. Counts that no trace can have give one
// cell, so that the check takes place and fails.
AuditQuestion draw_audit(const ModelShape& shape,
                         const TokenUsage& units,
                         AuditTier tier,
                         const Seed& seed,
                         const DrawOptions& options = {});

}  // namespace vcity::verify
