// SPDX-License-Identifier: Apache-2.0
#include "verify/trace/serve_committer.hpp"

#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::verify {
namespace {

constexpr std::uint64_t kPositionsMax = 2ULL * kTraceTokensMax;

std::uint64_t position_bytes(const ModelShape& shape) {
    return std::uint64_t{shape.layers} * served_bytes(shape, 0) + served_bytes(shape, shape.layers);
}

std::span<const std::uint32_t> tokens_of(const std::vector<std::uint32_t>& tokens,
                                         std::uint32_t page,
                                         std::uint32_t count) {
    return std::span{tokens}.subspan(std::size_t{page} * kPagePositions, count);
}

std::vector<std::uint32_t> all_tokens(const TraceHeader& header) {
    std::vector<std::uint32_t> tokens;
    for (std::uint64_t position = 0; position < header.positions(); ++position) {
        tokens.push_back(header.token_at(position));
    }
    return tokens;
}

Error not_found() {
    return make_error(Errc::kNotFound, "trace: no such place");
}

}  // namespace

std::uint64_t served_retained_bytes(const ModelShape& shape, std::uint64_t positions) {
    return positions * position_bytes(shape);
}

std::uint64_t sketch_retained_bytes(std::uint64_t positions) {
    return positions * kSketchBytes;
}

ServeCommitter::ServeCommitter(const ModelShape& shape, const ServeOptions& options)
    : shape_{shape}, options_{options} {
    CHECK(validate(shape).has_value());
}

std::size_t ServeCommitter::offset_of(std::uint32_t layer) const {
    return layer * served_bytes(shape_, 0);
}

Result<void> ServeCommitter::add(const Cell& cell, const ServedRow& row) {
    if (tree_) return make_error(Errc::kInvalid, "trace: already finished");
    if (cell.position >= kPositionsMax || cell.layer > shape_.layers) {
        return make_error(Errc::kInvalid, "trace: place out of range");
    }
    const bool last = cell.layer == shape_.layers;
    const std::size_t unit = element_bytes(shape_.compute);
    const std::size_t kv = last ? 0 : shape_.kv_width() * unit;
    const bool sized = row.h_in.size() == shape_.hidden * unit && row.k.size() == kv && row.v.size() == kv &&
                       row.attn_out.size() == (last ? 0 : shape_.query_width() * unit);
    if (!sized) return make_error(Errc::kInvalid, "trace: wrong length of a row");
    const std::uint64_t size = served_bytes(shape_, cell.layer);
    if (size > options_.bytes_max - bytes_retained_) {
        return make_error(Errc::kExhausted, "trace: the byte budget is used up");
    }
    if (cell.position >= positions_.size()) positions_.resize(std::size_t{cell.position} + 1);
    Position& position = positions_[cell.position];
    if (position.values.empty()) {
        position.values.resize(position_bytes(shape_));
        position.leaves.resize(shape_.cells_per_position());
        position.rests.resize(shape_.cells_per_position());
    }
    if (position.leaves[cell.layer]) return make_error(Errc::kInvalid, "trace: a row was added twice");
    std::uint8_t* out = position.values.data() + offset_of(cell.layer);
    for (const ByteView part : {row.h_in, row.k, row.v, row.attn_out}) {
        if (!part.empty()) std::memcpy(out, part.data(), part.size());
        out += part.size();
    }
    const ServedRow copy = split_served(shape_, cell.layer, {position.values.data() + offset_of(cell.layer), size});
    position.rests[cell.layer] = rest_digest(copy);
    position.leaves[cell.layer] = served_leaf(cell, copy.h_in, position.rests[cell.layer]);
    bytes_retained_ += size;
    if (!last) fill_page(cell);
    return {};
}

void ServeCommitter::fill_page(const Cell& cell) {
    const std::uint32_t page = cell.position / kPagePositions;
    if (page >= pages_.size()) pages_.resize(std::size_t{page} + 1);
    if (pages_[page].filled.empty()) {
        pages_[page].filled.resize(shape_.layers);
        pages_[page].digests.resize(std::size_t{shape_.layers} * shape_.kv_heads);
    }
    if (++pages_[page].filled[cell.layer] == kPagePositions) close_page(page, cell.layer, kPagePositions);
}

