// SPDX-License-Identifier: Apache-2.0
#include "verify/opening.hpp"

#include <string>

#include "base/check.hpp"
#include "crypto/merkle.hpp"

namespace vcity::verify {
namespace {

// Everything in a header but its token ids.
constexpr std::uint64_t kHeaderFixedBytes = 4 + 1 + 4 * 32 + (1 + 1 + 4) + 2 * 32 + 8 + 3 * 8 + 2 * 4;

// The tree that a proof must fit into.
struct Tree {
    Hash root;
    std::size_t leaves = 0;
};

Result<void> check_path(const Tree& tree, std::size_t index, const Hash& leaf, const std::vector<Hash>& proof) {
    if (proof.size() != merkle_path_length(index, tree.leaves)) {
        return make_error(Errc::kInvalid, "a Merkle proof has the wrong length");
    }
    if (crypto::merkle_root_of_proof(leaf, proof) != tree.root) {
        return make_error(Errc::kCorrupt, "a Merkle proof does not lead to the verification root");
    }
    return {};
}

std::string name_of(const Cell& cell) {
    return "cell (position " + std::to_string(cell.position) + ", layer " + std::to_string(cell.layer) + ")";
}

Result<ParsedCell> check_cell(const ModelShape& shape, const Tree& tree, const Cell& asked, const OpenedCell& opened) {
    if (opened.cell != asked) return make_error(Errc::kInvalid, name_of(asked) + ": another cell was opened");
    TRY(ParsedCell parsed, ParsedCell::parse(shape, asked, opened.data));
    const std::size_t index = 1 + std::size_t{asked.position} * shape.cells_per_position() + asked.layer;
    CHECK(index < tree.leaves);
    const Result<void> path = check_path(tree, index, cell_leaf(opened.data), opened.proof);
    if (!path) return make_error(path.error().code, name_of(asked) + ": " + path.error().message);
    return parsed;
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

std::uint64_t opened_bytes(const ModelShape& shape, const std::vector<Cell>& cells) {
    std::uint64_t total = 0;
    for (const Cell& cell : cells) {
        total += cell.layer == shape.layers ? final_cell_bytes(shape) : layer_cell_bytes(shape);
    }
    return total;
}

Result<CheckedOpening> check_opening(const ModelShape& shape,
                                     const Hash& verification_root,
                                     const TokenUsage& units,
                                     const std::vector<Cell>& cells,
                                     const Opening& opening) {
    if (units.input > kTraceTokensMax || units.output > kTraceTokensMax) {
        return make_error(Errc::kInvalid, "the receipt bills more tokens than a trace can hold");
    }
    if (opening.header.size() != header_bytes(units)) {
        return make_error(Errc::kInvalid, "the trace header does not have the billed number of tokens");
    }
    if (units.input == 0 && units.output != 0) {
        return make_error(Errc::kInvalid, "the receipt bills output of an empty prompt");
    }
    CheckedOpening checked;
    TRY(checked.header, parse_header(shape, opening.header));
    if (checked.header.prompt_tokens.size() != units.input || checked.header.output_tokens.size() != units.output) {
        return make_error(Errc::kInvalid, "the trace header does not have the billed number of tokens");
    }
    const Tree tree{.root = verification_root,
                    .leaves = 1 + checked.header.positions() * std::size_t{shape.cells_per_position()}};
    const Result<void> path = check_path(tree, 0, header_leaf(opening.header), opening.header_proof);
    if (!path) return make_error(path.error().code, "trace header: " + path.error().message);
    if (opening.cells.size() != cells.size()) {
        return make_error(Errc::kInvalid, "the opening does not have the cells asked for");
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].position >= checked.header.positions() || cells[i].layer > shape.layers) {
            return make_error(Errc::kInvalid, name_of(cells[i]) + ": not in the trace");
        }
        TRY(ParsedCell parsed, check_cell(shape, tree, cells[i], opening.cells[i]));
        checked.cells.emplace(cells[i], std::move(parsed));
    }
    return checked;
}

}  // namespace vcity::verify
