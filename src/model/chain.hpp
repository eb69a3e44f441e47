// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "model/node.hpp"
#include "model/receipt.hpp"

namespace vcity {

// Where the contracts are: the content of a deployment file.
struct Deployment {
    std::uint64_t chain_id = 0;
    Address stable;
    Address registry;
    Address escrow;
    Address settlement;
    Address treasury;
    Address access_manager;
    std::uint64_t block = 0;  // of the deployment: where an indexer starts
    // Every contract by its name in the deployment plan: "VeVCAI", "VCAIGovernor".
    std::map<std::string, Address, std::less<>> contracts;

    std::optional<Address> find(std::string_view name) const {
        const auto found = contracts.find(name);
        return found == contracts.end() ? std::nullopt : std::optional{found->second};
    }
    // kInvalid: the deployment is of an earlier release, without that contract.
    Result<Address> require(std::string_view name) const {
        const auto found = contracts.find(name);
        if (found != contracts.end()) return found->second;
        return make_error(Errc::kInvalid, "the deployment names no contract " + std::string{name});
    }
    bool operator==(const Deployment&) const = default;
};

struct ChainHead {
    std::uint64_t number = 0;
    Hash hash;
    std::uint64_t timestamp = 0;  // unix seconds
};

// A cap as the Escrow contract holds it.
struct CapState {
    bool open = false;
    Address client;
    Address scheduler;
    Usd limit;
    Usd spent;
    std::uint64_t expiry_unix_seconds = 0;
};

struct PostedBatch {
    Hash receipts_root;
    Hash earnings_root;
    std::uint64_t posted_at = 0;  // unix seconds
    bool is_final = false;
};

// --- events, decoded
struct NodeRegistered {
    NodeRecord node;
};
struct StakeChanged {
    Address identity;
    Vcai stake;
};
struct Slashed {
    Address identity;
    Vcai amount;
    Address beneficiary;
};
struct Deposited {
    Address client;
    Usd amount;
};
struct CapOpened {
    CapId cap_id;
    SpendingCap cap;
};
struct CapReleased {
    CapId cap_id;
    Usd returned;
};
struct Withdrawn {
    Address client;
    Usd amount;
};
struct Credited {
    Address client;
    Usd amount;
};
// For an agreement: out of the client's free balance into the contract that holds agreements.
struct Prepaid {
    Address client;
    Address payee;
    Usd amount;
};
// An agreement ended; so much of what was prepaid came back (and is told as Credited as well).
struct PrepaymentReturned {
    Hash agreement;
    Address client;
    Usd amount;
};
struct BatchPosted {
    Address scheduler;
    BatchHeader header;
    Usd total_charged;
    Usd fee;
};
struct Charged {
    Address scheduler;
    std::uint64_t batch_index = 0;
    Charge charge;
};
struct Claimed {
    Address scheduler;
    Address node;
    Usd amount;
    Usd cumulative;
};
struct ReceiptVoided {
    Address scheduler;
    std::uint64_t batch_index = 0;
    Hash receipt_hash;
    Usd credited;    // to the client; what is not the node's share came out of the treasury
    Usd node_share;  // taken back from the scheduler's pool
};

struct ChainEvent {
    std::uint64_t block_number = 0;
    Hash block_hash;
    Hash transaction;
    std::uint32_t log_index = 0;
    std::variant<NodeRegistered,
                 StakeChanged,
                 Slashed,
                 Deposited,
                 CapOpened,
                 CapReleased,
                 Withdrawn,
                 Credited,
                 Prepaid,
                 PrepaymentReturned,
                 BatchPosted,
                 Charged,
                 Claimed,
                 ReceiptVoided>
        what;
};

}  // namespace vcity
