// SPDX-License-Identifier: Apache-2.0
#include "placement/unit_index.hpp"

#include "placement/unit_test_world.hpp"

namespace vcity::placement {
namespace {

// An index and its plain double, driven at random and compared at every decision.
class Duel {
  public:
    Duel(std::uint64_t seed,
         std::size_t models,
         std::size_t regions,
         const PackingPolicy* policy,
         UnitIndexOptions options)
        : random_{seed},
          index_{a_catalogue(models, regions, &random_), policy, options},
          world_{&index_.catalogue(), policy} {}

    void join() {
        const ExecutionUnit unit = random_unit(index_.catalogue(), joined_++, &random_);
        const Result<UnitHandle> handle = index_.join(unit);
        ASSERT_TRUE(handle) << handle.error().message;
        world_.join(unit, *handle);
    }
    void leave() {
        if (world_.units().empty()) return;
        const std::size_t at = draw(&random_, world_.units().size());
        const UnitHandle handle = world_.units()[at].handle;
        ASSERT_TRUE(index_.leave(handle));
        world_.units().erase(world_.units().begin() + static_cast<std::ptrdiff_t>(at));
        for (const Grant& grant : grants_) {
            if (grant.unit == handle) EXPECT_EQ(index_.release(grant).error().code, Errc::kNotFound);
        }
        std::erase_if(grants_, [&](const Grant& grant) { return grant.unit == handle; });
    }
    void update() {
        if (world_.units().empty()) return;
        PlainWorld::Unit& unit = world_.units()[draw(&random_, world_.units().size())];
        unit.unit.terms = random_terms(&random_);
        ASSERT_TRUE(index_.update(unit.handle, unit.unit.terms));
    }
    void release() {
        if (grants_.empty()) return;
        const std::size_t at = draw(&random_, grants_.size());
        ASSERT_TRUE(index_.release(grants_[at]));
        world_.apply(grants_[at], +1);
        grants_[at] = grants_.back();
        grants_.pop_back();
    }
    void place() {
        UnitDemand demand = random_demand(index_.catalogue(), &random_);
        while (demand.excluded_count < 2 && !world_.units().empty() && draw(&random_, 4) == 0) {
            demand.excluded[demand.excluded_count++] = world_.units()[draw(&random_, world_.units().size())].handle;
        }
        const PlainWorld::Best expected = world_.best(demand);
        const Result<Decision> decision = index_.place(demand);
        if (!decision) {  // the random sets left no model at all
            EXPECT_EQ(decision.error().code, Errc::kInvalid);
            EXPECT_EQ(expected.unit, nullptr) << decision.error().message;
            return;
        }
        ++decisions;
        if (expected.unit == nullptr) {
            EXPECT_EQ(decision->outcome, Outcome::kNoUnit);
            return;
        }
        ++placed;
        ASSERT_EQ(decision->outcome, Outcome::kPlaced);
        ASSERT_EQ(decision->grant.unit, expected.unit->handle);
        ASSERT_EQ(decision->terms.score(), expected.score);
        world_.apply(decision->grant, -1);
        grants_.push_back(decision->grant);
    }
    void run(int steps) {
        for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
            const std::uint64_t dice = draw(&random_, 100);
            if (dice < 5) join();
            if (dice >= 5 && dice < 7) leave();
            if (dice >= 7 && dice < 15) update();
            if (dice >= 15 && dice < 40) release();
            if (dice >= 40) place();
        }
    }

    int decisions = 0;
    int placed = 0;

  private:
    std::mt19937_64 random_;
    UnitIndex index_;
    PlainWorld world_;
    std::vector<Grant> grants_;
    std::uint32_t joined_ = 0;
};

void fight(
    std::uint64_t seed, std::size_t units, int steps, const PackingPolicy& policy, UnitIndexOptions options = {}) {
    Duel duel{seed, 1 + seed % 6, 1 + seed % 11, &policy, options};
    for (std::size_t unit = 0; unit < units; ++unit) duel.join();
    duel.run(steps);
    EXPECT_GT(duel.decisions, steps / 3);
    EXPECT_GT(duel.placed, 0);
}

UnitIndexOptions small_options() {
    UnitIndexOptions options;
    options.states_max = 512;
    return options;
}

TEST(UnitIndex, AgreesWithBruteForceInSmallWorlds) {
    const ArbitraryPolicy policy{50, 2000};
    for (std::uint64_t seed = 0; seed < 25 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        fight(seed, 2 + seed, 120, policy, small_options());
    }
}

TEST(UnitIndex, AgreesWithBruteForceInALargerWorld) {
    const ArbitraryPolicy policy{50, 4000};
    fight(11 * 6 + 5, 400, 900, policy, small_options());
}

TEST(UnitIndex, AgreesWithBruteForceAtTheFinestGrain) {
    const ArbitraryPolicy policy;
    fight(1001, 100, 1000, policy, small_options());
}

TEST(UnitIndex, AgreesWithBruteForceWhenThereAreMoreStatesThanRoom) {
    const ArbitraryPolicy policy;
    UnitIndexOptions options = small_options();
    options.states_max = 16;
    fight(1002, 60, 1000, policy, options);
}

TEST(UnitIndex, AgreesWithBruteForceWithoutAnyRequestClass) {
    const ArbitraryPolicy policy{50, 2000};
    UnitIndexOptions options = small_options();
    options.request_classes = 0;
    fight(1003, 60, 500, policy, options);
    options.request_classes = 1;
    fight(1004, 60, 500, policy, options);
}

}  // namespace
}  // namespace vcity::placement
