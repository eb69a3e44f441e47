// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "scenarios/cluster.hpp"
#include "scenarios/disk_view.hpp"
#include "scenarios/tap.hpp"

namespace vcity::scenarios {

// The six invariants of the architecture document. Messages are checked as they are sent (Tap); the state of chain and
// disks after every step in which one of them changed.
class Invariants {
  public:
    explicit Invariants(Cluster* cluster);

    void after_step();
    // Invariant 6 and what must hold once everything has come to rest.
    bool is_at_rest();
    void check_end();
    const std::string& violation() const { return violation_; }
    std::uint64_t checks() const { return checks_; }
    const DiskView& disk() const { return disk_; }
    // Tenures of scheduler processes, where there are several.
    std::uint64_t epochs() const { return epochs_; }

  private:
    void blame(std::string what);
    void collect();
    // 1: no wei appears or vanishes.
    void check_money();
    // 1, 3: what was charged is the sum of the receipts, each once.
    void check_charges();
    // 3, 5: every paid receipt verifies, was delivered, and bills no more than that.
    void check_paid();
    void check_paid_receipt(const SignedReceipt& receipt);
    // 2: no slot is leased twice.
    void check_leases();
    // 2: no change under a stale epoch counts, and no two processes hold one shard at a time.
    void check_fence(const std::string& client, const ports::StoreChange& change);
    void check_owners();
    // 3: an acknowledged job is never lost.
    void check_acknowledged();
    // 4: honest nodes keep their stake and their name; a checked cheat never passes.
    void check_nodes();
    // 5: no cap is ever promised beyond its limit.
    void check_caps();

    Cluster* cluster_;
    DiskView disk_;
    Tap tap_;
    std::string violation_;
    std::uint64_t checks_ = 0;
    std::uint64_t epochs_ = 0;
    std::uint64_t chain_version_ = UINT64_MAX;
    std::uint64_t disk_version_ = UINT64_MAX;
    std::set<Hash> verified_;
    std::map<Address, Vcai> stakes_;
};

}  // namespace vcity::scenarios
