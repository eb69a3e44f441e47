// SPDX-License-Identifier: Apache-2.0
#include "verify/draw.hpp"

#include <algorithm>
#include <set>

#include "verify/cell.hpp"
#include "verify/commit.hpp"

namespace vcity::verify {
namespace {

// Collects distinct cells until the count or the byte bound is reached.
class Draw {
  public:
    Draw(const ModelShape& shape, const TokenUsage& units, const Seed& seed, const DrawOptions& options)
        : shape_{shape},
          random_{seed, "draw cells"},
          count_{std::min<std::size_t>(options.cells, kOpenedCellsMax)},
          bytes_left_{options.bytes_max},
          attention_positions_{options.attention_positions},
          first_output_{units.input - 1},
          positions_{units.input + std::max<std::uint64_t>(units.output, 1) - 1} {}

    std::vector<Cell> run() {
        const std::uint64_t total = positions_ * shape_.cells_per_position();
        count_ = static_cast<std::size_t>(std::min<std::uint64_t>(count_, total));
        add_column(output_position());
        if (2 * shape_.cells_per_position() <= count_ / 2) add_column(any_position());
        add_attention_run();
        // Draws may repeat or not fit; the bound on tries ends the loop when little is left to draw from.
        for (std::size_t tries = 0; tries < 16 * kOpenedCellsMax && cells_.size() < count_; ++tries) {
            const std::uint64_t position = random_.below(2) == 0 ? output_position() : any_position();
            const std::uint32_t layer = random_layer();
            add(position, layer);
            if (random_.below(2) == 0) add(position, layer + 1);
        }
        for (std::uint64_t index = 0; index < total && cells_.size() < count_ && total <= kOpenedCellsMax; ++index) {
            add(index / shape_.cells_per_position(), static_cast<std::uint32_t>(index % shape_.cells_per_position()));
        }
        return cells_;
    }

  private:
    std::uint64_t output_position() { return first_output_ + random_.below(positions_ - first_output_); }
    std::uint64_t any_position() { return random_.below(positions_); }
    // A layer that has a next one; the pair of the last layer is the final cell.
    std::uint32_t random_layer() { return static_cast<std::uint32_t>(random_.below(shape_.layers)); }

    // From the top, so that the final cell is among those that fit.
    void add_column(std::uint64_t position) {
        for (std::uint32_t left = shape_.cells_per_position(); left > 0; --left) add(position, left - 1);
    }

    void add_attention_run() {
        const std::uint32_t layer = random_layer();
        const std::uint64_t most = std::min<std::uint64_t>(attention_positions_, positions_);
        const std::uint64_t length = most == 0 ? 0 : 1 + random_.below(most);
        for (std::uint64_t position = 0; position < length; ++position) add(position, layer);
    }

    void add(std::uint64_t position, std::uint32_t layer) {
        const Cell cell{static_cast<std::uint32_t>(position), layer};
        const std::uint64_t bytes = layer == shape_.layers ? final_cell_bytes(shape_) : layer_cell_bytes(shape_);
        if (cells_.size() >= count_ || bytes > bytes_left_ || !seen_.insert(cell).second) return;
        bytes_left_ -= bytes;
        cells_.push_back(cell);
    }

    const ModelShape& shape_;
    Random random_;
    std::size_t count_;
    std::uint64_t bytes_left_;
    std::uint32_t attention_positions_;
    std::uint64_t first_output_;
    std::uint64_t positions_;
    std::set<Cell> seen_;
    std::vector<Cell> cells_;
};

}  // namespace

std::vector<Cell> draw_cells(const ModelShape& shape,
                             const TokenUsage& units,
                             const Seed& seed,
                             const DrawOptions& options) {
    if (units == TokenUsage{}) return {};
    const bool possible = units.input > 0 && units.input <= kTraceTokensMax && units.output <= kTraceTokensMax;
    if (!possible) return {Cell{0, 0}};
    return Draw{shape, units, seed, options}.run();
}

}  // namespace vcity::verify
