// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "verify/cell.hpp"

namespace vcity::verify {

// Whether attn_out of the last of these cells is the attention of its queries over the keys and values of all of them:
// rotary embedding (rotate-half form, no scaling), scores / sqrt(head_dim), causal softmax, weighted sum, every head,
// recomputed in fp64. cells[i] is one layer's cell at position i, so this needs every position from 0 on. The bound
// follows the rounding of an fp32 (or, with wider terms, bf16) implementation in any order; docs/verification.md.
bool attention_accepts(const ModelShape& shape, const std::vector<CellTrace>& cells);

// The largest |attn_out - exact| / bound over its elements: at most 1 is accepted.
double attention_ratio(const ModelShape& shape, const std::vector<CellTrace>& cells);

}  // namespace vcity::verify
