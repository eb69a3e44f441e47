// SPDX-License-Identifier: Apache-2.0
#include "model/duty.hpp"

namespace vcity {

std::string_view to_string(DutyKind kind) {
    switch (kind) {
        case DutyKind::kObserveOracle: return "observe_oracle";
        case DutyKind::kBuyBack: return "buy_back";
        case DutyKind::kClosePeriod: return "close_period";
        case DutyKind::kRecomputeStake: return "recompute_stake";
        case DutyKind::kUpdateFee: return "update_fee";
        case DutyKind::kRenewSubscription: return "renew_subscription";
        case DutyKind::kSettleAgreement: return "settle_agreement";
        case DutyKind::kSweepAgent: return "sweep_agent";
        case DutyKind::kMoveCase: return "move_case";
        case DutyKind::kMoveProposal: return "move_proposal";
    }
    return "unknown";
}

}  // namespace vcity
