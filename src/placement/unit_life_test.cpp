// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "placement/unit_explain.hpp"
#include "placement/unit_test_world.hpp"

// Counts what is allocated. The sanitizers bring an operator new of their own, which may not be replaced but watched.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VCITY_WATCHES_MALLOC
#include <sanitizer/allocator_interface.h>
#endif
#endif

namespace {

std::atomic<std::size_t> allocations = 0;

#ifdef VCITY_WATCHES_MALLOC

void on_malloc(const volatile void*, std::size_t) {
    ++allocations;
}
void on_free(const volatile void*) {}

[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace

#else

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory == nullptr) std::abort();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) {
    return counted(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

#endif

namespace vcity::placement {
namespace {

Catalogue two_regions() {
    return *Catalogue::make({{"a10", 24 * 1024}, {"h100", 80 * 1024}}, {"eu", "us"}, {1000, 90'000, 90'000, 1000});
}

ExecutionUnit a_unit(std::uint8_t number) {
    ExecutionUnit unit;
    unit.id.node.bytes.fill(number);
    unit.capacity = {0, 0, 2, 16'000, 64 * 1024, 100 * 1024};
    unit.terms.price_micro = 300'000;
    unit.terms.reputation_bp = 9'900;
    return unit;
}

UnitDemand one_gpu() {
    UnitDemand demand;
    demand.gpus = 1;
    demand.gpu_milli = kWholeGpuMilli;
    demand.cpu_milli = 1000;
    demand.weights = {1, 1, 10, 1};
    return demand;
}

class UnitLife : public testing::Test {
  protected:
    std::string why(const UnitDemand& demand) {
        const Result<Explanation> found = explain(index_, demand);
        EXPECT_EQ(found->outcome, index_.best(demand)->outcome);
        return found->text;
    }
    std::string refusal(const UnitDemand& demand) {
        const Result<Decision> decision = index_.place(demand);
        return decision ? "no error" : decision.error().message;
    }

    ArbitraryPolicy policy_{50, 2000};
    UnitIndex index_{two_regions(), &policy_};
};

TEST_F(UnitLife, AUnitIsUsedUpAndGivenBack) {
    const UnitHandle handle = *index_.join(a_unit(1));
    const Bytes idle = index_.snapshot();

    const Decision first = *index_.place(one_gpu());
    const Decision second = *index_.place(one_gpu());
    EXPECT_EQ(first.grant.gpu_mask, 0b01);
    EXPECT_EQ(second.grant.gpu_mask, 0b10);
    EXPECT_EQ(index_.place(one_gpu())->outcome, Outcome::kNoUnit);
    ASSERT_TRUE(index_.release(first.grant));
    ASSERT_TRUE(index_.release(second.grant));

    EXPECT_EQ(index_.snapshot(), idle);
    EXPECT_EQ(index_.release(second.grant).error().code, Errc::kInvalid) << "twice";
    ASSERT_TRUE(index_.take(second.grant));
    EXPECT_EQ(index_.take(second.grant).error().code, Errc::kConflict);
    ASSERT_TRUE(index_.leave(handle));
    EXPECT_EQ(index_.release(second.grant).error().code, Errc::kNotFound);
    EXPECT_EQ(index_.leave(handle).error().code, Errc::kNotFound);
}

TEST_F(UnitLife, AHandleIsNeverUsedAgain) {
    const UnitHandle before = *index_.join(a_unit(1));
    EXPECT_EQ(index_.join(a_unit(1)).error().code, Errc::kConflict);
    ASSERT_TRUE(index_.leave(before));
    const UnitHandle after = *index_.join(a_unit(1));

    EXPECT_NE(before, after);
    EXPECT_FALSE(index_.is_joined(before));
    EXPECT_EQ(index_.find(a_unit(1).id), after);
    EXPECT_FALSE(index_.find(a_unit(2).id));
    EXPECT_EQ(index_.update(before, {}).error().code, Errc::kNotFound);
}

TEST_F(UnitLife, NewsOfAHeartbeatCountAtOnceAndGrantsStay) {
    const UnitHandle first = *index_.join(a_unit(1));
    const UnitHandle second = *index_.join(a_unit(2));
    UnitDemand demand = one_gpu();
    demand.weights = {0, 1, 0, 0};
    const Decision before = *index_.place(demand);
    EXPECT_EQ(before.grant.unit, first) << "equal scores: by id";

    UnitTerms terms = a_unit(1).terms;
    terms.price_micro = 300'001;
    ASSERT_TRUE(index_.update(first, terms));

    EXPECT_EQ(index_.best(demand)->grant.unit, second);
    terms.is_open = false;
    ASSERT_TRUE(index_.update(second, terms));
    EXPECT_EQ(index_.best(demand)->grant.unit, first);
    ASSERT_TRUE(index_.release(before.grant));
    terms.level = 4;
    EXPECT_EQ(index_.update(second, terms).error().message, "level 4 is above 3");
}

TEST_F(UnitLife, RefusesDemandsThatCannotBeMeant) {
    const auto with = [](auto change) {
        UnitDemand demand = one_gpu();
        change(&demand);
        return demand;
    };
    EXPECT_EQ(refusal(UnitDemand{}), "asks for nothing: no GPU, CPU, memory or disk");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->gpus = 255; })), "gpus 255 is above 8");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->gpu_milli = 0; })), "gpu_milli 0: ask for a share of 1 to 1000");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->gpus = 0; })), "gpu_milli 1000 of no GPU");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->gpu_milli = 65535; })), "gpu_milli 65535 is above 1000");
    EXPECT_EQ(refusal(with([](auto* demand) {
                  demand->gpus = 2;
                  demand->gpu_milli = 500;
              })),
              "gpu_milli 500 of 2 GPUs: more than one GPU is whole GPUs, 1000 each");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->cpu_milli = UINT32_MAX; })),
              "cpu_milli 4294967295 is above 16777216");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->customer_region = 2; })),
              "customer_region 2: there are 2 regions");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->models = 4; })), "no GPU model of the catalogue is allowed");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->models_denied = 3; })), "every allowed GPU model is also denied");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->regions = 0; })), "no region of the catalogue is allowed");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->vram_mib = 1U << 20; })),
              "vram_mib 1048576: no allowed GPU model has as much");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->kinds = 4; })), "neither stable nor flexible units are allowed");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->weights.price = UINT32_MAX; })),
              "weights.price 4294967295 is above 1000000");
    EXPECT_EQ(refusal(with([](auto* demand) { demand->interconnect_min = static_cast<Interconnect>(9); })),
              "interconnect_min 9 is above 3");
}

