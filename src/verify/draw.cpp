// SPDX-License-Identifier: Apache-2.0
#include "verify/draw.hpp"

#include <algorithm>
#include <set>

#include "crypto/keccak.hpp"
#include "verify/header.hpp"
#include "verify/trace/computed.hpp"
#include "verify/trace/served_leaf.hpp"
#include "verify/trace/sketch.hpp"

namespace vcity::verify {
namespace {

// Draws may repeat or not fit; the bound on tries ends a loop when little is left to draw from.
constexpr std::size_t kTriesMax = 1024;
// Of the first layer: 512 positions.
constexpr std::uint32_t kFirstPages = 16;
// A path of 32 hashes for every leaf that is opened, and what a message has besides.
constexpr std::uint64_t kProofBytes = 34 * 40;

class Draw {
  public:
    Draw(const ModelShape& shape, const TokenUsage& units, const Seed& seed, const DrawOptions& options)
        : shape_{shape},
          options_{options},
          random_{seed, "draw audit"},
          bytes_left_{options.bytes_max},
          first_output_{units.input - 1},
          positions_{units.input + std::max<std::uint64_t>(units.output, 1) - 1} {}

    AuditQuestion run(AuditTier tier) {
        if (tier == AuditTier::kSketch) add_sketches();
        const std::size_t before = question_.cells.size();
        add_column(output_position());
        const std::size_t column = question_.cells.size() - before;
        const std::uint32_t others = options_.cells - std::min(options_.cells / 2, static_cast<std::uint32_t>(column));
        const std::size_t count = std::min<std::size_t>(column + others, kOpenedCellsMax);
        const std::size_t finals = std::min<std::size_t>(count, column + options_.finals);
        for (std::size_t tries = 0; tries < kTriesMax && question_.cells.size() < finals; ++tries) {
            add_cell(output_position(), shape_.layers);
        }
        for (std::size_t tries = 0; tries < kTriesMax && question_.cells.size() < count; ++tries) {
            const std::uint64_t position = random_.below(2) == 0 ? output_position() : any_position();
            add_cell(position, static_cast<std::uint32_t>(random_.below(shape_.cells_per_position())));
        }
        const std::size_t most = question_.cells.size() + (opens_all_logits(shape_) ? options_.more_finals : 0);
        for (std::size_t tries = 0; tries < kTriesMax && question_.cells.size() < most; ++tries) {
            add_cell(output_position(), shape_.layers);
        }
        add_first_pages();
        add_heads();
        add_single_pages();
        return std::move(question_);
    }

  private:
    std::uint64_t output_position() { return first_output_ + random_.below(positions_ - first_output_); }
    std::uint64_t any_position() { return random_.below(positions_); }

    bool take(std::uint64_t bytes) {
        if (bytes > bytes_left_) return false;
        bytes_left_ -= bytes;
        return true;
    }

    void add_sketches() {
        const std::size_t count = std::min<std::size_t>({options_.sketches, kOpenedSketchesMax, positions_});
        std::set<std::uint32_t> seen;
        for (std::size_t tries = 0; tries < kTriesMax && seen.size() < count; ++tries) {
            const auto position = static_cast<std::uint32_t>(any_position());
            if (seen.contains(position)) continue;
            if (!take(kSketchBytes + 2 * next_bytes(shape_) + 3 * kProofBytes)) break;
            seen.insert(position);
            question_.sketches.push_back(position);
        }
    }

    // From the top, so that the final cell is among those that fit.
    void add_column(std::uint64_t position) {
        for (std::uint32_t left = shape_.cells_per_position(); left > 0; --left) add_cell(position, left - 1);
    }

    void add_cell(std::uint64_t position, std::uint32_t layer) {
        const Cell cell{static_cast<std::uint32_t>(position), layer};
        const bool last = layer == shape_.layers;
        const std::uint64_t own =
            last ? final_computed_bytes(shape_) : next_bytes(shape_) + layer_computed_bytes(shape_);
        if (question_.cells.size() >= kOpenedCellsMax || seen_.contains(cell)) return;
        if (!take(served_bytes(shape_, layer) + own + 2 * kProofBytes)) return;
        seen_.insert(cell);
        question_.cells.push_back(cell);
    }

    void add_page(const PageId& id) {
        if (question_.pages.size() >= kOpenedPagesMax || pages_.contains(id)) return;
        if (!take(page_bytes(shape_, kPagePositions) + kProofBytes)) return;
        pages_.insert(id);
        question_.pages.push_back(id);
    }

    // Layer cells, the last positions first.
    std::vector<Cell> layer_cells() const {
        std::vector<Cell> cells;
        for (const Cell& cell : question_.cells) {
            if (cell.layer < shape_.layers) cells.push_back(cell);
        }
        std::ranges::sort(cells, [](const Cell& a, const Cell& b) { return b < a; });
        return cells;
    }

    // Pages of the first layer, which tell the tokens that were run.
    void add_first_pages() {
        const auto head = static_cast<std::uint32_t>(random_.below(shape_.kv_heads));
        const std::uint64_t count = (positions_ + kPagePositions - 1) / kPagePositions;
        for (std::uint32_t i = 0; i < std::min<std::uint64_t>(count, kFirstPages); ++i) {
            const std::uint64_t page = count <= kFirstPages ? i : random_.below(count);
            add_page({0, head, static_cast<std::uint32_t>(page)});
        }
    }

    void add_heads() {
        std::vector<Cell> cells = layer_cells();
        for (std::uint32_t i = 0; i < options_.heads && !cells.empty(); ++i) {
            const std::size_t most = i % 2 == 0 ? std::min<std::size_t>(cells.size(), 4) : cells.size();
            const auto index = static_cast<std::size_t>(random_.below(most));
            const Cell cell = cells[index];
            cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(index));
            const auto head = static_cast<std::uint32_t>(random_.below(shape_.kv_heads));
            const std::uint32_t count = cell.position / kPagePositions + 1;
            if (question_.pages.size() + count > kOpenedPagesMax) continue;
            if (count * (page_bytes(shape_, kPagePositions) + kProofBytes) > bytes_left_) continue;
            for (std::uint32_t page = 0; page < count; ++page) add_page({cell.layer, head, page});
        }
    }

    void add_single_pages() {
        for (const Cell& cell : layer_cells()) {
            const auto head = static_cast<std::uint32_t>(random_.below(shape_.kv_heads));
            add_page({cell.layer, head, cell.position / kPagePositions});
        }
    }

    const ModelShape& shape_;
    const DrawOptions& options_;
    Random random_;
    std::uint64_t bytes_left_;
    std::uint64_t first_output_;
    std::uint64_t positions_;
    std::set<Cell> seen_;
    std::set<PageId> pages_;
    AuditQuestion question_;
};

}  // namespace

Seed audit_seed(const Seed& secret, const Hash& receipt_hash, const Hash& beacon) {
    return crypto::keccak256({as_bytes("vcity-audit-v2"), secret.view(), receipt_hash.view(), beacon.view()})
        .as<Seed>();
}

AuditQuestion draw_audit(
    const ModelShape& shape, const TokenUsage& units, AuditTier tier, const Seed& seed, const DrawOptions& options) {
    if (units == TokenUsage{}) return {};
    const bool possible = units.input > 0 && units.input <= kTraceTokensMax && units.output <= kTraceTokensMax;
    if (!possible) return {.cells = {Cell{0, 0}}, .pages = {}, .sketches = {}};
    return Draw{shape, units, seed, options}.run(tier);
}

}  // namespace vcity::verify
