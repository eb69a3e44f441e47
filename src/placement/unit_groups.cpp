// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>

#include "base/check.hpp"
#include "placement/unit_index.hpp"

namespace vcity::placement {
namespace {

Result<void> check_count(std::string_view what, std::size_t count, std::size_t limit, std::size_t room) {
    if (count == 0 || count > limit) {
        return make_error(Errc::kInvalid,
                          std::to_string(count) + " " + std::string{what} + "; 1 to " + std::to_string(limit));
    }
    CHECK(room >= count);
    return {};
}

// The larger, the harder to place later.
auto size_of(const UnitDemand& demand) {
    return std::tuple{std::uint32_t{demand.gpus} * demand.gpu_milli, demand.cpu_milli, demand.memory_mib,
                      demand.disk_mib};
}

}  // namespace

// The best unit for each member in turn, without those before: as members are equal and scores do not depend on each
// other, that is the least sum. Nothing is taken. Nothing, too, when the sum reaches the limit.
std::optional<std::uint64_t> UnitIndex::gather(const Gang& gang,
                                               std::uint64_t regions,
                                               std::uint64_t limit,
                                               std::span<Decision> decisions) {
    UnitDemand member = gang.member;
    member.regions &= regions;
    std::uint64_t sum = 0;
    std::size_t found = 0;
    for (; found < gang.members && sum < limit; ++found) {
        const Pick pick = search(member);
        if (pick.slot == UINT32_MAX) break;
        decisions[found] = {Outcome::kPlaced, grant_for(pick, member), pick.terms};
        sum += pick.terms.score();
        groups_.hide(records_[pick.slot]);
    }
    for (const Decision& decision : decisions.first(found)) groups_.show(records_[decision.grant.unit.slot]);
    if (found < gang.members || sum >= limit) return std::nullopt;
    return sum;
}

Result<Outcome> UnitIndex::place_gang(const Gang& gang, std::span<Decision> decisions) {
    TRY_OK(check(catalogue_, gang.member));
    TRY_OK(check_count("members", gang.members, Gang::kMembersMax, decisions.size()));
    std::array<Decision, Gang::kMembersMax> tried;
    std::uint64_t least = UINT64_MAX;
    const auto attempt = [&](std::uint64_t regions) {
        const auto sum = gather(gang, regions, least, tried);
        if (!sum) return;
        least = *sum;
        std::copy_n(tried.begin(), gang.members, decisions.begin());
    };
    if (gang.is_one_region) {
        std::uint64_t regions = gang.member.regions & catalogue_.all_regions();
        for (; regions != 0; regions &= regions - 1) attempt(1ULL << std::countr_zero(regions));
    } else {
        attempt(~0ULL);
    }
    if (least == UINT64_MAX) return Outcome::kNoUnit;
    for (const Decision& decision : decisions.first(gang.members)) apply(decision.grant);
    return Outcome::kPlaced;
}

Result<Outcome> UnitIndex::place_parts(std::span<const UnitDemand> parts, std::span<Decision> decisions) {
    TRY_OK(check_count("parts", parts.size(), kPartsMax, decisions.size()));
    for (const UnitDemand& part : parts) {
        TRY_OK(check(catalogue_, part));
    }
    std::array<std::uint16_t, kPartsMax> order;
    const auto used = std::span{order}.first(parts.size());
    std::iota(used.begin(), used.end(), std::uint16_t{0});
    std::ranges::sort(used, [&](std::uint16_t left, std::uint16_t right) {
        const auto sizes = std::tuple{size_of(parts[right]), left};
        return sizes < std::tuple{size_of(parts[left]), right};
    });
    for (std::size_t done = 0; done < used.size(); ++done) {
        const UnitDemand& part = parts[used[done]];
        const Pick pick = search(part);
        if (pick.slot == UINT32_MAX) {
            while (done-- > 0) CHECK(release(decisions[used[done]].grant).has_value());
            return Outcome::kNoUnit;
        }
        decisions[used[done]] = {Outcome::kPlaced, grant_for(pick, part), pick.terms};
        apply(decisions[used[done]].grant);
    }
    return Outcome::kPlaced;
}

}  // namespace vcity::placement
