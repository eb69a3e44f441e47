// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ports/chain.hpp"
#include "sim/fakes/ledger.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

struct ChainFaults {
    Duration block_time = std::chrono::seconds{2};
    Duration latency_min = std::chrono::milliseconds{1};
    Duration latency_max = std::chrono::milliseconds{40};
    std::uint64_t failures_per_mille = 0;     // of all calls; a failed write may or may not have its effect
    std::uint64_t stale_reads_per_mille = 0;  // answered by a server that is one block behind
    std::uint64_t late_per_mille = 0;         // transactions that wait for a later block
};

// A chain of blocks over a Ledger. It outlives every process. A reorganisation takes recent blocks back; most of their
// transactions are mined again, in another order, and some are never seen again.
class FakeChain {
  public:
    static constexpr std::uint64_t kReorgDepthMax = 4;
    using Call = std::function<Result<void>(Ledger* ledger, std::uint64_t now)>;

    FakeChain(SimRuntime* world, LedgerParams params);

    // Before the first block: no faults.
    void at_genesis(const Call& call);
    void start();
    void stop() { is_running_ = false; }
    // Takes back that many blocks, at most kReorgDepthMax, and mines one more.
    void reorganise(std::uint64_t depth);

    // One account's view of the chain, for one process.
    std::unique_ptr<ports::ChainReader> reader(Runtime* runtime);
    std::unique_ptr<ports::ChainWriter> writer(Runtime* runtime, Address account);

    const Ledger& head() const { return blocks_.back().ledger; }
    std::uint64_t head_time() const { return blocks_.back().timestamp; }
    // Grows with every change of the head.
    std::uint64_t version() const { return version_; }
    std::uint64_t pending() const { return mempool_.size(); }

    ChainFaults faults;

  private:
    class Reader;
    class Writer;

    enum class Status : std::uint8_t { kPending, kDone, kReverted, kLost };
    struct Transaction {
        Hash hash;
        Call call;
        Status status = Status::kPending;
        std::string reason;
    };
    struct Block {
        std::uint64_t number = 0;
        Hash hash;
        std::uint64_t timestamp = 0;
        std::vector<std::shared_ptr<Transaction>> transactions;
        Ledger ledger;
    };

    void mine();
    void mine_later();
    std::uint64_t unix_seconds() const;
    const Block& block_for_reading();
    std::shared_ptr<Transaction> submit(Call call);

    SimRuntime* world_;
    std::vector<ChainHead> heads_;  // of all blocks, as many as blocks_ or more
    std::deque<Block> blocks_;      // the newest last; enough for a reorganisation
    std::vector<std::shared_ptr<Transaction>> mempool_;
    std::uint64_t transactions_ = 0;
    std::uint64_t forks_ = 0;
    std::uint64_t version_ = 0;
    bool is_running_ = false;
};

}  // namespace vcity::sim
