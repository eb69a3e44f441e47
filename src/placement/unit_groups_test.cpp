// SPDX-License-Identifier: Apache-2.0
#include <numeric>
#include <set>

#include "placement/unit_test_world.hpp"

namespace vcity::placement {
namespace {

class Groups : public testing::Test {
  protected:
    void fill(std::size_t units, std::size_t regions, std::uint64_t seed) {
        random_.seed(seed);
        catalogue_ = a_catalogue(3, regions, &random_);
        UnitIndexOptions options;
        options.states_max = 256;
        index_.emplace(*catalogue_, &policy_, options);
        world_.emplace(&*catalogue_, &policy_);
        for (std::uint32_t number = 0; number < units; ++number) {
            const ExecutionUnit unit = random_unit(*catalogue_, number, &random_);
            world_->join(unit, *index_->join(unit));
        }
    }
    UnitDemand a_member() {
        UnitDemand demand = random_demand(*catalogue_, &random_);
        demand.models = ~0ULL;
        demand.models_denied = 0;
        demand.vram_mib = 0;
        demand.level_min = 0;
        return demand;
    }
    // The least sum of `members` scores of different units, in one region or anywhere.
    std::optional<std::uint64_t> least_sum(const Gang& gang) {
        const std::size_t regions = gang.is_one_region ? catalogue_->regions().size() : 1;
        std::optional<std::uint64_t> least;
        for (std::size_t region = 0; region < regions; ++region) {
            std::vector<std::uint64_t> scores;
            for (const PlainWorld::Unit& unit : world_->units()) {
                if (gang.is_one_region && unit.unit.capacity.region != region) continue;
                if (world_->fits(unit, gang.member)) scores.push_back(world_->score(unit, gang.member));
            }
            if (scores.size() < gang.members) continue;
            std::ranges::sort(scores);
            const auto end = scores.begin() + static_cast<std::ptrdiff_t>(gang.members);
            const std::uint64_t sum = std::accumulate(scores.begin(), end, std::uint64_t{0});
            if (!least || sum < *least) least = sum;
        }
        return least;
    }

    std::mt19937_64 random_;
    ArbitraryPolicy policy_{50, 2000};
    std::optional<Catalogue> catalogue_;
    std::optional<UnitIndex> index_;
    std::optional<PlainWorld> world_;
};

TEST_F(Groups, AGangHasTheLeastSumOfScoresOnUnitsOfItsOwn) {
    int placed = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        fill(40, 4, seed);
        Gang gang{a_member(), 1 + draw(&random_, 5), draw(&random_, 2) == 0};
        const auto expected = least_sum(gang);
        std::array<Decision, Gang::kMembersMax> decisions;

        const Result<Outcome> outcome = index_->place_gang(gang, decisions);

        ASSERT_TRUE(outcome);
        ASSERT_EQ(*outcome == Outcome::kPlaced, expected.has_value()) << seed;
        if (!expected) continue;
        ++placed;
        std::uint64_t sum = 0;
        std::set<std::uint32_t> slots;
        std::set<std::uint8_t> regions;
        for (const Decision& decision : std::span{decisions}.first(gang.members)) {
            sum += decision.terms.score();
            slots.insert(decision.grant.unit.slot);
            regions.insert(index_->record(decision.grant.unit).region);
            world_->apply(decision.grant, -1);
        }
        EXPECT_EQ(sum, *expected) << seed;
        EXPECT_EQ(slots.size(), gang.members);
        if (gang.is_one_region) EXPECT_EQ(regions.size(), 1U);
    }
    EXPECT_GT(placed, 20);
}

TEST_F(Groups, AGangThatDoesNotFitTakesNothing) {
    fill(10, 1, 5);
    UnitDemand member = a_member();
    member.regions = ~0ULL;
    std::array<Decision, Gang::kMembersMax> decisions;
    const Bytes before = index_->snapshot();

    const Result<Outcome> outcome = index_->place_gang({member, 11, false}, decisions);

    ASSERT_TRUE(outcome);
    EXPECT_EQ(*outcome, Outcome::kNoUnit);
    EXPECT_EQ(index_->snapshot(), before);
    EXPECT_EQ(index_->place_gang({member, 0, false}, decisions).error().message, "0 members; 1 to 64");
    EXPECT_EQ(index_->place_gang({member, 65, false}, std::span{decisions}.first(0)).error().code, Errc::kInvalid);
}

TEST_F(Groups, PartsGoLargestFirstAndRollBackWhole) {
    int placed = 0;
    int refused = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        fill(6, 2, seed);
        std::vector<UnitDemand> parts(1 + draw(&random_, 8));
        for (UnitDemand& part : parts) part = a_member();
        std::vector<Decision> decisions(parts.size());
        const Bytes before = index_->snapshot();

        const Result<Outcome> outcome = index_->place_parts(parts, decisions);

        ASSERT_TRUE(outcome) << outcome.error().message;
        if (*outcome == Outcome::kNoUnit) {
            ++refused;
            EXPECT_EQ(index_->snapshot(), before);
            continue;
        }
        ++placed;
        std::vector<std::size_t> order(parts.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::sort(order, std::greater{}, [&](std::size_t part) {
            const UnitDemand& demand = parts[part];
            return std::tuple{demand.gpus * demand.gpu_milli, demand.cpu_milli, demand.memory_mib, demand.disk_mib,
                              -static_cast<int>(part)};
        });
        for (const std::size_t part : order) {
            const PlainWorld::Best best = world_->best(parts[part]);
            ASSERT_NE(best.unit, nullptr);
            EXPECT_EQ(decisions[part].grant.unit, best.unit->handle);
            world_->apply(decisions[part].grant, -1);
        }
    }
    EXPECT_GT(placed, 5);
    EXPECT_GT(refused, 5);
}

TEST_F(Groups, APartThatIsInvalidStopsAllOfThem) {
    fill(6, 2, 1);
    std::vector<UnitDemand> parts(2, a_member());
    parts[1].gpus = 9;
    std::vector<Decision> decisions(2);
    const Bytes before = index_->snapshot();

    EXPECT_EQ(index_->place_parts(parts, decisions).error().message, "gpus 9 is above 8");
    EXPECT_EQ(index_->place_parts({}, decisions).error().message, "0 parts; 1 to 256");
    EXPECT_EQ(index_->snapshot(), before);
}

}  // namespace
}  // namespace vcity::placement
