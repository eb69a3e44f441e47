// SPDX-License-Identifier: Apache-2.0
#include "capacity/prover.hpp"

#include <algorithm>

#include "capacity/check.hpp"

namespace vcity::capacity {
namespace {

Error out_of_turn(const char* what) {
    return make_error(Errc::kInvalid, std::string{"a capacity message out of turn: "} + what);
}

std::size_t chunks_per_block(const CapacityChainShape& shape) {
    return (shape.block_bytes() + kChunkBytes - 1) / kChunkBytes;
}

}  // namespace

Result<CapacityChainCommitment> Prover::run_chain(const CapacityChainChallenge& challenge) {
    TRY_OK(check_shape(challenge.shape));
    chain_.reset();
    const CapacityChainShape& shape = challenge.shape;
    TRY_OK(device_->chain_begin(shape, chain_matrix(shape, challenge.seed), chain_start(shape, challenge.seed)));
    std::vector<Hash> leaves;
    const std::size_t chunks = chunks_per_block(shape);
    for (std::uint32_t state = 1; state <= shape.segments; ++state) {
        TRY(const std::vector<Hash> digests, device_->chain_advance());
        if (digests.size() != chunks * shape.blocks()) return make_error(Errc::kInternal, "wrong number of digests");
        for (std::uint32_t block = 0; block < shape.blocks(); ++block) {
            leaves.push_back(chain_leaf(challenge, state, block, std::span{digests}.subspan(block * chunks, chunks)));
        }
    }
    chain_ = challenge;
    tree_.emplace(std::move(leaves));
    return CapacityChainCommitment{challenge.session, challenge.card, tree_->root()};
}

Result<CapacityOpenedCell> Prover::start_of(const CapacityCell& cell) {
    CapacityOpenedCell opened;
    opened.cell = cell;
    const CapacityChainShape& shape = chain_->shape;
    const std::uint32_t partner = partner_block(shape, cell.segment, cell.block);
    TRY(opened.start, device_->chain_block(cell.segment, cell.block));
    TRY(opened.partner, device_->chain_block(cell.segment, partner));
    if (cell.segment > 0) {
        opened.start_proof = tree_->proof(leaf_index(shape, cell.segment, cell.block));
        opened.partner_proof = tree_->proof(leaf_index(shape, cell.segment, partner));
    }
    opened.end_proof = tree_->proof(leaf_index(shape, cell.segment + 1, cell.block));
    return opened;
}

Result<void> Prover::add_products(std::vector<CapacityOpenedCell>* cells) {
    const CapacityChainShape& shape = chain_->shape;
    const std::size_t size = shape.block_bytes();
    std::vector<std::int8_t> columns;
    columns.reserve(cells->size() * size);
    for (const CapacityOpenedCell& cell : *cells) {
        TRY(const std::vector<std::int8_t> first, device_->chain_block(0, cell.cell.block));
        const std::vector<std::int8_t> mixed = mixed_block(cell.start, cell.partner, first);
        columns.insert(columns.end(), mixed.begin(), mixed.end());
    }
    // All cells advance together: one product a step.
    for (std::uint32_t step = 0; step < shape.steps; ++step) {
        TRY(const std::vector<std::int32_t> products, device_->chain_multiply(columns));
        if (products.size() != columns.size()) return make_error(Errc::kInternal, "wrong number of products");
        for (std::size_t i = 0; i < cells->size(); ++i) {
            const auto part = std::span{products}.subspan(i * size, size);
            (*cells)[i].products.insert((*cells)[i].products.end(), part.begin(), part.end());
        }
        std::transform(products.begin(), products.end(), columns.begin(), chain_entry);
    }
    return {};
}

Result<CapacityOpening> Prover::open(const CapacityDraw& draw) {
    if (!chain_ || draw.session != chain_->session || draw.card != chain_->card) return out_of_turn("draw");
    TRY_OK(check_draw(chain_->shape, draw.cells));
    CapacityOpening opening{draw.session, draw.card, {}};
    for (const CapacityCell& cell : draw.cells) {
        TRY(CapacityOpenedCell opened, start_of(cell));
        opening.cells.push_back(std::move(opened));
    }
    TRY_OK(add_products(&opening.cells));
    for (CapacityOpenedCell& cell : opening.cells) {
        if (cell.cell.segment > 0) continue;
        cell.start.clear();
        cell.partner.clear();
    }
    chain_.reset();
    tree_.reset();
    device_->chain_end();
    return opening;
}

Result<void> Prover::fill(const CapacityFill& chunk) {
    TRY_OK(check_store(chunk.shape));
    if (chunk.data.empty() || chunk.data.size() > kFillBytesMax) return out_of_turn("chunk of a wrong size");
    if (chunk.offset == 0) {
        store_ = {};
        filled_ = 0;
        TRY_OK(device_->store_begin(chunk.shape));
        store_ = chunk.shape;
        store_session_ = chunk.session;
    }
    const bool next = chunk.session == store_session_ && chunk.shape == store_ && chunk.offset == filled_;
    if (!next || chunk.data.size() > store_.bytes() - filled_) return out_of_turn("chunk");
    TRY_OK(device_->store_write(chunk.offset, chunk.data));
    filled_ += chunk.data.size();
    return {};
}

Result<CapacityAnswer> Prover::sweep(const CapacitySweep& challenge) {
    const bool ready = store_.rows > 0 && filled_ == store_.bytes() && challenge.session == store_session_;
    if (!ready || challenge.rows == 0 || std::uint64_t{challenge.first_row} + challenge.rows > store_.rows) {
        return out_of_turn("sweep");
    }
    const std::vector<std::int8_t> x = sweep_vector(challenge.seed, challenge.rows);
    TRY(std::vector<std::int64_t> sums, device_->store_sweep(challenge.first_row, x));
    return CapacityAnswer{challenge.session, challenge.card, challenge.round, std::move(sums)};
}

void Prover::release() {
    chain_.reset();
    tree_.reset();
    store_ = {};
    filled_ = 0;
    device_->chain_end();
    device_->store_end();
}

}  // namespace vcity::capacity
