// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "model/work.hpp"
#include "services/gateway/state/write_behind.hpp"

namespace vcity::gateway {

// A job as the key that ordered it remembers it. The scheduler keeps what matters; this is for GET /v1/jobs, and for
// telling a repeated order from another one under the same Idempotency-Key.
struct WorkNote {
    JobId job_id;
    Hash owner;           // digest of the API key
    Address scheduler{};  // that took it; zero in notes of older versions, which knew one scheduler only
    Hash fingerprint;     // of path and body
    std::string name;
    Usd budget;
    Usd charged;
    std::uint64_t created_unix_seconds = 0;
    WorkState state = WorkState::kActive;  // as last seen
};

// The newest notes, at most notes_max, all in memory and written behind.
class WorkLog {
  public:
    WorkLog(WriteBehind* writes, std::size_t notes_max) : writes_{writes}, notes_max_{notes_max} {}

    Task<Result<void>> load(ports::Store* store);
    void add(WorkNote note);
    // The note before it, when this is news of its end: what was set aside and not charged is free again.
    std::optional<WorkNote> update(const JobId& job_id, WorkState state, Usd charged);
    // nullptr when it is not known; until the next add().
    const WorkNote* find(const JobId& job_id) const;
    // nullopt when it is not known.
    std::optional<Address> scheduler_of(const JobId& job_id) const;
    // Those not seen to have ended, oldest first.
    std::vector<WorkNote> active() const;
    // Newest first.
    std::vector<WorkNote> of(const Hash& owner, std::size_t limit) const;

  private:
    WriteBehind* writes_;
    std::size_t notes_max_;
    std::unordered_map<JobId, WorkNote> notes_;
    std::deque<JobId> order_;  // oldest first
};

}  // namespace vcity::gateway
