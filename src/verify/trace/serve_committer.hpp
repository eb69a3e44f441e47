// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "crypto/merkle.hpp"
#include "model/audit.hpp"
#include "verify/header.hpp"
#include "verify/trace/served_leaf.hpp"
#include "verify/trace/sketch.hpp"

namespace vcity::verify {

struct ServeOptions {
    std::uint64_t bytes_max = 256U << 20U;  // of retained values
};

// Bytes that a job of this many token positions keeps. A worker admits a request only if this fits its budget;
// positions are prompt + output_tokens_max - 1.
std::uint64_t served_retained_bytes(const ModelShape& shape, std::uint64_t positions);
std::uint64_t sketch_retained_bytes(std::uint64_t positions);

// Tier B on the worker: collects the served values of one generation and commits to them with one Merkle root
// (verify/trace/served_leaf.hpp has the tree). Rows may be added in any order (a prompt is computed layer by layer),
// each once; each is hashed when it is added, and a page when its last row is. Nothing waits for the end but the inner
// nodes. Not thread-safe: one generation, one owner, which may be a thread beside the one that computes.
class ServeCommitter {
  public:
    // The shape must be valid.
    ServeCommitter(const ModelShape& shape, const ServeOptions& options);

    // Copies the row. kInvalid for a wrong length, a place out of range or already filled; kExhausted when the byte
    // budget would be passed. The job must fail then: it could not be audited.
    Result<void> add(const Cell& cell, const ServedRow& row);

    // Drops all rows at this position and after it: for a token that was computed ahead and then not emitted.
    void truncate(std::uint32_t positions);

    // Closes the trace and gives the root. kInvalid when a row of header.positions() is missing or there are rows of
    // more positions. Called once; nothing can be added afterwards.
    Result<Hash> finish(const TraceHeader& header);

    // What was served at a cell; valid as long as this. kNotFound when it is not there.
    Result<ServedRow> row(const Cell& cell) const;

    // After finish(). computed[i] is OpenedCell::computed of question.cells[i]. kInvalid for a question above the
    // bounds of model/audit.hpp, kNotFound for a place that is not there. question.sketches is left to open_replay().
    Result<Opening> open(const AuditQuestion& question, std::vector<Bytes> computed) const;

    std::uint64_t bytes_retained() const { return bytes_retained_; }

  private:
    friend Result<Opening> open_replay(const class SketchCommitter& served,
                                       const ServeCommitter& replay,
                                       const AuditQuestion& question,
                                       std::vector<Bytes> computed);

    struct Position {
        Bytes values;                             // of all layers, one after the other
        std::vector<std::optional<Hash>> leaves;  // [layers + 1]
        std::vector<Hash> rests;                  // [layers + 1]: rest_digest()
    };
    struct Page {
        std::vector<std::uint32_t> filled;  // [layers]: positions whose row is there
        std::vector<Hash> digests;          // [layers * kv_heads], set when a layer is complete
    };

    std::size_t offset_of(std::uint32_t layer) const;
    Bytes page_data(const PageId& id, std::uint32_t count) const;
    void fill_page(const Cell& cell);
    void close_page(std::uint32_t page, std::uint32_t layer, std::uint32_t count);
    Result<OpenedCell> open_cell(const Cell& cell, Bytes computed) const;
    Result<OpenedPage> open_page(const PageId& id) const;
    Result<Bytes> input_of(const Cell& cell) const;  // OpenedCell::next of the layer below

    ModelShape shape_;
    ServeOptions options_;
    std::vector<Position> positions_;
    std::vector<Page> pages_;
    std::uint64_t bytes_retained_ = 0;
    Bytes header_;
    std::optional<crypto::MerkleTree> tree_;
};

// Tier A on the worker: one sketch a position. Same rules.
class SketchCommitter {
  public:
    Result<void> add(std::uint32_t position, const Sketch& sketch);
    void truncate(std::uint32_t positions);
    Result<Hash> finish(const TraceHeader& header);

    std::uint64_t bytes_retained() const { return sketches_.size() * kSketchBytes; }

  private:
    friend Result<Opening> open_replay(const SketchCommitter& served,
                                       const ServeCommitter& replay,
                                       const AuditQuestion& question,
                                       std::vector<Bytes> computed);

    std::vector<std::optional<Bytes>> sketches_;
    Bytes header_;
    std::optional<crypto::MerkleTree> tree_;
};

// Tier A's answer: header and sketches from the served tree, cells and pages from the tree of the replay, both finished
// with the same header. Errors as ServeCommitter::open().
Result<Opening> open_replay(const SketchCommitter& served,
                            const ServeCommitter& replay,
                            const AuditQuestion& question,
                            std::vector<Bytes> computed);

}  // namespace vcity::verify
