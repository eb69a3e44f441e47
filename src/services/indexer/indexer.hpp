// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "async/channel.hpp"
#include "model/chain.hpp"
#include "ports/chain.hpp"
#include "ports/contract_events.hpp"
#include "services/indexer/draft.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::indexer {

struct IndexerOptions {
    std::uint64_t blocks_per_step = 200;  // at most 1,000
    // Steps that can be taken back one by one; a deeper reorganisation starts the read model afresh.
    std::uint64_t undo_steps_max = 512;
    Duration poll = std::chrono::milliseconds{500};
    Duration retry = std::chrono::seconds{2};  // after a failure of chain or store
};

struct IndexerDeps {
    Runtime* runtime = nullptr;
    ports::ChainEvents* events = nullptr;
    ports::ContractEvents* contract_events = nullptr;  // null: governance and court are not followed
    ports::Store* store = nullptr;
    MetricRegistry* metrics = nullptr;
    Log log;
    Deployment deployment;
};

// Follows the contracts' events into a read model in the store, from the block of the deployment on. Each step (a range
// of blocks) is one commit together with the block hash it ends on and the values as they were before; when that hash
// is no longer on the chain, steps are taken back until one is. So the read model is always that of one block of one
// chain, whatever reorganises or crashes, and a step that is repeated changes nothing.
class Indexer {
  public:
    Indexer(IndexerDeps deps, IndexerOptions options);
    Indexer(const Indexer&) = delete;
    Indexer& operator=(const Indexer&) = delete;

    // Until stop().
    Task<void> run();
    void stop();

    enum class Progress : std::uint8_t { kAdvanced, kTookBack, kUpToDate };
    // One step; run() is steps in a loop. Any failure changes nothing and may be tried again.
    Task<Result<Progress>> step();

  private:
    struct Position {
        std::uint64_t number = 0;  // of the last block in the read model
        Hash hash;
        std::uint64_t steps = 0;  // ever taken and not taken back
        std::uint64_t version = 0;
    };
    struct Range {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        Hash to_hash;
        std::uint64_t time = 0;  // unix seconds, of the chain's head when it was read
    };

    Task<Result<std::optional<Position>>> read_position();
    Task<Result<bool>> is_on_chain(Position position);
    Task<Result<Progress>> advance(std::optional<Position> position, ChainHead head);
    struct Events {
        std::vector<ChainEvent> chain;
        std::vector<ContractEvent> contracts;
    };
    Task<Result<Events>> read_events(Range range);
    Task<Result<void>> commit_step(std::optional<Position> position, Range range, Events events);
    Task<Result<Progress>> take_back(Position position);
    Task<Result<Progress>> start_afresh();

    IndexerDeps deps_;
    IndexerOptions options_;
    Notifier stopped_;
    bool stopping_ = false;
    Gauge* block_;
    Counter* taken_back_;
};

}  // namespace vcity::indexer
