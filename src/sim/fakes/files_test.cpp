// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/files.hpp"

#include <gtest/gtest.h>

#include "ports/testing/volume_contract.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {
namespace {

class FakeHarness final : public ports::testing::VolumeHarness {
  public:
    Runtime& runtime() override { return process_; }
    void run(Task<void> task) override {
        process_.spawn(std::move(task));
        world_.run_until(world_.now() + std::chrono::minutes{1}, 100'000);
    }
    ports::Volumes& volumes() override { return volumes_; }
    std::string leave_behind() override {
        auto volume = ports::testing::await(*this, volumes_.make("left", 1000)).value();
        (*volumes_.files_at(volume->path()))["in/a"] = Bytes{'k', 'e', 'p', 't'};
        volumes_.lose_agent();
        return volume->path();
    }

  private:
    SimRuntime world_{1};
    SimProcess process_{&world_, "node"};
    FakeVolumes volumes_;
};

}  // namespace

std::unique_ptr<ports::testing::VolumeHarness> make_harness() {
    return std::make_unique<FakeHarness>();
}

}  // namespace vcity::sim

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Fake, VolumeContract, ::testing::Values(VolumeHarnessFactory{sim::make_harness}));

}  // namespace vcity::ports::testing