TEST_F(UnitLife, NamesThatNobodyKnowsAreToldWithThoseThereAre) {
    EXPECT_EQ(index_.catalogue().model("a11").error().message, "unknown GPU model \"a11\"; there are a10 h100");
    EXPECT_EQ(index_.catalogue().region("\x1bmars").error().message, "unknown region \"?mars\"; there are eu us");
    EXPECT_EQ(*index_.catalogue().model("h100"), 1);
    EXPECT_FALSE(Catalogue::make({}, {"eu"}, {0}));
    EXPECT_FALSE(Catalogue::make({{"a", 1}, {"a", 2}}, {"eu"}, {0}));
    EXPECT_EQ(Catalogue::make({{"a", 1}}, {"eu"}, {}).error().message, "0 latencies for 1 regions");
}

TEST_F(UnitLife, TellsWhyThisUnit) {
    ASSERT_TRUE(index_.join(a_unit(0x11)));
    EXPECT_EQ(
        why(one_gpu()),
        "0x11111111/0 (a10, eu, 1.00 ms, 0.30 USD per GPU hour, reputation 99.00 %): the only one of 1 units that "
        "fits");
    ExecutionUnit far = a_unit(0x22);
    far.capacity.region = 1;
    far.terms.price_micro = 290'000;
    ASSERT_TRUE(index_.join(far));
    UnitDemand demand = one_gpu();
    demand.weights.packing = 0;

    EXPECT_EQ(why(demand),
              "0x11111111/0 (a10, eu, 1.00 ms, 0.30 USD per GPU hour, reputation 99.00 %): best of 2 that fit, score "
              "302000 against 381000 of 0x22222222/0 (a10, us, 90.00 ms, 0.29 USD per GPU hour, reputation 99.00 %); "
              "better in latency by 89000; worse in price by 10000");
}

TEST_F(UnitLife, TellsWhyNoUnit) {
    EXPECT_EQ(why(one_gpu()), "no unit has joined");
    for (std::uint8_t number = 1; number <= 9; ++number) {
        ExecutionUnit unit = a_unit(number);
        unit.capacity.model = number % 3 == 0 ? 1 : 0;
        unit.capacity.region = number % 2;
        ASSERT_TRUE(index_.join(unit));
    }
    UnitDemand demand = one_gpu();
    demand.models = 1;
    demand.regions = 2;
    demand.price_micro_max = 200'000;

    EXPECT_EQ(why(demand),
              "of 9 units, 6 have an allowed GPU model, 3 are in an allowed region, none asks at most 0.20 USD per GPU "
              "hour; the cheapest asks 0.30 USD per GPU hour");
    demand.price_micro_max = kNoPriceCap;
    demand.gpus = 3;
    EXPECT_EQ(why(demand),
              "of 9 units, 6 have an allowed GPU model, 3 are in an allowed region, none has 3 GPUs in all");
}

