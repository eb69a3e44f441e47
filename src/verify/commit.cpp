// SPDX-License-Identifier: Apache-2.0
#include "verify/commit.hpp"

#include <utility>

#include "base/check.hpp"

namespace vcity::verify {
namespace {

constexpr std::uint64_t kPositionsMax = 2ULL * kTraceTokensMax;

}  // namespace

std::uint64_t retained_bytes(const ModelShape& shape, std::uint64_t positions) {
    return positions * (std::uint64_t{shape.layers} * layer_cell_bytes(shape) + final_cell_bytes(shape));
}

TraceCommitter::TraceCommitter(const ModelShape& shape, const CommitterOptions& options)
    : shape_{shape}, options_{options} {
    CHECK(validate(shape).has_value());
}

std::size_t TraceCommitter::index_of(const Cell& cell) const {
    return std::size_t{cell.position} * shape_.cells_per_position() + cell.layer;
}

Result<void> TraceCommitter::add(const Cell& cell, const CellTrace& trace) {
    return store(cell, encode_cell(shape_, cell, trace));
}

Result<void> TraceCommitter::add_final(std::uint32_t position, const FinalCell& trace) {
    return store(Cell{position, shape_.layers}, encode_cell(shape_, position, trace));
}

Result<void> TraceCommitter::store(const Cell& cell, Result<Bytes> encoded) {
    TRY(Bytes bytes, std::move(encoded));
    if (tree_) return make_error(Errc::kInvalid, "trace: already finished");
    if (cell.position >= kPositionsMax) return make_error(Errc::kInvalid, "trace: position out of range");
    const std::size_t index = index_of(cell);
    if (index < slots_.size() && slots_[index].leaf) return make_error(Errc::kInvalid, "trace: cell added twice");
    const bool keep = options_.retention == Retention::kActivations;
    if (keep && bytes.size() > options_.bytes_max - bytes_retained_) {
        return make_error(Errc::kExhausted, "trace: the byte budget is used up");
    }
    if (index >= slots_.size()) slots_.resize((std::size_t{cell.position} + 1) * shape_.cells_per_position());
    slots_[index].leaf = cell_leaf(bytes);
    if (keep) {
        bytes_retained_ += bytes.size();
        slots_[index].bytes = std::move(bytes);
    }
    return {};
}

void TraceCommitter::truncate(std::uint32_t positions) {
    CHECK(!tree_);
    const std::size_t kept = std::size_t{positions} * shape_.cells_per_position();
    for (std::size_t index = kept; index < slots_.size(); ++index) bytes_retained_ -= slots_[index].bytes.size();
    if (kept < slots_.size()) slots_.resize(kept);
}

Result<Hash> TraceCommitter::finish(const TraceHeader& header) {
    if (tree_) return make_error(Errc::kInvalid, "trace: already finished");
    if (slots_.size() != header.positions() * shape_.cells_per_position()) {
        return make_error(Errc::kInvalid, "trace: the cells do not cover the positions of the header");
    }
    header_ = encode_header(header);
    std::vector<Hash> leaves;
    leaves.reserve(slots_.size() + 1);
    leaves.push_back(header_leaf(header_));
    for (const Slot& slot : slots_) {
        if (!slot.leaf) return make_error(Errc::kInvalid, "trace: a cell is missing");
        leaves.push_back(*slot.leaf);
    }
    tree_.emplace(std::move(leaves));
    return tree_->root();
}

Result<Opening> TraceCommitter::open(const std::vector<Cell>& cells) const {
    if (!tree_) return make_error(Errc::kInvalid, "trace: not finished");
    if (cells.size() > kOpenedCellsMax) return make_error(Errc::kInvalid, "trace: too many cells asked for");
    Opening opening{.header = header_, .header_proof = tree_->proof(0), .cells = {}};
    for (const Cell& cell : cells) {
        const std::size_t index = index_of(cell);
        if (cell.layer > shape_.layers || index >= slots_.size() || slots_[index].bytes.empty()) {
            return make_error(Errc::kNotFound, "trace: no such cell");
        }
        opening.cells.push_back(OpenedCell{cell, slots_[index].bytes, tree_->proof(index + 1)});
    }
    return opening;
}

}  // namespace vcity::verify
