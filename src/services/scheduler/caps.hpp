// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "services/scheduler/context.hpp"
#include "services/scheduler/job_record.hpp"

namespace vcity::scheduler {

// What each spending cap still allows. For every cap: charged in batches + delivered and not yet in a batch + reserved
// for live jobs <= limit, so that no batch can ever fail for want of money. Reservations live in memory; they follow
// from the live jobs, which a restart finds in the store.
class CapLedger {
  public:
    explicit CapLedger(Context* context) : context_{context}, opened_{context->runtime()} {}

    // Verifies the client's signature and opens the cap on chain unless it is open. Many callers may wait for the same
    // cap; one of them opens it. kDenied: not a valid cap for this scheduler, or the chain refuses it; kUnavailable and
    // kTimeout: the chain cannot be asked now.
    Task<Result<CapId>> admit(SignedCap cap, UnixMillis job_deadline);
    // Opens it again if a chain reorganisation took it back. For the batch loop.
    Task<Result<void>> reopen(CapId cap_id);

    // kExhausted when the limit does not allow it.
    Result<void> reserve(const CapId& cap_id, Usd quote);
    void release(const CapId& cap_id, Usd quote);
    // The job is delivered: its reservation becomes a debt.
    void consume(const CapId& cap_id, Usd quote, Usd amount);
    // The delivered result is not charged after all.
    void forgive(const CapId& cap_id, Usd amount);

    // The record of this cap after a batch takes the amount, to be written with the batch.
    Bytes record_after_charge(const CapId& cap_id, Usd amount) const;
    // The batch is written.
    void charge(const CapId& cap_id, Usd amount);

    // --- after a restart
    void restore(const CapRecord& record);
    void restore_reserved(const CapId& cap_id, Usd quote);
    void restore_delivered(const CapId& cap_id, Usd amount);

    bool knows(const CapId& cap_id) const { return accounts_.contains(cap_id); }
    Usd committed(const CapId& cap_id) const;

  private:
    struct Account {
        CapRecord record;
        Usd delivered;  // and not yet in a batch
        Usd reserved;
        bool is_open = false;  // on chain, as far as we know
        bool is_opening = false;
    };

    Result<CapId> verify(const SignedCap& cap, UnixMillis job_deadline) const;
    Task<Result<void>> ensure_open(CapId cap_id);
    Task<Result<void>> open(CapId cap_id);

    Context* context_;
    std::map<CapId, Account> accounts_;
    Notifier opened_;
};

}  // namespace vcity::scheduler
