// SPDX-License-Identifier: Apache-2.0
#include "verify/judge.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "verify/check/final_judge.hpp"
#include "verify/check/head_judge.hpp"
#include "verify/check/residual_noise.hpp"
#include "verify/check/sketch_score.hpp"
#include "verify/check/token_judge.hpp"

namespace vcity::verify {
namespace {

// Most that one element adds to the residual's sum; the same as in check/residual_noise.cpp.
constexpr double kResidualSquareMax = 16;

Error corrupt(std::string reason) {
    return make_error(Errc::kCorrupt, std::move(reason));
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float left, float right) {
        return std::bit_cast<std::uint32_t>(left) == std::bit_cast<std::uint32_t>(right);
    });
}

bool same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

std::string place_of(const Cell& cell) {
    return "position " + std::to_string(cell.position) + ", layer " + std::to_string(cell.layer) + ": ";
}

bool fits(KernelClass kernel, ComputeType compute) {
    return (kernel == KernelClass::kFloat32) == (compute == ComputeType::kFloat32);
}

Result<void> weigh_rows(const Evidence::Rows& rows, const char* what) {
    if (!(rows.largest <= maximum_bound(std::max<std::uint64_t>(rows.count, 1), kAlphaTest))) return corrupt(what);
    if (rows.misses > event_bound(rows.expected_misses, kAlphaTest)) return corrupt(what);
    return {};
}

Result<void> weigh_squares(const Evidence::Squares& squares, const char* what) {
    if (squares.count == 0) return {};
    if (!(squares.sum <= square_sum_bound(squares.count, kAlphaTest))) return corrupt(what);
    if (!(squares.largest <= maximum_bound(squares.count, kAlphaTest))) return corrupt(what);
    return {};
}

}  // namespace

Result<void> weigh(const Evidence& evidence) {
    if (evidence.wrong > 0) return corrupt("a cheap step is outside its bound");
    TRY_OK(weigh_squares(evidence.linear, "the linear maps are not those of the public weights"));
    TRY_OK(weigh_rows(evidence.rows, "rows of the linear maps are not those of the public weights"));
    TRY_OK(weigh_squares(evidence.attention, "attn_out is not the attention over the committed keys and values"));
    TRY_OK(weigh_rows(evidence.residual_rows, "a layer's output is not what the next layer was given"));
    const double most = bounded_sum_bound(evidence.residual.count, kResidualSquareMax, kAlphaTest);
    if (!(evidence.residual.sum <= most)) return corrupt("a layer's output is not what the next layer was given");
    return {};
}

AuditJudge::AuditJudge(const ModelShape& shape, ModelWeights weights, const JudgeOptions& options, const Seed& seed)
    : shape_{shape}, shape_hash_{shape_hash(shape)}, weights_{std::move(weights)}, options_{options} {
    CHECK(validate(shape).has_value() && weights_.layers.size() == shape.layers);
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        layer_keys_.push_back(LayerKeys::make(weights_.layers[layer], options_.vectors, seed, layer));
    }
    if (opens_all_logits(shape)) head_key_ = MatrixKey::make(weights_.head, options_.vectors, seed, "head");
}

Result<void> AuditJudge::check_header(const AuditClaim& claim, const TraceHeader& header) const {
    if (header.job_id != claim.job_id) return corrupt("the trace is of another job");
    if (header.request_hash != claim.request_hash) return corrupt("the trace is of another request");
    if (header.weights_root != claim.weights_root) return corrupt("the trace names other weights");
    if (header.shape != shape_hash_) return corrupt("the trace names another model shape or number format");
    if (!fits(header.kernel, shape_.compute)) return corrupt("the trace names a kernel class of another number format");
    if (header.client_nonce != claim.client_nonce) return corrupt("the trace has another client nonce");
    if (header.monitor_key != claim.monitor_key) return corrupt("the trace names another monitor key");
    const bool same_sampling = same_bits(header.sampling.temperature, claim.sampling.temperature) &&
                               same_bits(header.sampling.top_p, claim.sampling.top_p) &&
                               header.sampling.seed == claim.sampling.seed;
    if (!same_sampling) return corrupt("the trace has other sampling parameters than the request");
    if (header.prompt_tokens != claim.prompt_tokens) {
        return corrupt("the prompt tokens are not those of the request");
    }
    return {};
}

Result<void> AuditJudge::check_embedding(const TraceHeader& header, const Cell& place, const CheckedCell& cell) const {
    std::vector<float> row(shape_.hidden);
    weights_.embedding.read_row(header.token_at(place.position), row);
    if (same_bits(cell.h_in, row)) return {};
    return corrupt("the first layer's input is not the embedding of the committed token");
}

// Keys and values are committed twice; where both are opened they are the same.
Result<void> AuditJudge::check_pages(const CheckedAudit& audit) const {
    const std::size_t dim = shape_.head_dim;
    for (const auto& [id, page] : audit.pages) {
        for (std::uint32_t i = 0; i < page.count; ++i) {
            const Cell place{id.page * kPagePositions + i, id.layer};
            const auto cell = audit.cells.find(place);
            if (cell == audit.cells.end()) continue;
            const std::size_t at = id.kv_head * dim;
            const bool same =
                same_bits(std::span{page.keys}.subspan(i * dim, dim), std::span{cell->second.k}.subspan(at, dim)) &&
                same_bits(std::span{page.values}.subspan(i * dim, dim), std::span{cell->second.v}.subspan(at, dim));
            if (!same) return corrupt(place_of(place) + "the cache page has other keys or values");
        }
    }
    return {};
}

