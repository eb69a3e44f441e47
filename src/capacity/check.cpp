// SPDX-License-Identifier: Apache-2.0
#include "capacity/check.hpp"

#include <algorithm>
#include <set>

#include "base/check.hpp"
#include "capacity/chain.hpp"
#include "capacity/field.hpp"
#include "capacity/stream.hpp"

namespace vcity::capacity {
namespace {

constexpr std::int32_t kProductMax = (1 << 23) - 1;

// One judgement: what was asked, and the sums over what was opened.
class Judge {
  public:
    Judge(const CapacityChainChallenge& challenge, const Hash& root, const Hash& key, std::uint32_t rows)
        : challenge_{challenge},
          shape_{challenge.shape},
          root_{root},
          matrix_{chain_matrix(shape_, challenge.seed)},
          first_state_{chain_start(shape_, challenge.seed)},
          factors_{derive_key("factors", key)},
          inputs_{shape_.rows},
          outputs_{shape_.rows} {
        WordStream drawn{derive_key("rows", key)};
        for (std::uint32_t i = 0; i < rows; ++i) {
            rows_.push_back(static_cast<std::uint32_t>(drawn.below(shape_.rows)));
        }
    }

    ChainFault add(const CapacityOpenedCell& opened) {
        if (!well_formed(opened)) return ChainFault::kMalformed;
        std::span<const std::int8_t> block = opened.start;
        std::span<const std::int8_t> partner = opened.partner;
        const std::uint32_t partner_at = partner_block(shape_, opened.cell.segment, opened.cell.block);
        if (opened.cell.segment == 0) {
            block = first_block(opened.cell.block);
            partner = first_block(partner_at);
        } else if (!under_root(opened.cell.segment, opened.cell.block, block, opened.start_proof) ||
                   !under_root(opened.cell.segment, partner_at, partner, opened.partner_proof)) {
            return ChainFault::kWrongRoot;
        }
        std::vector<std::int8_t> columns = mixed_block(block, partner, first_block(opened.cell.block));
        for (std::uint32_t step = 0; step < shape_.steps; ++step) {
            const auto products = std::span{opened.products}.subspan(step * columns.size(), columns.size());
            if (!add_step(columns, products)) return ChainFault::kWrongProduct;
            std::transform(products.begin(), products.end(), columns.begin(), chain_entry);
        }
        const bool end = under_root(opened.cell.segment + 1, opened.cell.block, columns, opened.end_proof);
        return end ? ChainFault::kNone : ChainFault::kWrongRoot;
    }

    // A U = V mod p for the sums U of inputs and V of products.
    bool products_hold() const {
        const std::vector<std::uint64_t> sums = inputs_.finish();
        return FieldVector{sums}.multiply(matrix_) == outputs_.finish();
    }

  private:
    bool well_formed(const CapacityOpenedCell& opened) const {
        const std::size_t leaves = std::size_t{shape_.segments} * shape_.blocks();
        const auto length = [&](std::uint32_t state, std::uint32_t block) {
            return state == 0 ? 0 : proof_length(leaf_index(shape_, state, block), leaves);
        };
        const std::uint32_t segment = opened.cell.segment;
        const std::size_t start_size = segment == 0 ? 0 : shape_.block_bytes();
        const auto entry = [](std::int8_t value) { return value >= -kShift && value <= kShift; };
        return opened.start.size() == start_size && opened.partner.size() == start_size &&
               opened.products.size() == shape_.block_bytes() * shape_.steps &&
               opened.start_proof.size() == length(segment, opened.cell.block) &&
               opened.partner_proof.size() == length(segment, partner_block(shape_, segment, opened.cell.block)) &&
               opened.end_proof.size() == length(segment + 1, opened.cell.block) &&
               std::ranges::all_of(opened.start, entry) && std::ranges::all_of(opened.partner, entry) &&
               std::ranges::all_of(opened.products,
                                   [](std::int32_t p) { return p >= -kProductMax && p <= kProductMax; });
    }

    std::span<const std::int8_t> first_block(std::uint32_t block) const {
        return std::span{first_state_}.subspan(block * shape_.block_bytes(), shape_.block_bytes());
    }