TEST_F(UnitLife, PlacingAndReleasingDoNotAllocate) {
    std::mt19937_64 random{3};
    for (std::uint32_t number = 0; number < 300; ++number) {
        ASSERT_TRUE(index_.join(random_unit(index_.catalogue(), number, &random)));
    }
    std::vector<UnitDemand> demands;
    while (demands.size() < 400) {
        const UnitDemand demand = random_demand(index_.catalogue(), &random);
        if (check(index_.catalogue(), demand)) demands.push_back(demand);
    }
    std::array<Grant, 64> held;
    std::size_t count = 0;
    std::size_t placed = 0;
    const std::size_t none = allocations;
    const std::vector<int> some(100);
    ASSERT_GT(allocations, none);
    const std::size_t before = allocations;

    for (const UnitDemand& demand : demands) {
        const Result<Decision> decision = index_.place(demand);
        if (decision->outcome == Outcome::kPlaced) {
            ++placed;
            held[count++] = decision->grant;
        }
        if (count == held.size()) {
            while (count > 0) static_cast<void>(index_.release(held[--count]));
        }
    }

    EXPECT_EQ(allocations, before);
    EXPECT_GT(placed, 100U);
}

TEST_F(UnitLife, ASnapshotIsTheIndexAgain) {
    std::mt19937_64 random{4};
    std::vector<UnitHandle> handles;
    std::vector<Grant> grants;
    for (std::uint32_t number = 0; number < 60; ++number) {
        handles.push_back(*index_.join(random_unit(index_.catalogue(), number, &random)));
    }
    for (int step = 0; step < 200; ++step) {
        const Result<Decision> decision = index_.place(random_demand(index_.catalogue(), &random));
        if (decision && decision->outcome == Outcome::kPlaced) grants.push_back(decision->grant);
    }
    for (std::size_t index = 0; index < 10; ++index) ASSERT_TRUE(index_.leave(handles[index * 3]));
    const Bytes bytes = index_.snapshot();

    Result<UnitIndex> again = UnitIndex::restore(bytes, &policy_);

    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->snapshot(), bytes);
    for (int step = 0; step < 200; ++step) {
        const UnitDemand demand = random_demand(index_.catalogue(), &random);
        const Result<Decision> mine = index_.place(demand);
        const Result<Decision> theirs = again->place(demand);
        ASSERT_EQ(mine.has_value(), theirs.has_value());
        if (!mine) continue;
        EXPECT_EQ(mine->grant, theirs->grant);
    }
    for (const Grant& grant : grants) EXPECT_EQ(index_.release(grant).has_value(), again->release(grant).has_value());
    EXPECT_EQ(again->snapshot(), index_.snapshot());
}

TEST_F(UnitLife, ASnapshotThatIsDamagedIsRefused) {
    ASSERT_TRUE(index_.join(a_unit(1)));
    ASSERT_TRUE(index_.join(a_unit(2)));
    const Bytes bytes = index_.snapshot();

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(UnitIndex::restore(ByteView{bytes}.first(size), &policy_)) << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(UnitIndex::restore(longer, &policy_).error().message, "snapshot of units: bytes after the end");
    UnitIndexOptions options;
    options.units_max = 1;
    EXPECT_EQ(UnitIndex::restore(bytes, &policy_, options).error().code, Errc::kCorrupt);
}

TEST_F(UnitLife, AnotherPolicyDecidesFromThenOn) {
    class Reversed : public ArbitraryPolicy {
      public:
        using ArbitraryPolicy::ArbitraryPolicy;
        GpuChoice choose(const GpuState& before, const GpuRequest& request) const override {
            GpuChoice choice = ArbitraryPolicy::choose(before, request);
            choice.penalty = static_cast<std::uint16_t>(1000 - choice.penalty);
            return choice;
        }
    };
    for (std::uint8_t number = 1; number <= 8; ++number) {
        ExecutionUnit unit = a_unit(number);
        unit.capacity.cpu_milli = 4000U * number;
        ASSERT_TRUE(index_.join(unit));
    }
    UnitDemand demand = one_gpu();
    demand.weights = {0, 0, 0, 1};
    const Decision before = *index_.best(demand);

    const Reversed reversed{50, 2000};
    index_.replace_policy(&reversed);

    const Decision after = *index_.best(demand);
    EXPECT_NE(after.grant.unit, before.grant.unit);
    EXPECT_EQ(explain(index_, demand)->best, after.grant.unit);
}

}  // namespace
}  // namespace vcity::placement
