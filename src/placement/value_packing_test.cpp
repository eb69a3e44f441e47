// SPDX-License-Identifier: Apache-2.0
#include "placement/value_packing.hpp"

#include "placement/unit_test_world.hpp"

namespace vcity::placement {
namespace {

GpuRequest request(std::uint8_t gpus, std::uint16_t milli, std::uint32_t cpu, std::uint64_t models = ~0ULL) {
    return {models, gpus, milli, cpu, 0};
}

GpuState unit_of(std::uint8_t model, std::initializer_list<std::uint16_t> left, std::uint32_t cpu) {
    GpuState state{model, static_cast<std::uint8_t>(left.size()), {}, cpu, 0};
    std::ranges::copy(left, state.left_milli.begin());
    return state;
}

// A thousand free GPUs of each of two models, two in a unit.
PackingSupply two_models() {
    PackingSupply supply;
    for (int unit = 0; unit < 500; ++unit) {
        supply.add(unit_of(0, {1000, 1000}, 24'000), 24'000);
        supply.add(unit_of(1, {1000, 1000}, 24'000), 24'000);
    }
    return supply;
}

std::unique_ptr<ValuePacking> policy_for(std::initializer_list<std::pair<GpuRequest, int>> counts,
                                         const PackingSupply& supply = two_models()) {
    PackingPlanner planner;
    for (const auto& [shape, times] : counts) {
        for (int count = 0; count < times; ++count) planner.mix().add(shape);
    }
    return planner.plan(supply);
}

std::uint16_t penalty(const ValuePacking& policy, const GpuState& state, const GpuRequest& asked) {
    return policy.choose(policy.rounded(state), policy.rounded(asked)).penalty;
}

TEST(ValuePacking, ARareSmallShareFillsTheLeftoverThatNothingElseCanUse) {
    const auto policy = policy_for({{request(1, 810, 1000), 90}, {request(1, 160, 1000), 2}});
    const GpuRequest small = request(1, 160, 1000);
    const GpuState state = unit_of(0, {1000, 190}, 22'000);
    EXPECT_EQ(policy->choose(state, policy->rounded(small)).gpu, 1);
    EXPECT_LT(penalty(*policy, state, small), penalty(*policy, unit_of(0, {1000, 1000}, 22'000), small));
}

TEST(ValuePacking, SharesThatMakeAWholeGpuMeet) {
    // 650 + 320 leaves 30, 470 + 320 leaves 210 that nothing fits.
    const auto policy =
        policy_for({{request(1, 650, 1000), 30}, {request(1, 320, 1000), 30}, {request(1, 470, 1000), 60}});
    const GpuState state = unit_of(0, {530, 350}, 20'000);
    EXPECT_EQ(policy->choose(state, policy->rounded(request(1, 320, 1000))).gpu, 1);
    EXPECT_EQ(policy->choose(state, policy->rounded(request(1, 470, 1000))).gpu, 0);
}

TEST(ValuePacking, ARequestThatNeedsMuchCpuGoesWhereThereIsMuch) {
    const auto policy = policy_for({{request(1, 1000, 10'000), 10}});
    const GpuRequest heavy = request(1, 1000, 16'000);
    EXPECT_LT(penalty(*policy, unit_of(0, {1000, 1000}, 80'000), heavy),
              penalty(*policy, unit_of(0, {1000, 1000}, 24'000), heavy));
}

TEST(ValuePacking, ARequestWithoutAGpuStaysOffUnitsThatWouldStrandTheirs) {
    const auto policy = policy_for({{request(1, 1000, 10'000), 10}, {request(0, 0, 10'000), 5}});
    const GpuRequest cpu_only = request(0, 0, 10'000);
    EXPECT_LT(penalty(*policy, unit_of(0, {0, 0}, 24'000), cpu_only),
              penalty(*policy, unit_of(0, {1000, 1000}, 24'000), cpu_only));
    EXPECT_LT(penalty(*policy, unit_of(0, {1000, 1000}, 90'000), cpu_only),
              penalty(*policy, unit_of(0, {1000, 1000}, 24'000), cpu_only));
}

TEST(ValuePacking, ARequestThatCouldGoAnywhereStaysOffAModelThatOthersNeed) {
    const auto policy = policy_for({{request(1, 1000, 10'000, 0b10), 50}, {request(1, 1000, 10'000), 50}});
    const GpuRequest any = request(1, 1000, 10'000);
    EXPECT_LT(penalty(*policy, unit_of(0, {1000, 1000}, 24'000), any),
              penalty(*policy, unit_of(1, {1000, 1000}, 24'000), any));
}

TEST(ValuePacking, EqualGpusAreOneChoiceAndTheTightestWinsTies) {
    const auto policy = policy_for({});
    EXPECT_EQ(policy->choose(unit_of(0, {500, 500, 500}, 8000), request(1, 200, 0)).gpu, 2);
}

TEST(ValuePacking, IsDefinedForEveryStateAndRequest) {
    const auto policy = policy_for({{request(1, 470, 4000), 10}, {request(8, 1000, 90'000), 1}});
    std::mt19937_64 random{3};
    for (int round = 0; round < 2000; ++round) {
        GpuState state;
        state.model = static_cast<std::uint8_t>(random() % kPackingModels);
        state.gpus = static_cast<std::uint8_t>(random() % (kGpusMax + 1));
        for (std::size_t gpu = 0; gpu < state.gpus; ++gpu) {
            state.left_milli[gpu] = static_cast<std::uint16_t>(random() % 1001);
        }
        std::ranges::sort(state.left_milli, std::greater{});
        state.cpu_left_milli = static_cast<std::uint32_t>(random() % 200'000);
        const auto gpus = static_cast<std::uint8_t>(random() % (kGpusMax + 1));
        const auto milli = static_cast<std::uint16_t>(gpus == 1 ? 1 + random() % 1000 : 1000);
        const GpuRequest asked = request(gpus, milli, static_cast<std::uint32_t>(random() % 200'000));
        const GpuChoice choice = policy->choose(state, asked);
        EXPECT_LE(choice.penalty, kPenaltyMax);
        if (choice.gpu != GpuChoice::kAny) {
            ASSERT_LT(choice.gpu, state.gpus);
            EXPECT_GE(state.left_milli[choice.gpu], milli);
        }
        EXPECT_EQ(policy->choose(state, asked).penalty, choice.penalty);
    }
}

TEST(ValuePacking, DoesNotDependOnTheOrderInWhichTheMixWasSeen) {
    const auto forth = policy_for({{request(1, 470, 4000), 10}, {request(1, 1000, 9000), 7}, {request(0, 0, 500), 3}});
    const auto back = policy_for({{request(0, 0, 500), 3}, {request(1, 1000, 9000), 7}, {request(1, 470, 4000), 10}});
    const GpuState state = unit_of(1, {1000, 530}, 12'000);
    for (std::uint16_t milli = 100; milli <= 1000; milli += 50) {
        const GpuRequest asked = request(1, milli, 3000);
        EXPECT_EQ(forth->choose(state, asked).penalty, back->choose(state, asked).penalty);
    }
}

TEST(ValuePacking, RoundsToItsGrainAndIgnoresMemoryAndModels) {
    const ValuePacking policy{RequestMix{}, PackingSupply{}, ShareValues{4}, {}, PackingGrain{10, 1000}};
    GpuState state = unit_of(3, {999, 500, 7}, 12'345);
    state.memory_left_mib = 77;
    EXPECT_EQ(policy.rounded(state), unit_of(3, {990, 500, 0}, 12'000));
    const GpuRequest asked = policy.rounded(GpuRequest{0b1, 1, 455, 1234, 4096});
    EXPECT_EQ(asked, (GpuRequest{0, 1, 455, 1234, 0}));
}

// The index with a policy that is replaced while the network fills, beside a search in the plainest way.
TEST(ValuePacking, TheIndexFollowsAPolicyThatIsReplaced) {
    std::mt19937_64 random{11};
    const Catalogue catalogue = a_catalogue(4, 3, &random);
    PackingPlanner planner;
    std::unique_ptr<ValuePacking> policy = planner.plan(PackingSupply{});
    UnitIndex index{catalogue, policy.get()};
    std::vector<PlainWorld::Unit> units;
    for (std::uint32_t number = 0; number < 40; ++number) {
        const ExecutionUnit unit = random_unit(catalogue, number, &random);
        const auto handle = index.join(unit);
        ASSERT_TRUE(handle.has_value());
        PlainWorld world{&catalogue, policy.get()};
        world.join(unit, *handle);
        units.push_back(world.units().front());
    }
    for (int step = 0; step < 80; ++step) {
        if (step % 20 == 0) {
            PackingSupply supply;
            index.for_each([&](UnitHandle handle, const UnitRecord& record) {
                supply.add(ordered_state(record).state, index.unit(handle).capacity.cpu_milli);
            });
            std::unique_ptr<ValuePacking> fresh = planner.plan(supply);
            index.replace_policy(fresh.get());
            policy = std::move(fresh);
        }
        const UnitDemand demand = random_demand(catalogue, &random);
        planner.mix().add(gpu_request(demand));
        PlainWorld world{&catalogue, policy.get()};
        world.units() = units;
        const PlainWorld::Best best = world.best(demand);
        const auto decision = index.place(demand);
        ASSERT_TRUE(decision.has_value());
        ASSERT_EQ(decision->outcome == Outcome::kPlaced, best.unit != nullptr);
        if (best.unit == nullptr) continue;
        ASSERT_EQ(decision->grant.unit, best.unit->handle);
        ASSERT_EQ(decision->terms.score(), best.score);
        world.apply(decision->grant, -1);
        units = world.units();
    }
}

}  // namespace
}  // namespace vcity::placement
