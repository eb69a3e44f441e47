// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/amount.hpp"
#include "codec/json.hpp"
#include "ports/store.hpp"

namespace vcity::indexer {

// The keys of the read model. Blocks are written as 2^64 - 1 - number, so that the newest come first in key order.
// Raised with what is kept: a read model of another number is built again.
inline constexpr std::uint64_t kReadModelVersion = 2;

inline constexpr std::string_view kHeadKey = "index/head";
inline constexpr std::string_view kTotalsKey = "index/totals";
inline constexpr std::string_view kUndoPrefix = "index/undo/";
inline constexpr std::string_view kAccountPrefix = "index/account/";
inline constexpr std::string_view kCapPrefix = "index/cap/";
inline constexpr std::string_view kNodePrefix = "index/node/";
inline constexpr std::string_view kBatchPrefix = "index/batch/";
inline constexpr std::string_view kEventPrefix = "index/event/";
// The same rows again, behind the kind's or an address's name and a slash.
inline constexpr std::string_view kEventKindPrefix = "index/event-kind/";
inline constexpr std::string_view kEventOfPrefix = "index/event-of/";
inline constexpr std::string_view kLockPrefix = "index/lock/";
inline constexpr std::string_view kProposalPrefix = "index/proposal/";
inline constexpr std::string_view kProposalIdPrefix = "index/proposal-id/";  // to the key of its record
inline constexpr std::string_view kVotePrefix = "index/vote/";               // then proposal and newest_first()
inline constexpr std::string_view kParametersPrefix = "index/parameters/";   // of a contract, as last told
inline constexpr std::string_view kPeriodPrefix = "index/period/";           // of incentives
inline constexpr std::string_view kFeePrefix = "index/fee/";                 // changes of the network's fee
inline constexpr std::string_view kCasePrefix = "index/case/";               // of the court

std::string newest_first(std::uint64_t block, std::uint32_t log_index);

// Changes to the read model that become visible together: reads see what was written before, and the values as they
// were are kept, so that the whole change can be taken back.
class Draft {
  public:
    explicit Draft(ports::Store* store) : store_{store} {}

    // Null when there is none.
    Task<Result<codec::Json>> get(std::string key);
    // Only for a key that get() was called for in this draft, or that is known to be new.
    void put(const std::string& key, codec::Json value);

    // All changes as puts and deletes.
    ports::StoreChange changes() const;
    // What the store held before, by key: null for keys that were absent.
    codec::Json undo() const;

  private:
    struct Slot {
        codec::Json before;
        codec::Json now;
        bool written = false;
    };

    ports::Store* store_;
    std::map<std::string, Slot> slots_;
};

// The change that undo() describes.
Result<ports::StoreChange> change_from_undo(const codec::Json& undo);

ports::StoreEntry to_entry(std::string key, const codec::Json& value);

// Members that are counts or amounts in micro-dollars; absent counts as zero.
std::uint64_t number_of(const codec::Json& json, std::string_view name);
Result<void> add_to(codec::Json* json, std::string_view name, std::uint64_t amount);
// kCorrupt when it would go below zero: the chain's events contradict each other.
Result<void> take_from(codec::Json* json, std::string_view name, std::uint64_t amount);

}  // namespace vcity::indexer