Result<void> AuditJudge::judge_cells(const CheckedAudit& audit,
                                     const TokenFilter& filter,
                                     const LinearOptions& options,
                                     Evidence* evidence) const {
    const HeadModel head{.shape = &shape_, .weights = &weights_, .key = &head_key_, .filter = &filter};
    for (const auto& [place, cell] : audit.cells) {
        if (place.layer == shape_.layers) {
            const auto result = judge_final(head, options, audit.header, place.position, cell, evidence);
            if (!result) return corrupt(place_of(place) + result.error().message);
            continue;
        }
        if (place.layer == 0) {
            TRY_OK(check_embedding(audit.header, place, cell));
        }
        const LayerCell layer{.h_in = cell.h_in,
                              .k = cell.k,
                              .v = cell.v,
                              .attn_out = cell.attn_out,
                              .h_next = cell.next,
                              .computed = &cell.computed};
        judge_layer(shape_, weights_.layers[place.layer], layer_keys_[place.layer], options, layer, evidence);
    }
    return {};
}

// All pages of the key-value head up to the position are there.
void AuditJudge::judge_group(const CheckedAudit& audit,
                             const Cell& place,
                             std::uint32_t kv_head,
                             const LinearOptions& options,
                             Evidence* evidence) const {
    const std::size_t dim = shape_.head_dim;
    const std::size_t wanted = (std::size_t{place.position} + 1) * dim;
    std::vector<float> keys;
    std::vector<float> values;
    for (std::uint32_t page = 0; keys.size() < wanted; ++page) {
        const CheckedPage& found = audit.pages.at({place.layer, kv_head, page});
        keys.insert(keys.end(), found.keys.begin(), found.keys.end());
        values.insert(values.end(), found.values.begin(), found.values.end());
    }
    keys.resize(wanted);
    values.resize(wanted);
    const CheckedCell& cell = audit.cells.at(place);
    const MatrixKey& key = layer_keys_[place.layer].q;
    const LinearInput x =
        norm_input(shape_.compute, cell.h_in, weights_.layers[place.layer].attention_norm, shape_.rms_eps);
    const std::uint32_t group = shape_.heads / shape_.kv_heads;
    const std::uint32_t count = std::min(options_.heads, group);
    const auto first = static_cast<std::uint32_t>(options.random->below(group));
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = (kv_head * group + (first + i) % group) * dim;
        const std::vector<double> variances =
            served_variances(options, key, x, std::span{cell.computed.q}.subspan(at, dim), at);
        judge_head(shape_, options.kernel, options_.vectors, options.random,
                   {.q = std::span{cell.computed.q}.subspan(at, dim),
                    .q_variances = variances,
                    .keys = keys,
                    .values = values,
                    .out = std::span{cell.attn_out}.subspan(at, dim)},
                   &evidence->attention);
    }
}

void AuditJudge::judge_heads(const CheckedAudit& audit, const LinearOptions& options, Evidence* evidence) const {
    if (shape_.scaled_rope) return;
    for (const auto& [place, cell] : audit.cells) {
        if (place.layer == shape_.layers) continue;
        for (std::uint32_t kv_head = 0; kv_head < shape_.kv_heads; ++kv_head) {
            bool complete = true;
            for (std::uint32_t page = 0; complete && page <= place.position / kPagePositions; ++page) {
                complete = audit.pages.contains({place.layer, kv_head, page});
            }
            if (complete) judge_group(audit, place, kv_head, options, evidence);
        }
    }
}

Result<Evidence> AuditJudge::measure(const AuditClaim& claim,
                                     const AuditQuestion& question,
                                     const Opening& opening,
                                     const OutputCheck& check_output,
                                     const Seed& rows_seed) const {
    TRY(const CheckedAudit audit, check_audit_opening(shape_, claim.roots, claim.units, question, opening));
    TRY_OK(check_header(claim, audit.header));
    TRY_OK(check_output(audit.header.output_tokens));
    TRY_OK(check_pages(audit));
    Random random{rows_seed, "rows"};
    const LinearOptions options{
        .compute = shape_.compute, .kernel = audit.header.kernel, .rows = options_.rows, .random = &random};
    Evidence evidence;
    TRY_OK(judge_cells(audit, claim.filter, options, &evidence));
    TRY_OK(judge_tokens(shape_, weights_, &random, audit));
    judge_heads(audit, options, &evidence);
    evidence.sketch_score = sketch_score(shape_, audit);
    return evidence;
}

AuditResult AuditJudge::judge(const AuditClaim& claim,
                              const AuditQuestion& question,
                              const Opening& opening,
                              const OutputCheck& check_output,
                              const Seed& rows_seed) const {
    const auto rejected = [](std::string reason) { return AuditResult{VerdictOutcome::kRejected, std::move(reason)}; };
    const auto evidence = measure(claim, question, opening, check_output, rows_seed);
    if (!evidence) return rejected(evidence.error().message);
    const auto verdict = weigh(*evidence);
    if (!verdict) return rejected(verdict.error().message);
    return AuditResult{VerdictOutcome::kAccepted, "every check of what was opened passed", evidence->sketch_score};
}

}  // namespace vcity::verify
