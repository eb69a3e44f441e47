// SPDX-License-Identifier: Apache-2.0
#include "market/staking.hpp"

#include <algorithm>

#include "base/uint256.hpp"
#include "market/emission.hpp"

namespace vcity::market {
namespace {

constexpr std::uint64_t kMicroPerDollar = 1'000'000;
constexpr std::uint32_t kBasisPoints = 10'000;
constexpr Vcai kRateMin{1'000};
constexpr Vcai kRateMax{(U128{1} << 96U) - 1};

}  // namespace

Result<Vcai> next_stake_rate(Vcai rate, const RateTerms& terms) {
    if (rate > kRateMax) return make_error(Errc::kInvalid, "rate does not fit 96 bits");
    if (terms.factor_floor > 2 * kWadOne || terms.factor_slope > 2 * kWadOne || terms.move_max_bps > kBasisPoints) {
        return make_error(Errc::kInvalid, "factor or move out of bounds");
    }
    const U128 used = std::min(terms.utilization, kWadOne);
    const U128 factor = terms.factor_floor + terms.factor_slope * used / kWadOne;
    TRY(const Uint256 target, mul_div_floor(Uint256{terms.per_dollar.wei}, Uint256{factor}, Uint256{kWadOne}));
    const U128 move = rate.wei * terms.move_max_bps / kBasisPoints;
    const Uint256 next = std::clamp(target, Uint256{rate.wei - move}, Uint256{rate.wei + move});
    return Vcai{to_u128(std::clamp(next, Uint256{kRateMin.wei}, Uint256{kRateMax.wei})).value()};
}

Result<Vcai> stake_required(Usd base, Vcai rate, std::uint32_t gpu_count) {
    const Uint256 count{std::max(gpu_count, 1U)};
    TRY(const Uint256 stake, mul_div_ceil(Uint256{base.micro} * count, Uint256{rate.wei}, Uint256{kMicroPerDollar}));
    TRY(const U128 wei, to_u128(stake));
    return Vcai{wei};
}

SlashRange slash_range(SlashTier tier) {
    switch (tier) {
        case SlashTier::kMinor: return {500, 1'000};
        case SlashTier::kMedium: return {1'000, 3'000};
        case SlashTier::kSevere: return {10'000, 10'000};
    }
    return {};
}

Result<SlashSplit> split_slash(const SlashTerms& terms) {
    if (terms.bounty_bps > kBasisPoints) return make_error(Errc::kInvalid, "bounty is above 10,000 basis points");
    if (terms.price.micro == 0) return make_error(Errc::kInvalid, "price of VCAI is zero");
    const Uint256 one{kWeiPerVcai};
    const Uint256 price{terms.price.micro};
    SlashSplit split;
    split.paid_by_treasury = std::min(terms.loss, terms.treasury);
    const std::uint64_t missing = terms.loss.micro - split.paid_by_treasury.micro;
    TRY(split.victim.wei, to_u128(Uint256{missing} * one / price));
    if (split.victim > terms.seized || terms.seized.wei == 0) {
        split.victim = terms.seized;
        const Uint256 worth = std::min(Uint256{missing}, Uint256{terms.seized.wei} * price / one);
        split.shortfall.micro = missing - to_u64(worth).value();
    }
    const U128 left = terms.seized.wei - split.victim.wei;
    TRY(const U128 bounty, to_u128(Uint256{left} * Uint256{std::uint64_t{terms.bounty_bps}} / Uint256{kBasisPoints}));
    split.accuser.wei = std::min(bounty, terms.bounty_cap.wei);
    split.treasury.wei = left - split.accuser.wei;
    return split;
}

}  // namespace vcity::market
