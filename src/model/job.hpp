// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/receipt.hpp"
#include "model/request.hpp"

namespace vcity {

// Which nodes a client wants: the provider object of the API. Hard limits but for `order` and `sort`.
struct NodeWish {
    enum class Sort : std::uint8_t { kNone = 0, kPrice = 1, kLatency = 2 };
    std::vector<Address> only;  // empty: all
    std::vector<Address> ignore;
    std::vector<Address> order;           // tried first, in this order
    bool allow_fallbacks = true;          // others than those of `order`, once they were tried
    std::vector<std::string> regions;     // empty: all
    std::uint16_t reputation_min_bp = 0;  // the scheduler's own record of a node, in basis points
    std::uint32_t stake_min_vcai = 0;     // whole tokens at stake
    Sort sort = Sort::kNone;

    bool is_empty() const { return *this == NodeWish{}; }
    bool operator==(const NodeWish&) const = default;
};
inline constexpr std::size_t kWishListMax = 64;

// What a gateway asks a scheduler to have done.
struct JobOrder {
    JobId job_id;
    Address client;
    SignedCap cap;
    ModelRequest request;
    Usd quote;               // the most this job may cost
    TokenPrices prices_max;  // a node that asks more is not chosen
    UnixMillis deadline{0};  // the job fails when it has not ended by then
    std::string trace_id;    // follows the request through the logs of every role
    bool may_hedge = false;  // a second node may be asked when the first is slow to begin
    NodeWish wish{};

    bool operator==(const JobOrder&) const = default;
};

// States of a job. Only kSettled, kFailed and kRejected are terminal.
enum class JobState : std::uint8_t {
    kQueued = 0,     // accepted, no node yet
    kLeased = 1,     // a lease is written; the node may not have started
    kStreaming = 2,  // the first token went out: no retry any more
    kDelivered = 3,  // receipt signed by both; waits for its audit and batch
    kBatched = 4,    // in a batch that is posted or about to be
    kSettled = 5,    // its batch is on chain
    kFailed = 6,     // nothing delivered or nobody to pay; nothing charged
    kRejected = 7,   // the verifier rejected the result; nothing charged
};
std::string_view to_string(JobState state);
bool is_terminal(JobState state);
// Whether the state machine allows the step.
bool may_follow(JobState from, JobState to);

// One attempt to run a job on one node. The fencing token grows with every lease a scheduler ever grants; a node with
// an old one cannot deliver.
struct Lease {
    JobId job_id;
    std::uint64_t fencing_token = 0;
    Address node;
    std::uint32_t attempt = 1;
    UnixMillis expires_at{0};

    bool operator==(const Lease&) const = default;
};

// Why a job went where it went, for people.
struct PlacementReason {
    Address node;
    std::string text;              // one sentence
    std::uint32_t candidates = 0;  // nodes looked at
    std::uint32_t rejected = 0;    // of those, ruled out by a hard filter

    bool operator==(const PlacementReason&) const = default;
};

}  // namespace vcity
