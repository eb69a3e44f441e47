// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/receipt.hpp"
#include "model/request.hpp"
#include "verify/check/layer_judge.hpp"
#include "verify/check/statistics.hpp"
#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {

struct JudgeOptions {
    std::uint32_t vectors = 2;  // secret vectors of a matrix, 1 to kVectorsMax
    std::uint32_t rows = 5;     // recomputed rows of a matrix and cell
    std::uint32_t heads = 1;    // query heads for every key-value head whose pages are all opened
};

// Which tokens might come at a step, given the output tokens: one entry a token. Nothing: all of them.
using TokenFilter = std::function<std::optional<std::vector<bool>>(const std::vector<std::uint32_t>& output_tokens,
                                                                   std::uint64_t step)>;

// What the verifier knows without the worker: from the signed receipt, from the request and from its own tokenizer.
struct AuditClaim {
    OpeningRoots roots;
    JobId job_id;
    Hash request_hash;
    Hash weights_root;
    Hash client_nonce;
    Hash monitor_key;
    TokenUsage units;
    Sampling sampling;
    std::vector<std::uint32_t> prompt_tokens;
    TokenFilter filter{};  // of a request whose output must have a form; empty: every token might come
};

// Whether these output tokens are the delivered text and end where the request says. The message of an Error becomes
// the reason of the rejection.
using OutputCheck = std::function<Result<void>(const std::vector<std::uint32_t>& output_tokens)>;

struct AuditResult {
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    std::string reason;  // one sentence; names the first check that failed, without numbers of the computation
    // Tier A: how far the served sketches are from the replay, one number for the sequential test of the node.
    std::optional<float> sketch_score{};

    bool operator==(const AuditResult&) const = default;
};

// Checks openings of one model against its public weights. Holds the secret vectors: keep it on the verifier, and make
// a new one with fresh randomness from time to time; or from a beacon after the commitment, when anybody shall be able
// to repeat the audit. Immutable after construction, so judge() may run on several threads; it costs milliseconds.
class AuditJudge {
  public:
    // Reads all weights once. The shape is valid and the weights are bound to it (bind_weights); what they borrow
    // outlives this.
    AuditJudge(const ModelShape& shape, ModelWeights weights, const JudgeOptions& options, const Seed& seed);

    const ModelShape& shape() const { return shape_; }

    // question: what was asked for. rows_seed: different for every call and unknown to whoever made the opening. Any
    // malformed opening is a rejection.
    AuditResult judge(const AuditClaim& claim,
                      const AuditQuestion& question,
                      const Opening& opening,
                      const OutputCheck& check_output,
                      const Seed& rows_seed) const;

    // The same without the thresholds: what the tests added up, or why it never came to them. For measurements; the
    // numbers tell something about the secret vectors.
    Result<Evidence> measure(const AuditClaim& claim,
                             const AuditQuestion& question,
                             const Opening& opening,
                             const OutputCheck& check_output,
                             const Seed& rows_seed) const;

  private:
    Result<void> check_header(const AuditClaim& claim, const TraceHeader& header) const;
    Result<void> check_embedding(const TraceHeader& header, const Cell& place, const CheckedCell& cell) const;
    Result<void> check_pages(const CheckedAudit& audit) const;
    Result<void> judge_cells(const CheckedAudit& audit,
                             const TokenFilter& filter,
                             const LinearOptions& options,
                             Evidence* evidence) const;
    void judge_heads(const CheckedAudit& audit, const LinearOptions& options, Evidence* evidence) const;
    void judge_group(const CheckedAudit& audit,
                     const Cell& place,
                     std::uint32_t kv_head,
                     const LinearOptions& options,
                     Evidence* evidence) const;

    ModelShape shape_;
    Hash shape_hash_;
    ModelWeights weights_;
    JudgeOptions options_;
    std::vector<LayerKeys> layer_keys_;
    MatrixKey head_key_;  // of the language-model head
};

// The thresholds: kCorrupt with a reason when honest noise does not explain the evidence.
Result<void> weigh(const Evidence& evidence);

}  // namespace vcity::verify
