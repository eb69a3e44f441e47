// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "async/task.hpp"
#include "base/time.hpp"
#include "model/chain.hpp"

namespace vcity::ports {

// Reading the contracts at the head of the chain. Any call may be repeated. kUnavailable and kTimeout: ask again later;
// kCorrupt: the RPC server answered nonsense.
class ChainReader {
  public:
    virtual ~ChainReader() = default;
    virtual Task<Result<ChainHead>> head() = 0;
    // The first block of the present chain with a later timestamp; nullopt while there is none. Its hash is the beacon
    // of an audit: nobody knew it at that time. A reorganisation may change the answer.
    virtual Task<Result<std::optional<ChainHead>>> first_block_after(UnixMillis time) = 0;
    virtual Task<Result<std::optional<NodeRecord>>> node(Address identity) = 0;
    virtual Task<Result<CapState>> cap(CapId cap_id) = 0;
    virtual Task<Result<std::uint64_t>> next_batch_index(Address scheduler) = 0;
    virtual Task<Result<std::optional<PostedBatch>>> batch(Address scheduler, std::uint64_t index) = 0;
    virtual Task<Result<Usd>> claimed(Address scheduler, Address node) = 0;
    virtual Task<Result<Usd>> stable_balance(Address account) = 0;
    virtual Task<Result<Vcai>> vcai_balance(Address account) = 0;
    virtual Task<Result<Usd>> escrow_available(Address client) = 0;
    // The network fee that a batch posted now has to leave, in basis points of what it charges.
    virtual Task<Result<std::uint32_t>> network_fee_bps() = 0;
};

// Acting on chain as one account. Each call returns when the transaction is in a block and did not revert, and gives
// its hash. kConflict: it reverted (the message says why: somebody was first, or the state moved); kTimeout: the effect
// is unknown, so read before repeating. All are safe to repeat: the contracts refuse a second effect.
class ChainWriter {
  public:
    virtual ~ChainWriter() = default;
    virtual Address account() const = 0;
    virtual Task<Result<Hash>> register_node(NodeRecord node) = 0;
    virtual Task<Result<Hash>> deposit(Address client, Usd amount) = 0;
    virtual Task<Result<Hash>> open_cap(SignedCap cap) = 0;
    virtual Task<Result<Hash>> post_batch(BatchHeader header, std::vector<Charge> charges) = 0;
    virtual Task<Result<Hash>> claim(Address scheduler,
                                     std::uint64_t index,
                                     Earning earning,
                                     std::vector<Hash> proof) = 0;
};

// The contracts' events, for the indexer.
class ChainEvents {
  public:
    virtual ~ChainEvents() = default;
    virtual Task<Result<ChainHead>> head() = 0;
    // The hash of that block on the present chain; nullopt above the head.
    virtual Task<Result<std::optional<Hash>>> block_hash(std::uint64_t number) = 0;
    // All events of our contracts in [from, to], in chain order; to - from <= 1,000.
    virtual Task<Result<std::vector<ChainEvent>>> events(std::uint64_t from, std::uint64_t to) = 0;
};

}  // namespace vcity::ports
