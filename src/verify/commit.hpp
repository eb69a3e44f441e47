// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "crypto/merkle.hpp"
#include "model/audit.hpp"
#include "verify/cell.hpp"
#include "verify/header.hpp"

namespace vcity::verify {

enum class Retention : std::uint8_t {
    kHashes,       // only leaves: the root can be had, but nothing can be opened
    kActivations,  // the canonical bytes of every cell stay in memory until the committer is destroyed
};

struct CommitterOptions {
    Retention retention = Retention::kActivations;
    std::uint64_t bytes_max = 256U << 20U;  // of retained canonical bytes
};

// Bytes that a job of this many token positions keeps with Retention::kActivations. A worker admits a request only if
// this fits its budget; positions are prompt + output_tokens_max - 1.
std::uint64_t retained_bytes(const ModelShape& shape, std::uint64_t positions);

// Collects the cells of one generation on the worker and commits to them with one Merkle root. Leaf 0 is the header's,
// then the cells in the order position * (layers + 1) + layer. Cells may be added in any order (a prompt is computed
// layer by layer), each once. Not thread-safe: one generation, one owner.
class TraceCommitter {
  public:
    // The shape must be valid.
    TraceCommitter(const ModelShape& shape, const CommitterOptions& options);

    // kInvalid for a wrong length, a value that is not finite, a place out of range or already filled; kExhausted when
    // the byte budget would be passed. The cell is not added then, and the job must fail: it could not be audited.
    Result<void> add(const Cell& cell, const CellTrace& trace);
    Result<void> add_final(std::uint32_t position, const FinalCell& trace);

    // Drops all cells at this position and after it: for a token that was computed ahead and then not emitted.
    void truncate(std::uint32_t positions);

    // Closes the trace and gives the verification root. kInvalid when a cell of header.positions() is missing or there
    // are cells of more positions. Called once; nothing can be added afterwards.
    Result<Hash> finish(const TraceHeader& header);

    // After finish(). kInvalid for more than kOpenedCellsMax cells, kNotFound for a cell that is not there or whose
    // bytes were not kept. Cells come back in the order asked, also when one is asked twice.
    Result<Opening> open(const std::vector<Cell>& cells) const;

    std::uint64_t bytes_retained() const { return bytes_retained_; }

  private:
    struct Slot {
        std::optional<Hash> leaf;
        Bytes bytes;
    };

    Result<void> store(const Cell& cell, Result<Bytes> bytes);
    std::size_t index_of(const Cell& cell) const;

    ModelShape shape_;
    CommitterOptions options_;
    std::vector<Slot> slots_;
    std::uint64_t bytes_retained_ = 0;
    Bytes header_;
    std::optional<crypto::MerkleTree> tree_;
};

}  // namespace vcity::verify
