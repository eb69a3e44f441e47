// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/store.hpp"
#include "services/scheduler/shards/shard_lease.hpp"

namespace vcity::scheduler {

// The store of a shard under a lease: every change expects the epoch of the lease, so the store itself refuses what a
// process writes after another one took over, however late it arrives. Everything gives kDenied from the moment at
// which the lease is known to have ended; a refused change ends it.
//
// A kConflict is the caller's: one of its own expectations does not hold and the epoch does. Where that cannot be told
// the result is kUnavailable: nothing changed, and the same change may be repeated.
class FencedStore final : public ports::Store {
  public:
    // For the tenure that the lease holds now, and no later one. All are borrowed and must outlive the calls.
    FencedStore(Runtime* runtime, ports::Store* store, ShardLease* lease)
        : runtime_{runtime}, store_{store}, lease_{lease}, fence_{lease->epoch_record()} {}

    Task<Result<void>> commit(ports::StoreChange change) override;
    Task<Result<std::optional<Bytes>>> get(std::string key) override;
    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override;

  private:
    Task<Error> explain(Error conflict);
    Result<void> check_tenure();
    Error taken_over();

    Runtime* runtime_;
    ports::Store* store_;
    ShardLease* lease_;
    Bytes fence_;
};

}  // namespace vcity::scheduler