    bool under_root(std::uint32_t state,
                    std::uint32_t block,
                    std::span<const std::int8_t> bytes,
                    const std::vector<Hash>& proof) const {
        const Hash leaf = chain_leaf(challenge_, state, block, chunk_digests(bytes));
        return crypto::merkle_root_of_proof(leaf, proof) == root_;
    }

    bool add_step(std::span<const std::int8_t> columns, std::span<const std::int32_t> products) {
        for (std::size_t first = 0; first < columns.size(); first += shape_.rows) {
            const auto x = columns.subspan(first, shape_.rows);
            const auto p = products.subspan(first, shape_.rows);
            const std::uint64_t factor = factors_.below(kPrime);
            inputs_.add(factor, x);
            outputs_.add(factor, p);
            for (const std::uint32_t row : rows_) {
                const std::int8_t* a = matrix_.data() + (std::size_t{row} * shape_.rows);
                std::int32_t sum = 0;
                for (std::size_t k = 0; k < x.size(); ++k) sum += std::int32_t{a[k]} * x[k];
                if (sum != p[row]) return false;
            }
        }
        return true;
    }

    const CapacityChainChallenge& challenge_;
    const CapacityChainShape& shape_;
    Hash root_;
    std::vector<std::int8_t> matrix_;
    std::vector<std::int8_t> first_state_;
    WordStream factors_;
    FieldSums inputs_;
    FieldSums outputs_;
    std::vector<std::uint32_t> rows_;
};

}  // namespace

std::string_view to_string(ChainFault fault) {
    switch (fault) {
        case ChainFault::kNone: return "none";
        case ChainFault::kMalformed: return "malformed";
        case ChainFault::kWrongRoot: return "wrong root";
        case ChainFault::kWrongProduct: return "wrong product";
    }
    unreachable();
}

Result<void> check_draw(const CapacityChainShape& shape, const std::vector<CapacityCell>& cells) {
    if (cells.empty() || cells.size() > kDrawnCellsMax) return make_error(Errc::kInvalid, "a draw of too many cells");
    const std::uint64_t opened = cells.size() * shape.block_bytes() * (2 + (sizeof(std::int32_t) * shape.steps));
    if (opened > kOpeningBytesMax) return make_error(Errc::kInvalid, "a draw with too large an opening");
    for (const CapacityCell& cell : cells) {
        if (cell.segment >= shape.segments || cell.block >= shape.blocks()) {
            return make_error(Errc::kInvalid, "a drawn cell outside the chain");
        }
    }
    if (std::set<CapacityCell>(cells.begin(), cells.end()).size() != cells.size()) {
        return make_error(Errc::kInvalid, "a cell drawn twice");
    }
    return {};
}

std::vector<CapacityCell> draw_cells(const CapacityChainShape& shape, std::size_t count, const Hash& key) {
    const std::uint64_t all = std::uint64_t{shape.segments} * shape.blocks();
    WordStream random{derive_key("cells", key)};
    std::set<CapacityCell> drawn;
    while (drawn.size() < std::min<std::uint64_t>(count, all)) {
        const std::uint64_t index = random.below(all);
        drawn.insert(
            {static_cast<std::uint32_t>(index / shape.blocks()), static_cast<std::uint32_t>(index % shape.blocks())});
    }
    return {drawn.begin(), drawn.end()};
}

ChainFault check_opening(const CapacityChainChallenge& challenge,
                         const CapacityChainCommitment& commitment,
                         const CapacityDraw& draw,
                         const CapacityOpening& opening,
                         const Hash& key,
                         std::uint32_t rows) {
    CHECK(check_shape(challenge.shape).has_value() && check_draw(challenge.shape, draw.cells).has_value());
    if (opening.cells.size() != draw.cells.size()) return ChainFault::kMalformed;
    Judge judge{challenge, commitment.root, key, rows};
    for (std::size_t i = 0; i < draw.cells.size(); ++i) {
        if (opening.cells[i].cell != draw.cells[i]) return ChainFault::kMalformed;
        const ChainFault fault = judge.add(opening.cells[i]);
        if (fault != ChainFault::kNone) return fault;
    }
    return judge.products_hold() ? ChainFault::kNone : ChainFault::kWrongProduct;
}

}  // namespace vcity::capacity
