// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "services/scheduler/caps.hpp"
#include "services/scheduler/directory.hpp"
#include "services/scheduler/job_book.hpp"

namespace vcity::scheduler {

// Turns delivered receipts into batches on chain, one at a time, and claims for the nodes once a batch is final.
//
// A batch is written to the store, with its jobs, before it is posted, and never changes afterwards: whatever happens
// (a crash, an RPC call whose effect is unknown, a chain reorganisation that takes a batch back), posting the same
// bytes again is right. The contract accepts each index once, so nothing can be charged twice. What is on chain is read
// from the chain, never remembered.
//
// A claim needs a proof against the earnings of all nodes, which only the scheduler has; so its keeper claims for
// everybody, to each node's own account.
class Settler {
  public:
    struct Parts {
        Context* context = nullptr;
        Directory* directory = nullptr;
        CapLedger* caps = nullptr;
        JobBook* book = nullptr;
    };

    explicit Settler(Parts parts) : parts_{parts}, context_{parts.context}, nudged_{context_->runtime()} {}

    Task<Result<void>> recover();
    // Until the context stops.
    Task<void> run();
    // One more receipt may be ready; a whole batch of them does not wait for its time.
    void nudge();
    void wake() { nudged_.notify(); }

    Task<Result<Batch>> load_batch(std::uint64_t index);
    // Zero when it is not known which transaction posted it.
    Task<Result<Hash>> batch_transaction(std::uint64_t index);

  private:
    Task<Result<void>> settle();
    Task<Result<void>> confirm(std::uint64_t index);
    Task<Result<void>> post(std::uint64_t index);
    Task<Result<void>> after_refusal(std::uint64_t index, Batch batch, Error refusal);
    Task<Result<bool>> make_next_batch();
    std::vector<JobRecord> pick_receipts() const;
    std::uint64_t units_available() const;
    Task<Result<void>> claim_for_nodes(std::uint64_t next);

    Parts parts_;
    Context* context_;
    std::size_t nudges_ = 0;
    Notifier nudged_;
    std::uint64_t batches_ = 0;  // in the store
    std::uint64_t settled_ = 0;  // whose jobs are marked as settled
    std::vector<Earning> earnings_;
    std::uint64_t final_ = 0;  // batches known to be final
    TimePoint last_batch_at_;
    TimePoint next_claim_at_;
};

}  // namespace vcity::scheduler
