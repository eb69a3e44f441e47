// SPDX-License-Identifier: Apache-2.0
#include "placement/model_pressure.hpp"

#include <gtest/gtest.h>

namespace vcity::placement {
namespace {

RequestMix::Shape shape(std::uint64_t models, std::uint64_t count) {
    return {{models, 1, 1000, 1000, 0}, count};
}

// `free` GPUs of each model, all of them idle.
PackingSupply supply_of(std::initializer_list<int> free) {
    PackingSupply supply;
    std::uint8_t model = 0;
    for (const int gpus : free) {
        for (int gpu = 0; gpu < gpus; ++gpu) supply.add(GpuState{model, 1, {1000}, 8000, 0}, 8000);
        ++model;
    }
    return supply;
}

TEST(ModelPressure, IsZeroWhereEveryRequestGoesAnywhere) {
    const std::vector<RequestMix::Shape> shapes = {shape(0b11, 5), shape(~0ULL, 5)};
    for (const double pressure : model_pressures(shapes, supply_of({10, 10}))) EXPECT_EQ(pressure, 0);
    for (const double pressure : model_pressures({}, supply_of({10}))) EXPECT_EQ(pressure, 0);
}

TEST(ModelPressure, IsTheDemandForOneModelOverItsFreeCapacity) {
    // 100 GPUs free, so 100 will be asked for: 25 of them of model 1, which has 20.
    const std::vector<RequestMix::Shape> shapes = {shape(0b01, 0), shape(0b10, 25), shape(0b11, 75)};
    const auto pressures = model_pressures(shapes, supply_of({80, 20}));
    EXPECT_NEAR(pressures[0], 0, 1e-9);
    EXPECT_NEAR(pressures[1], 1.25, 1e-3);
}

TEST(ModelPressure, SpreadsDemandOverTheModelsThatWillDo) {
    // 30 for models 0 or 1, which have 30 each: half of each is spoken for.
    const std::vector<RequestMix::Shape> shapes = {shape(0b011, 30), shape(0b111, 70)};
    const auto pressures = model_pressures(shapes, supply_of({30, 30, 40}));
    EXPECT_NEAR(pressures[0], 0.5, 1e-3);
    EXPECT_NEAR(pressures[1], 0.5, 1e-3);
    EXPECT_NEAR(pressures[2], 0, 1e-9);
}

TEST(ModelPressure, KeepsFlexibleDemandOffAModelThatOthersNeed) {
    // Model 0 is wanted by 25 that have no choice; the 25 with a choice go mostly to model 1.
    const std::vector<RequestMix::Shape> shapes = {shape(0b001, 25), shape(0b011, 25), shape(0b111, 50)};
    const auto pressures = model_pressures(shapes, supply_of({30, 30, 40}));
    EXPECT_NEAR(pressures[0] + pressures[1], 50.0 / 30, 0.05);
    EXPECT_LT(pressures[0], 1.1) << "an even split would be 1.25";
    EXPECT_LT(pressures[1], pressures[0]);
}

TEST(ModelPressure, IsFiniteWhereNothingIsFree) {
    PackingSupply supply = supply_of({10, 0});
    supply.add(GpuState{1, 1, {0}, 0, 0}, 8000);
    const auto pressures = model_pressures(std::vector<RequestMix::Shape>{shape(0b10, 1), shape(0b11, 1)}, supply);
    EXPECT_GT(pressures[1], 1);
    EXPECT_LT(pressures[1], 1e6);
}

}  // namespace
}  // namespace vcity::placement
