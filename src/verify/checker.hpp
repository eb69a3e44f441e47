// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/audit.hpp"
#include "model/receipt.hpp"
#include "model/request.hpp"
#include "verify/layer_check.hpp"
#include "verify/matrix.hpp"
#include "verify/opening.hpp"
#include "verify/random.hpp"

namespace vcity::verify {

struct CheckerOptions {
    std::uint32_t vectors = 4;  // secret vectors per matrix
    std::uint32_t rows = 8;     // fp64 rows per matrix and cell
};

// What the verifier knows without the worker: from the signed receipt, from the request and from its own tokenizer.
struct AuditExpectation {
    Hash verification_root;
    JobId job_id;
    Hash request_hash;
    Hash weights_root;
    TokenUsage units;
    Sampling sampling;
    std::vector<std::uint32_t> prompt_tokens;
};

// Parts of the computation that other modules own. Both must be deterministic; step counts output tokens from 0.
struct AuditHooks {
    // The token that the sampler chooses from raw logits.
    std::function<std::uint32_t(std::span<const float> logits, const Sampling& sampling, std::uint64_t step)> sample;
    // Whether these output tokens are the delivered text and end where the request says. The message of an Error
    // becomes the reason of the rejection.
    std::function<Result<void>(const std::vector<std::uint32_t>& output_tokens)> check_output;
};

struct AuditResult {
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    std::string reason;  // one sentence; names the first check that failed, without numbers of the computation

    bool operator==(const AuditResult&) const = default;
};

// Checks openings of one model against its public weights. Holds the secret vectors: keep it on the verifier, and make
// a new one with fresh randomness from time to time. Immutable after construction, so check() may run on several
// threads; it costs milliseconds.
//
// The attention itself (rotary embedding, scores, softmax, weighted sum) is checked only where the opening holds all
// earlier positions of a layer; draw_cells() asks for such a run from the first position on. Beyond it version 1 does
// not check that a position attends to the committed keys and values. docs/verification.md says what follows.
class AuditChecker {
  public:
    // Reads all weights once. The shape is valid and the weights are bound to it (bind_weights); what they borrow
    // outlives this.
    AuditChecker(const ModelShape& shape, ModelWeights weights, const CheckerOptions& options, const Seed& seed);

    const ModelShape& shape() const { return shape_; }

    // cells: what was asked for (draw_cells). rows_seed: different for every call and
    // unknown to whoever made the opening. Any
    // malformed opening is a rejection.
    AuditResult check(const AuditExpectation& expected,
                      const std::vector<Cell>& cells,
                      const Opening& opening,
                      const AuditHooks& hooks,
                      const Seed& rows_seed) const;

  private:
    Result<void> check_header(const AuditExpectation& expected, const TraceHeader& header) const;
    Result<void> check_cell(const TraceHeader& header,
                            const ParsedCell& cell,
                            const CellChecker& checker,
                            const AuditHooks& hooks) const;
    Result<void> check_sample(const TraceHeader& header, const ParsedCell& cell, const AuditHooks& hooks) const;
    Result<void> check_embedding(const TraceHeader& header, const ParsedCell& cell) const;
    Result<void> check_connections(const std::map<Cell, ParsedCell>& cells) const;
    Result<void> check_attention(const std::map<Cell, ParsedCell>& cells) const;

    ModelShape shape_;
    Hash shape_hash_;
    ModelWeights weights_;
    CheckerOptions options_;
    std::vector<LayerKey> layer_keys_;
    FreivaldsKey head_key_;
};

}  // namespace vcity::verify
