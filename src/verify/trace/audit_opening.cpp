// SPDX-License-Identifier: Apache-2.0
#include "verify/trace/audit_opening.hpp"

#include <string>

#include "base/check.hpp"
#include "crypto/merkle.hpp"
#include "crypto/sha256.hpp"
#include "verify/trace/served_leaf.hpp"

namespace vcity::verify {
namespace {

// Everything in a header but its token ids.
constexpr std::uint64_t kHeaderFixedBytes = 4 + 1 + 4 * 32 + (1 + 1 + 4) + 2 * 32 + 8 + 3 * 8 + 2 * 4;

std::uint64_t positions_of(const TokenUsage& units) {
    return units.input == 0 ? 0 : units.input + std::max<std::uint64_t>(units.output, 1) - 1;
}

class Parser {
  public:
    Parser(const ModelShape& shape, const OpeningRoots& roots, std::uint64_t positions)
        : shape_{shape}, roots_{roots}, layout_{tree_layout(shape, positions)} {}

    Result<void> header(const Opening& opening) const {
        const std::uint64_t leaves = is_sketched() ? sketch_leaves(layout_.positions) : layout_.leaves();
        return path(roots_.receipt, 0, leaves, header_leaf(opening.header), opening.header_proof);
    }

    Result<CheckedCell> cell(const Cell& asked, const OpenedCell& opened) const {
        if (opened.cell != asked || !layout_.has(asked)) return invalid("another cell was opened");
        const bool last = asked.layer == shape_.layers;
        if (opened.data.size() != served_bytes(shape_, asked.layer)) return invalid("a cell has the wrong size");
        const ServedRow row = split_served(shape_, asked.layer, opened.data);
        TRY_OK(cells_path(layout_.index_of(asked), served_leaf(asked, row.h_in, rest_digest(row)), opened.proof));
        CheckedCell checked;
        TRY(checked.h_in, widen_finite(shape_.compute, row.h_in));
        if (last) {
            if (!opened.next.empty()) return invalid("a final cell has no next layer");
            TRY(checked.final, parse_final_computed(shape_, opened.computed));
            return checked;
        }
        TRY(checked.k, widen_finite(shape_.compute, row.k));
        TRY(checked.v, widen_finite(shape_.compute, row.v));
        TRY(checked.attn_out, widen_finite(shape_.compute, row.attn_out));
        TRY(checked.next, input({asked.position, asked.layer + 1}, opened.next, opened.next_proof));
        TRY(checked.computed, parse_computed(shape_, opened.computed));
        return checked;
    }

    Result<CheckedPage> page(const TraceHeader& header, const PageId& asked, const OpenedPage& opened) const {
        if (opened.page != asked || !layout_.has(asked)) return invalid("another page was opened");
        CheckedPage checked;
        checked.count = layout_.count_of(asked.page);
        if (opened.data.size() != page_bytes(shape_, checked.count)) return invalid("a page has the wrong size");
        std::vector<std::uint32_t> tokens;
        for (std::uint32_t i = 0; i < checked.count; ++i) {
            tokens.push_back(header.token_at(std::uint64_t{asked.page} * kPagePositions + i));
        }
        const Hash leaf = page_leaf(asked, tokens, crypto::sha256(opened.data));
        TRY_OK(cells_path(layout_.index_of(asked), leaf, opened.proof));
        const ByteView data{opened.data};
        TRY(checked.keys, widen_finite(shape_.compute, data.first(data.size() / 2)));
        TRY(checked.values, widen_finite(shape_.compute, data.subspan(data.size() / 2)));
        return checked;
    }

    Result<CheckedSketch> sketch(std::uint32_t asked, const OpenedSketch& opened) const {
        if (!is_sketched() || opened.position != asked || asked >= layout_.positions) {
            return invalid("another sketch was opened");
        }
        CheckedSketch checked;
        TRY(checked.served, parse_sketch(opened.data));
        TRY_OK(path(roots_.receipt, 1 + std::size_t{asked}, sketch_leaves(layout_.positions),
                    sketch_leaf(asked, opened.data), opened.proof));
        TRY(checked.middle, input({asked, sketch_layer(shape_)}, opened.middle, opened.middle_proof));
        TRY(checked.last, input({asked, shape_.layers}, opened.last, opened.last_proof));
        return checked;
    }

  private:
    static Error invalid(const char* what) { return make_error(Errc::kInvalid, what); }
    bool is_sketched() const { return roots_.tier == AuditTier::kSketch; }

    // A cell's h_in, and the digest of the rest.
    Result<std::vector<float>> input(const Cell& cell, ByteView bytes, const std::vector<Hash>& proof) const {
        if (bytes.size() != next_bytes(shape_)) return invalid("a layer's input has the wrong size");
        const ByteView state = bytes.first(bytes.size() - Hash::kSize);
        const Hash rest = Hash::make(bytes.last(Hash::kSize));
        TRY_OK(cells_path(layout_.index_of(cell), served_leaf(cell, state, rest), proof));
        return widen_finite(shape_.compute, state);
    }

