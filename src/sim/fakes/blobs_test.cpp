// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/blobs.hpp"

#include "ports/testing/blob_contract.hpp"
#include "sim/runtime.hpp"

namespace vcity::ports::testing {
namespace {

class FakeBlobHarness final : public BlobHarness {
  public:
    Runtime& runtime() override { return world_; }
    void run(Task<void> task) override {
        world_.spawn(std::move(task));
        world_.run(100'000);
    }
    BlobStore& blobs() override { return *blobs_; }
    void reopen() override { blobs_ = std::make_unique<sim::FakeBlobs>(&disk_); }
    void fill_up() override { disk_.bytes_max = disk_.used(); }

  private:
    sim::SimRuntime world_{1};
    sim::FakeBlobDisk disk_;
    std::unique_ptr<sim::FakeBlobs> blobs_ = std::make_unique<sim::FakeBlobs>(&disk_);
};

std::unique_ptr<BlobHarness> make_blob_harness() {
    return std::make_unique<FakeBlobHarness>();
}

INSTANTIATE_TEST_SUITE_P(Fake, BlobContract, ::testing::Values(BlobHarnessFactory{make_blob_harness}));

}  // namespace
}  // namespace vcity::ports::testing
