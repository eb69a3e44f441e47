// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "model_runner.hpp"
#include "verify/trace/serve_committer.hpp"

namespace vcity::worker {

// How a job is committed to. The first is for benchmarks alone.
enum class Commit : std::uint8_t { kNothing, kSketch, kServed };

constexpr Commit commit_of(AuditTier tier) {
    return tier == AuditTier::kServed ? Commit::kServed : Commit::kSketch;
}

// What one job keeps for its audit, in the tier that it is served in; later also its replay.
class Commitment {
  public:
    // A job of at most this many positions.
    Commitment(Commit commit, const verify::ModelShape& shape, const Hash& client_nonce, std::uint64_t positions_max);

    // What it keeps at most.
    static std::uint64_t bytes_max(Commit commit, const verify::ModelShape& shape, std::uint64_t positions_max);

    // What add() has to be given.
    Capture capture() const;
    // Cells come position by position, of each the layers in their order. kInvalid for numbers that are not finite.
    Result<void> add(const Cell& cell, const verify::ServedRow& row);
    // Forgets what was added.
    void clear();
    // Once; the zero hash when nothing is committed to.
    Result<Hash> finish(const verify::TraceHeader& header);

    // After finish(). Takes over the finished tree of a second run, of tier B, with the same header.
    void set_replay(Commitment replay);
    bool has_replay() const { return replay_.has_value(); }
    bool is_sketch() const { return commit_ == Commit::kSketch; }

    // The tree that cells are opened in: the served one, in tier A that of the replay; null when there is none.
    const verify::ServeCommitter* opened_tree() const;
    // computed[i] belongs to question.cells[i]. kNotFound without a tree.
    Result<Opening> open(const AuditQuestion& question, std::vector<Bytes> computed) const;

    std::uint64_t bytes_retained() const;

  private:
    Result<void> add_state(const Cell& cell, ByteView state);

    Commit commit_;
    verify::ModelShape shape_;
    std::optional<verify::ServeCommitter> served_;
    std::optional<verify::ServeCommitter> replay_;
    verify::SketchCommitter sketches_;
    std::vector<std::uint32_t> signs_;  // of the sketch
    std::vector<float> middle_;         // state of the position whose final state comes next
};

}  // namespace vcity::worker
