// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace vcity {

// What anyone may do on chain once it is due, and somebody must, so that the network goes on by itself.
enum class DutyKind : std::uint8_t {
    kObserveOracle,      // take a price for the average
    kBuyBack,            // buy VCAI with revenue
    kClosePeriod,        // end an incentive period
    kRecomputeStake,     // the weekly requirement
    kUpdateFee,          // the network fee
    kRenewSubscription,  // begin a period that the client consented to
    kSettleAgreement,    // book what accrued
    kSweepAgent,         // credit what an agent earned
    kMoveCase,           // draw a committee, end a round, execute a ruling
    kMoveProposal,       // open the vote, queue, execute
};

inline constexpr std::array kAllDuties{DutyKind::kObserveOracle,   DutyKind::kBuyBack,    DutyKind::kClosePeriod,
                                       DutyKind::kRecomputeStake,  DutyKind::kUpdateFee,  DutyKind::kRenewSubscription,
                                       DutyKind::kSettleAgreement, DutyKind::kSweepAgent, DutyKind::kMoveCase,
                                       DutyKind::kMoveProposal};

std::string_view to_string(DutyKind kind);

// One call that is due. Two keepers that look at the same block see equal duties.
struct Duty {
    DutyKind kind{};
    std::string step;  // which call, where a kind has several: "open", "queue"
    Hash subject;      // what it is about: an agreement, a case, a proposal; zero for the network as a whole

    bool operator==(const Duty&) const = default;
};

struct DutyList {
    std::vector<Duty> due;
    // Unix seconds before which nothing more of this kind can fall due; nullopt when that is not known.
    std::optional<std::uint64_t> next_at;
};

// What became of a duty. Beaten: it was not due any more, or not yet; nothing was changed by us.
enum class DutyOutcome : std::uint8_t { kDone, kBeaten };

}  // namespace vcity