Bytes ServeCommitter::page_data(const PageId& id, std::uint32_t count) const {
    const std::size_t width = shape_.head_dim * element_bytes(shape_.compute);
    Bytes data(page_bytes(shape_, count));
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t position = id.page * kPagePositions + i;
        const ByteView values{positions_[position].values};
        const ServedRow row =
            split_served(shape_, id.layer, values.subspan(offset_of(id.layer), served_bytes(shape_, id.layer)));
        std::memcpy(data.data() + i * width, row.k.data() + id.kv_head * width, width);
        std::memcpy(data.data() + (count + i) * width, row.v.data() + id.kv_head * width, width);
    }
    return data;
}

void ServeCommitter::close_page(std::uint32_t page, std::uint32_t layer, std::uint32_t count) {
    for (std::uint32_t head = 0; head < shape_.kv_heads; ++head) {
        const Bytes data = page_data({.layer = layer, .kv_head = head, .page = page}, count);
        pages_[page].digests[std::size_t{layer} * shape_.kv_heads + head] = crypto::sha256(data);
    }
}

void ServeCommitter::truncate(std::uint32_t positions) {
    CHECK(!tree_);
    if (positions >= positions_.size()) return;
    for (std::size_t i = positions; i < positions_.size(); ++i) {
        for (std::uint32_t layer = 0; layer < positions_[i].leaves.size(); ++layer) {
            if (!positions_[i].leaves[layer]) continue;
            bytes_retained_ -= served_bytes(shape_, layer);
            if (layer < shape_.layers) --pages_[i / kPagePositions].filled[layer];
        }
    }
    positions_.resize(positions);
    pages_.resize((std::size_t{positions} + kPagePositions - 1) / kPagePositions);
}

Result<Hash> ServeCommitter::finish(const TraceHeader& header) {
    if (tree_) return make_error(Errc::kInvalid, "trace: already finished");
    if (positions_.size() != header.positions()) {
        return make_error(Errc::kInvalid, "trace: the rows do not cover the positions of the header");
    }
    const TreeLayout layout = tree_layout(shape_, positions_.size());
    const std::vector<std::uint32_t> tokens = all_tokens(header);
    header_ = encode_header(header);
    std::vector<Hash> leaves(layout.leaves());
    leaves[0] = header_leaf(header_);
    for (std::uint32_t position = 0; position < positions_.size(); ++position) {
        for (std::uint32_t layer = 0; layer <= shape_.layers; ++layer) {
            const auto& row_leaves = positions_[position].leaves;
            if (row_leaves.empty() || !row_leaves[layer]) return make_error(Errc::kInvalid, "trace: a row is missing");
            leaves[layout.index_of(Cell{position, layer})] = *row_leaves[layer];
        }
    }
    for (std::uint32_t page = 0; page < layout.pages(); ++page) {
        const std::uint32_t count = layout.count_of(page);
        for (std::uint32_t layer = 0; layer < shape_.layers; ++layer) {
            if (count < kPagePositions) close_page(page, layer, count);
            for (std::uint32_t head = 0; head < shape_.kv_heads; ++head) {
                const PageId id{.layer = layer, .kv_head = head, .page = page};
                const Hash& digest = pages_[page].digests[std::size_t{layer} * shape_.kv_heads + head];
                leaves[layout.index_of(id)] = page_leaf(id, tokens_of(tokens, page, count), digest);
            }
        }
    }
    tree_.emplace(std::move(leaves));
    return tree_->root();
}

Result<ServedRow> ServeCommitter::row(const Cell& cell) const {
    if (cell.position >= positions_.size() || cell.layer > shape_.layers) return not_found();
    const Position& position = positions_[cell.position];
    if (position.leaves.empty() || !position.leaves[cell.layer]) return not_found();
    const ByteView values{position.values};
    const ByteView part = values.subspan(offset_of(cell.layer), served_bytes(shape_, cell.layer));
    return split_served(shape_, cell.layer, part);
}

Result<Bytes> ServeCommitter::input_of(const Cell& cell) const {
    TRY(const ServedRow found, row(cell));
    Bytes bytes(found.h_in.begin(), found.h_in.end());
    append(&bytes, positions_[cell.position].rests[cell.layer].view());
    return bytes;
}

Result<OpenedCell> ServeCommitter::open_cell(const Cell& cell, Bytes computed) const {
    const TreeLayout layout = tree_layout(shape_, positions_.size());
    if (!layout.has(cell)) return not_found();
    const ByteView values{positions_[cell.position].values};
    const ByteView part = values.subspan(offset_of(cell.layer), served_bytes(shape_, cell.layer));
    OpenedCell opened{.cell = cell,
                      .data = {part.begin(), part.end()},
                      .proof = tree_->proof(layout.index_of(cell)),
                      .next = {},
                      .next_proof = {},
                      .computed = std::move(computed)};
    if (cell.layer == shape_.layers) return opened;
    const Cell above{cell.position, cell.layer + 1};
    TRY(opened.next, input_of(above));
    opened.next_proof = tree_->proof(layout.index_of(above));
    return opened;
}

