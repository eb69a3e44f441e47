// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <unordered_map>

#include "base/result.hpp"
#include "model/monitor.hpp"

namespace vcity::monitor {

// What was sealed under the keys that live: one root for a job. Forgotten with the keys: a seal of an epoch whose key
// is gone cannot be made, and a receipt names the key it was sealed under.
class SealBook {
  public:
    explicit SealBook(std::size_t seals_max) : seals_max_{seals_max} {}

    // The seal there is for the very same computation; kConflict: one for another root, request or epoch.
    Result<std::optional<SignedSeal>> find(const MonitorSeal& wanted) const;
    const SignedSeal* find(const JobId& job_id) const;
    // kExhausted when full: forgetting one would let its job have a second root.
    Result<void> add(const SignedSeal& seal);
    // Forgets the seals of epochs before this one.
    void forget_before(std::uint64_t epoch);
    std::size_t size() const { return seals_.size(); }

  private:
    std::size_t seals_max_;
    std::unordered_map<JobId, SignedSeal> seals_;
};

}  // namespace vcity::monitor
