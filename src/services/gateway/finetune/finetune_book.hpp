// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "codec/json.hpp"
#include "model/job.hpp"
#include "services/gateway/finetune/finetune_request.hpp"
#include "services/gateway/state/write_behind.hpp"

namespace vcity::gateway {

// A fine-tuning job as it was asked for. Its work is the job of the same id.
struct FinetuneRecord {
    JobId job_id;
    Address client;
    std::uint64_t created_unix_seconds = 0;
    codec::Json body;         // as the client sent it
    FinetuneRequest request;  // what it says
    codec::Json ended;        // the answer once the job has ended, which does not change any more; null before
};

// The newest records, at most records_max, all in memory and written behind. What a crash loses is only how the job is
// shown here: the job itself is the scheduler's.
class FinetuneBook {
  public:
    FinetuneBook(WriteBehind* writes, std::size_t records_max) : writes_{writes}, records_max_{records_max} {}

    Task<Result<void>> load(ports::Store* store);
    // Nothing happens when it is there.
    void add(FinetuneRecord record);
    void set_ended(const JobId& job_id, codec::Json ended);
    // nullptr when it is not known or another client's; until the next add().
    const FinetuneRecord* find(const Address& client, const JobId& job_id) const;
    // Newest first; until the next add().
    std::vector<const FinetuneRecord*> of(const Address& client) const;

  private:
    WriteBehind* writes_;
    std::size_t records_max_;
    std::unordered_map<JobId, FinetuneRecord> records_;
    std::deque<JobId> order_;  // oldest first
};

}  // namespace vcity::gateway
