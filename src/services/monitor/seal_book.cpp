// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/seal_book.hpp"

namespace vcity::monitor {

Result<std::optional<SignedSeal>> SealBook::find(const MonitorSeal& wanted) const {
    const SignedSeal* known = find(wanted.job_id);
    if (known == nullptr) return std::optional<SignedSeal>{};
    MonitorSeal timed = wanted;
    timed.sealed_at = known->seal.sealed_at;
    if (timed == known->seal) return std::optional{*known};
    return make_error(Errc::kConflict, "this job has a seal of another computation");
}

const SignedSeal* SealBook::find(const JobId& job_id) const {
    const auto found = seals_.find(job_id);
    return found == seals_.end() ? nullptr : &found->second;
}

Result<void> SealBook::add(const SignedSeal& seal) {
    if (seals_.size() >= seals_max_) return make_error(Errc::kExhausted, "the monitor holds as many seals as it may");
    seals_.emplace(seal.seal.job_id, seal);
    return {};
}

void SealBook::forget_before(std::uint64_t epoch) {
    std::erase_if(seals_, [epoch](const auto& entry) { return entry.second.seal.epoch < epoch; });
}

}  // namespace vcity::monitor