    Result<void> cells_path(std::size_t index, const Hash& leaf, const std::vector<Hash>& proof) const {
        return path(roots_.cells, index, layout_.leaves(), leaf, proof);
    }

    static Result<void> path(
        const Hash& root, std::size_t index, std::size_t leaves, const Hash& leaf, const std::vector<Hash>& proof) {
        if (proof.size() != merkle_path_length(index, leaves)) return invalid("a Merkle proof has the wrong length");
        if (crypto::merkle_root_of_proof(leaf, proof) == root) return {};
        return make_error(Errc::kCorrupt, "a Merkle proof does not lead to the root");
    }

    const ModelShape& shape_;
    const OpeningRoots& roots_;
    TreeLayout layout_;
};

Error at_place(const Cell& cell, const Error& error) {
    return make_error(error.code, "position " + std::to_string(cell.position) + ", layer " +
                                      std::to_string(cell.layer) + ": " + error.message);
}

Result<TraceHeader> check_units(const ModelShape& shape, const TokenUsage& units, const Opening& opening) {
    if (units.input > kTraceTokensMax || units.output > kTraceTokensMax) {
        return make_error(Errc::kInvalid, "the receipt bills more tokens than a trace can hold");
    }
    if (units.input == 0 && units.output != 0) {
        return make_error(Errc::kInvalid, "the receipt bills output of an empty prompt");
    }
    if (opening.header.size() != header_bytes(units)) {
        return make_error(Errc::kInvalid, "the trace header does not have the billed number of tokens");
    }
    TRY(TraceHeader header, parse_header(shape, opening.header));
    if (header.prompt_tokens.size() != units.input || header.output_tokens.size() != units.output) {
        return make_error(Errc::kInvalid, "the trace header does not have the billed number of tokens");
    }
    return header;
}

}  // namespace

std::size_t merkle_path_length(std::size_t index, std::size_t size) {
    CHECK(index < size);
    std::size_t length = 0;
    while (size > 1) {
        const bool promoted = index == size - 1 && size % 2 == 1;
        if (!promoted) ++length;
        index /= 2;
        size = (size + 1) / 2;
    }
    return length;
}

std::uint64_t header_bytes(const TokenUsage& units) {
    return kHeaderFixedBytes + sizeof(std::uint32_t) * (units.input + units.output);
}

std::uint64_t opened_bytes(const ModelShape& shape, const TokenUsage& units, const AuditQuestion& question) {
    std::uint64_t total = header_bytes(units);
    for (const Cell& cell : question.cells) {
        total += served_bytes(shape, cell.layer);
        total +=
            cell.layer == shape.layers ? final_computed_bytes(shape) : next_bytes(shape) + layer_computed_bytes(shape);
    }
    total += question.pages.size() * page_bytes(shape, kPagePositions);
    return total + question.sketches.size() * (kSketchBytes + 2 * next_bytes(shape));
}

Result<CheckedAudit> check_audit_opening(const ModelShape& shape,
                                         const OpeningRoots& roots,
                                         const TokenUsage& units,
                                         const AuditQuestion& question,
                                         const Opening& opening) {
    CheckedAudit checked;
    TRY(checked.header, check_units(shape, units, opening));
    if (checked.header.tier != roots.tier) return make_error(Errc::kInvalid, "the trace is of another tier");
    const Parser parser{shape, roots, positions_of(units)};
    const Result<void> header = parser.header(opening);
    if (!header) return make_error(header.error().code, "trace header: " + header.error().message);
    const bool complete = opening.cells.size() == question.cells.size() &&
                          opening.pages.size() == question.pages.size() &&
                          opening.sketches.size() == question.sketches.size();
    if (!complete) return make_error(Errc::kInvalid, "the opening does not have what was asked for");
    for (std::size_t i = 0; i < question.cells.size(); ++i) {
        auto cell = parser.cell(question.cells[i], opening.cells[i]);
        if (!cell) return at_place(question.cells[i], cell.error());
        checked.cells.emplace(question.cells[i], *std::move(cell));
    }
    for (std::size_t i = 0; i < question.pages.size(); ++i) {
        const PageId& id = question.pages[i];
        auto page = parser.page(checked.header, id, opening.pages[i]);
        if (!page) return at_place({id.page * kPagePositions, id.layer}, page.error());
        checked.pages.emplace(id, *std::move(page));
    }
    for (std::size_t i = 0; i < question.sketches.size(); ++i) {
        auto sketch = parser.sketch(question.sketches[i], opening.sketches[i]);
        if (!sketch) return at_place({question.sketches[i], shape.layers}, sketch.error());
        checked.sketches.emplace(question.sketches[i], *std::move(sketch));
    }
    return checked;
}

}  // namespace vcity::verify
