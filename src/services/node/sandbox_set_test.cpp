// SPDX-License-Identifier: Apache-2.0
#include "services/node/sandbox_set.hpp"

#include <gtest/gtest.h>

#include "ports/testing/harness.hpp"
#include "sim/fakes/sandbox.hpp"

namespace vcity::node {
namespace {

class SandboxSetTest : public testing::Test, public ports::testing::TaskRunner {
  protected:
    Runtime& runtime() override { return world; }
    void run(Task<void> task) override {
        world.spawn(std::move(task));
        world.run(100'000);
    }
    Result<std::unique_ptr<ports::SandboxProcess>> start(SandboxSet* set, std::string image) {
        ports::SandboxSpec spec;
        spec.command = {"--endless"};
        spec.image = std::move(image);
        return ports::testing::await(*this, set->start(std::move(spec)));
    }

    sim::SimRuntime world{1};
    sim::FakeSandbox commands{&world, &world};
    sim::FakeSandbox containers{&world, &world};
};

TEST_F(SandboxSetTest, RunsImagesInContainersAndEverythingElseInTheLightSandbox) {
    SandboxSet set{&commands, &containers};

    const auto light = start(&set, "");
    EXPECT_EQ(commands.running(), 1U);
    EXPECT_EQ(containers.running(), 0U);
    const auto heavy = start(&set, "image");
    EXPECT_EQ(commands.running(), 1U);
    EXPECT_EQ(containers.running(), 1U);
}

TEST_F(SandboxSetTest, RefusesImagesWithoutContainers) {
    SandboxSet set{&commands, nullptr};

    const auto refused = start(&set, "image");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kInvalid);
    EXPECT_TRUE(start(&set, "").has_value());
    EXPECT_EQ(ports::testing::await(*this, set.adopt("x")).error().code, Errc::kNotFound);
}

TEST_F(SandboxSetTest, AdoptsNothingThatNeitherHas) {
    SandboxSet set{&commands, &containers};

    EXPECT_EQ(ports::testing::await(*this, set.adopt("x")).error().code, Errc::kNotFound);
    EXPECT_EQ(ports::testing::await(*this, set.sweep({})).value(), 0U);
}

}  // namespace
}  // namespace vcity::node