Result<OpenedPage> ServeCommitter::open_page(const PageId& id) const {
    const TreeLayout layout = tree_layout(shape_, positions_.size());
    if (!layout.has(id)) return not_found();
    return OpenedPage{
        .page = id, .data = page_data(id, layout.count_of(id.page)), .proof = tree_->proof(layout.index_of(id))};
}

Result<Opening> ServeCommitter::open(const AuditQuestion& question, std::vector<Bytes> computed) const {
    if (!tree_) return make_error(Errc::kInvalid, "trace: not finished");
    if (question.cells.size() > kOpenedCellsMax || question.pages.size() > kOpenedPagesMax) {
        return make_error(Errc::kInvalid, "trace: too much asked for");
    }
    CHECK(computed.size() == question.cells.size());
    Opening opening{.header = header_, .header_proof = tree_->proof(0)};
    for (std::size_t i = 0; i < question.cells.size(); ++i) {
        TRY(OpenedCell opened, open_cell(question.cells[i], std::move(computed[i])));
        opening.cells.push_back(std::move(opened));
    }
    for (const PageId& id : question.pages) {
        TRY(OpenedPage opened, open_page(id));
        opening.pages.push_back(std::move(opened));
    }
    return opening;
}

Result<void> SketchCommitter::add(std::uint32_t position, const Sketch& sketch) {
    if (tree_) return make_error(Errc::kInvalid, "sketch: already finished");
    if (position >= kPositionsMax) return make_error(Errc::kInvalid, "sketch: place out of range");
    if (position >= sketches_.size()) sketches_.resize(std::size_t{position} + 1);
    if (sketches_[position]) return make_error(Errc::kInvalid, "sketch: a position was added twice");
    for (const float value : sketch) {
        if (!std::isfinite(value)) return make_error(Errc::kInvalid, "sketch: a value is not finite");
    }
    sketches_[position] = encode_sketch(sketch);
    return {};
}

void SketchCommitter::truncate(std::uint32_t positions) {
    CHECK(!tree_);
    if (positions < sketches_.size()) sketches_.resize(positions);
}

Result<Hash> SketchCommitter::finish(const TraceHeader& header) {
    if (tree_) return make_error(Errc::kInvalid, "sketch: already finished");
    if (sketches_.size() != header.positions()) {
        return make_error(Errc::kInvalid, "sketch: the positions are not those of the header");
    }
    header_ = encode_header(header);
    std::vector<Hash> leaves{header_leaf(header_)};
    for (std::uint32_t position = 0; position < sketches_.size(); ++position) {
        if (!sketches_[position]) return make_error(Errc::kInvalid, "sketch: a position is missing");
        leaves.push_back(sketch_leaf(position, *sketches_[position]));
    }
    tree_.emplace(std::move(leaves));
    return tree_->root();
}

Result<Opening> open_replay(const SketchCommitter& served,
                            const ServeCommitter& replay,
                            const AuditQuestion& question,
                            std::vector<Bytes> computed) {
    if (!served.tree_ || served.header_ != replay.header_) {
        return make_error(Errc::kInvalid, "the replay is of another job");
    }
    if (question.sketches.size() > kOpenedSketchesMax) {
        return make_error(Errc::kInvalid, "trace: too much asked for");
    }
    TRY(Opening opening, replay.open(question, std::move(computed)));
    opening.header_proof = served.tree_->proof(0);
    const TreeLayout layout = tree_layout(replay.shape_, replay.positions_.size());
    for (const std::uint32_t position : question.sketches) {
        if (position >= served.sketches_.size()) return not_found();
        const Cell middle{position, sketch_layer(replay.shape_)};
        const Cell last{position, replay.shape_.layers};
        OpenedSketch opened;
        opened.position = position;
        opened.data = *served.sketches_[position];
        opened.proof = served.tree_->proof(1 + std::size_t{position});
        TRY(opened.middle, replay.input_of(middle));
        opened.middle_proof = replay.tree_->proof(layout.index_of(middle));
        TRY(opened.last, replay.input_of(last));
        opened.last_proof = replay.tree_->proof(layout.index_of(last));
        opening.sketches.push_back(std::move(opened));
    }
    return opening;
}

}  // namespace vcity::verify
