// SPDX-License-Identifier: Apache-2.0
#include "verify/checker.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.hpp"
#include "verify/attention.hpp"

namespace vcity::verify {
namespace {

LayerKey make_layer_key(const LayerWeights& weights,
                        std::uint32_t vectors,
                        const Seed& seed,
                        const std::string& prefix) {
    const auto key = [&](const Matrix& matrix, const char* name) {
        return FreivaldsKey::make(matrix, vectors, seed, prefix + name);
    };
    return LayerKey{.q = key(weights.q, "q"),
                    .k = key(weights.k, "k"),
                    .v = key(weights.v, "v"),
                    .o = key(weights.o, "o"),
                    .gate = key(weights.gate, "gate"),
                    .up = key(weights.up, "up"),
                    .down = key(weights.down, "down")};
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

}  // namespace

AuditChecker::AuditChecker(const ModelShape& shape,
                           ModelWeights weights,
                           const CheckerOptions& options,
                           const Seed& seed)
    : shape_{shape}, shape_hash_{shape_hash(shape)}, weights_{std::move(weights)}, options_{options} {
    CHECK(validate(shape).has_value() && weights_.layers.size() == shape.layers);
    for (std::size_t layer = 0; layer < weights_.layers.size(); ++layer) {
        const std::string prefix = std::to_string(layer) + ".";
        layer_keys_.push_back(make_layer_key(weights_.layers[layer], options_.vectors, seed, prefix));
    }
    head_key_ = FreivaldsKey::make(weights_.head, options_.vectors, seed, "head");
}

Result<void> AuditChecker::check_header(const AuditExpectation& expected, const TraceHeader& header) const {
    const auto reject = [](const char* reason) { return make_error(Errc::kCorrupt, reason); };
    if (header.job_id != expected.job_id) return reject("the trace is of another job");
    if (header.request_hash != expected.request_hash) return reject("the trace is of another request");
    if (header.weights_root != expected.weights_root) return reject("the trace names other weights");
    if (header.shape != shape_hash_) return reject("the trace names another model shape or number format");
    const bool same_sampling = same_bits(header.sampling.temperature, expected.sampling.temperature) &&
                               same_bits(header.sampling.top_p, expected.sampling.top_p) &&
                               header.sampling.seed == expected.sampling.seed;
    if (!same_sampling) return reject("the trace has other sampling parameters than the request");
    if (header.prompt_tokens != expected.prompt_tokens) {
        return reject("the prompt tokens are not those of the request");
    }
    return {};
}

Result<void> AuditChecker::check_embedding(const TraceHeader& header, const ParsedCell& cell) const {
    std::vector<float> row(shape_.hidden);
    weights_.embedding.read_row(header.token_at(cell.cell().position), row);
    if (same_bits(cell.trace().h_in, row)) return {};
    return make_error(Errc::kCorrupt, "the first layer's input is not the embedding of the committed token");
}

Result<void> AuditChecker::check_sample(const TraceHeader& header,
                                        const ParsedCell& cell,
                                        const AuditHooks& hooks) const {
    const std::uint64_t next = std::uint64_t{cell.cell().position} + 1;
    if (next < header.prompt_tokens.size() || header.output_tokens.empty()) return {};
    const std::uint64_t step = next - header.prompt_tokens.size();
    const std::uint32_t token = hooks.sample(cell.final_trace().logits, header.sampling, step);
    if (token == header.output_tokens[step]) return {};
    return make_error(Errc::kCorrupt, "the output token is not the sampler's choice");
}

Result<void> AuditChecker::check_cell(const TraceHeader& header,
                                      const ParsedCell& cell,
                                      const CellChecker& checker,
                                      const AuditHooks& hooks) const {
    if (cell.is_final()) {
        TRY_OK(checker.final(weights_, head_key_, cell.final_trace()));
        return check_sample(header, cell, hooks);
    }
    const std::uint32_t layer = cell.cell().layer;
    if (layer == 0) {
        TRY_OK(check_embedding(header, cell));
    }
    return checker.layer(weights_.layers[layer], layer_keys_[layer], cell.trace());
}

Result<void> AuditChecker::check_connections(const std::map<Cell, ParsedCell>& cells) const {
    for (const auto& [place, cell] : cells) {
        if (cell.is_final()) continue;
        const auto next = cells.find(Cell{place.position, place.layer + 1});
        if (next == cells.end()) continue;
        const ParsedCell& above = next->second;
        const std::span<const float> input = above.is_final() ? above.final_trace().h_in : above.trace().h_in;
        if (!same_bits(cell.trace().h_out, input)) {
            return make_error(Errc::kCorrupt, place_of(place) + "h_out is not the next layer's input");
        }
    }
    return {};
}

Result<void> AuditChecker::check_attention(const std::map<Cell, ParsedCell>& cells) const {
    if (shape_.scaled_rope) return {};
    for (std::uint32_t layer = 0; layer < shape_.layers; ++layer) {
        std::vector<CellTrace> opened;
        for (auto next = cells.find(Cell{0, layer}); next != cells.end();
             next = cells.find(Cell{static_cast<std::uint32_t>(opened.size()), layer})) {
            opened.push_back(next->second.trace());
            if (attention_accepts(shape_, opened)) continue;
            return make_error(Errc::kCorrupt,
                              place_of(next->first) + "attn_out is not the attention over the cells before it");
        }
    }
    return {};
}

AuditResult AuditChecker::check(const AuditExpectation& expected,
                                const std::vector<Cell>& cells,
                                const Opening& opening,
                                const AuditHooks& hooks,
                                const Seed& rows_seed) const {
    const auto rejected = [](std::string reason) { return AuditResult{VerdictOutcome::kRejected, std::move(reason)}; };
    const auto checked = check_opening(shape_, expected.verification_root, expected.units, cells, opening);
    if (!checked) return rejected(checked.error().message);
    const TraceHeader& header = checked->header;
    const Result<void> header_result = check_header(expected, header);
    if (!header_result) return rejected(header_result.error().message);
    const Result<void> output = hooks.check_output(header.output_tokens);
    if (!output) return rejected(output.error().message);
    Random rows_random{rows_seed, "rows"};
    const CellChecker checker{&shape_, options_.rows, &rows_random};
    for (const auto& [place, cell] : checked->cells) {
        const Result<void> result = check_cell(header, cell, checker, hooks);
        if (!result) return rejected(place_of(place) + result.error().message);
    }
    const Result<void> connected = check_connections(checked->cells);
    if (!connected) return rejected(connected.error().message);
    const Result<void> attention = check_attention(checked->cells);
    if (!attention) return rejected(attention.error().message);
    return AuditResult{VerdictOutcome::kAccepted, "every check of the opened cells passed"};
}

}  // namespace vcity::verify
