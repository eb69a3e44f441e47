// SPDX-License-Identifier: Apache-2.0
#include "commitment.hpp"

#include "base/check.hpp"

namespace vcity::worker {

Commitment::Commitment(Commit commit,
                       const verify::ModelShape& shape,
                       const Hash& client_nonce,
                       std::uint64_t positions_max)
    : commit_{commit}, shape_{shape} {
    if (commit == Commit::kServed) {
        served_.emplace(shape, verify::ServeOptions{.bytes_max = bytes_max(commit, shape, positions_max)});
    }
    if (commit == Commit::kSketch) signs_ = verify::sketch_signs(client_nonce, shape.hidden);
}

std::uint64_t Commitment::bytes_max(Commit commit, const verify::ModelShape& shape, std::uint64_t positions_max) {
    switch (commit) {
        case Commit::kNothing: return 0;
        case Commit::kSketch: return verify::sketch_retained_bytes(positions_max);
        case Commit::kServed: return verify::served_retained_bytes(shape, positions_max);
    }
    unreachable();
}

Capture Commitment::capture() const {
    switch (commit_) {
        case Commit::kNothing: return Capture::kNothing;
        case Commit::kSketch: return Capture::kStates;
        case Commit::kServed: return Capture::kServed;
    }
    unreachable();
}

Result<void> Commitment::add(const Cell& cell, const verify::ServedRow& row) {
    if (served_) return served_->add(cell, row);
    if (is_sketch()) return add_state(cell, row.h_in);
    return {};
}

Result<void> Commitment::add_state(const Cell& cell, ByteView state) {
    TRY(auto values, verify::widen_finite(shape_.compute, state));
    if (cell.layer == verify::sketch_layer(shape_)) {
        middle_ = std::move(values);
        return {};
    }
    CHECK(cell.layer == shape_.layers && !middle_.empty());
    return sketches_.add(cell.position, verify::make_sketch(signs_, middle_, values));
}

void Commitment::clear() {
    if (served_) served_->truncate(0);
    sketches_.truncate(0);
}

Result<Hash> Commitment::finish(const verify::TraceHeader& header) {
    if (served_) return served_->finish(header);
    if (is_sketch()) return sketches_.finish(header);
    return Hash{};
}

void Commitment::set_replay(Commitment replay) {
    CHECK(is_sketch() && replay.served_);
    replay_.emplace(*std::move(replay.served_));
}

const verify::ServeCommitter* Commitment::opened_tree() const {
    if (served_) return &*served_;
    return replay_ ? &*replay_ : nullptr;
}

Result<Opening> Commitment::open(const AuditQuestion& question, std::vector<Bytes> computed) const {
    if (served_) return served_->open(question, std::move(computed));
    if (!replay_) return make_error(Errc::kNotFound, "this job has to be replayed first");
    return verify::open_replay(sketches_, *replay_, question, std::move(computed));
}

std::uint64_t Commitment::bytes_retained() const {
    return sketches_.bytes_retained() + (served_ ? served_->bytes_retained() : 0) +
           (replay_ ? replay_->bytes_retained() : 0);
}

}  // namespace vcity::worker
